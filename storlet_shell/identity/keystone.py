"""Keystone (v3): ``OS_AUTH_URL`` and what its auth types need; logging in is in ``keystone_login.py``."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from storlet_shell.errors import IdentityError
from storlet_shell.identity.variables import COMPLETE, interface_of

if TYPE_CHECKING:
    from storlet_shell.identity.kind import Cloud, Issuer
    from storlet_shell.identity.values import Credentials
    from storlet_shell.identity.variables import Variables
    from storlet_shell.values import Connection

_USER = ("user_id", "username", "user_domain_id", "user_domain_name")
_PROJECT = ("project_id", "project_name", "project_domain_id", "project_domain_name", "trust_id")
_APPLICATION_CREDENTIAL = ("application_credential_id", "application_credential_name")

SECRETS: Mapping[str, str] = MappingProxyType(
    {"password": "password", "token": "token", "applicationcredential": "application_credential_secret"}
)
"""The auth types that are told apart here, without the ``v3`` in front, and keystoneauth's name of their secret."""

OPTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "password": (*_USER, *_PROJECT),
        "token": _PROJECT,
        "applicationcredential": (*_APPLICATION_CREDENTIAL, *_USER),
    }
)
"""What else keystoneauth's plug-ins for them take."""


_APPLICATION = tuple(f"OS_{name.upper()}" for name in _APPLICATION_CREDENTIAL)
_CHOICES = ("OS_REGION_NAME", "OS_INTERFACE", "OS_ENDPOINT_TYPE", "OS_STORAGE_URL")
_DEFAULT_DOMAINS = ("OS_DEFAULT_DOMAIN", "OS_DEFAULT_DOMAIN_ID", "OS_DEFAULT_DOMAIN_NAME")
_SCOPES = ("OS_SYSTEM_SCOPE", "OS_DOMAIN_NAME", "OS_DOMAIN_ID")
_VERSIONS = ("OS_AUTH_VERSION", "OS_IDENTITY_API_VERSION")
_OPTIONS = {f"OS_{name.upper()}" for names in OPTIONS.values() for name in names}


class Keystone:
    """The kind of identity that Keystone knows; of its auth types, all that keystoneauth has."""

    scheme = "v3"
    url = "OS_AUTH_URL"
    auth_types: frozenset[str] = frozenset()
    """Those of no other kind."""

    parts = (url, "OS_USERNAME", "OS_USER_ID", "OS_TOKEN", *_APPLICATION)
    secrets = (
        *("OS_PASSWORD", "OS_TOKEN", "OS_AUTH_TOKEN", "OS_APPLICATION_CREDENTIAL_SECRET", "OS_PASSCODE"),
        *("OS_CLIENT_SECRET", "OS_ACCESS_TOKEN", "OS_CODE"),
    )
    usage = (
        "OS_AUTH_URL, OS_USERNAME, OS_PASSWORD, …",
        "an identity at Keystone; --os-NAME stands in the place of OS_NAME",
    )
    variables = frozenset(
        {*parts, *secrets, *_CHOICES, *_DEFAULT_DOMAINS, *_SCOPES, *_VERSIONS, *_OPTIONS}
        | {name.replace("PROJECT", "TENANT") for name in _OPTIONS}
    )

    def is_named(self, variables: Variables) -> bool:
        """Tell whether its URL is there."""
        return variables.holds(self.url)

    def read(self, variables: Variables) -> Credentials:
        """Return the credentials of the auth type that is asked for, or that the variables are made for.

        :raises IdentityError: when something is missing, but for a password, which can be asked for
        """
        variables.use(self.url)
        version = next((variables.all[name] for name in _VERSIONS if variables.holds(name)), "3")
        if version.split(".")[0] != "3":
            raise IdentityError(f"OS_AUTH_VERSION is {version}: Keystone is spoken in version 3 only")
        auth_type = variables.auth_type or _guess(variables)
        plain = plain_type(auth_type)
        if plain not in SECRETS:
            return self._credentials(variables, auth_type, _others(variables))
        secret, lacks = _secret(variables, plain)
        options = {name: value for name in OPTIONS[plain] if (value := _option(variables, name))}
        if plain != "applicationcredential":
            _check_scope(variables, options)
            options |= {name: value for name in ("domain_id", "domain_name") if (value := _option(variables, name))}
        credentials = self._credentials(variables, auth_type, options)
        return credentials._replace(secret=secret, lacks=lacks, hint=COMPLETE if lacks else None)

    def _credentials(self, variables: Variables, auth_type: str, options: Mapping[str, str]) -> Credentials:
        region, storage_url = variables.use("OS_REGION_NAME"), variables.use("OS_STORAGE_URL")
        return variables.credentials(
            self.scheme,
            variables.all[self.url],
            options.get("username") or options.get("user_id") or "",
            scope=_scope(options, variables.all),
            auth_type=auth_type,
            region=region,
            interface=interface_of(variables.all) or "public",
            storage_url=storage_url,
        )

    def read_cloud(self, cloud: Cloud) -> Credentials:
        """Return the credentials of a cloud.

        :raises IdentityError: when something is missing, but for a password, which can be asked for
        """
        plain = plain_type(cloud.auth_type)
        cloud.demand("auth_url")
        options = {name: value for name, value in cloud.auth.items() if name != "auth_url"}
        if plain not in SECRETS:
            return cloud.credentials(self.scheme)._replace(scope=_scope(options, cloud.variables))
        _check_cloud(cloud, plain)
        secret = cloud.auth.get(SECRETS[plain], "")
        options = {name: options[name] for name in options if name in OPTIONS[plain] or name.startswith("domain_")}
        credentials = cloud.credentials(self.scheme, secret)._replace(scope=_scope(options, cloud.variables))
        return credentials if secret else credentials._replace(lacks=cloud.lacks("password").message)

    def log_in(self, credentials: Credentials, connection: Connection) -> Issuer:
        """Return what logs in.

        :raises IdentityError: when the URL is none, or the auth type is unknown
        """
        from storlet_shell.identity.keystone_login import KeystoneLogin  # with it come keystoneauth and stevedore

        return KeystoneLogin(credentials, connection, SECRETS.get(plain_type(credentials.auth_type), ""))


def plain_type(auth_type: str) -> str:
    """Return an auth type without the version in front, which is always 3.

    :raises IdentityError: when it is one of version 2
    """
    if auth_type.startswith("v2"):
        raise IdentityError(f"the auth type {auth_type} is of version 2: Keystone is spoken in version 3 only")
    return auth_type.removeprefix("v3")


def _guess(variables: Variables) -> str:
    """Return the auth type that the variables are made for; if options are for one, theirs."""
    for named in (variables.given, variables.all):
        present = {name for name in (*Keystone.parts, "OS_PASSWORD", "OS_AUTH_TOKEN") if named.get(name)}
        if present & {"OS_PASSWORD", "OS_USERNAME", "OS_USER_ID"} and not present & set(_APPLICATION):
            return "v3password"
        if present & set(_APPLICATION) and "OS_PASSWORD" not in present:
            return "v3applicationcredential"
        if present & {"OS_TOKEN", "OS_AUTH_TOKEN"}:
            return "v3token"
    return "v3password"


def _secret(variables: Variables, plain: str) -> tuple[str, str]:
    """Return the secret of an auth type, and what is to be said if that alone is missing and can be asked for."""
    if plain == "token":
        token = variables.use("OS_TOKEN") or variables.use("OS_AUTH_TOKEN")
        return token or variables.require("OS_TOKEN")[0], ""
    if plain == "applicationcredential":
        if not any(variables.use(name) for name in _APPLICATION):
            variables.require(_APPLICATION[0])
        return variables.require("OS_APPLICATION_CREDENTIAL_SECRET")[0], ""
    if not (variables.use("OS_USERNAME") or variables.use("OS_USER_ID")):
        variables.require("OS_USERNAME", "OS_PASSWORD")
    password = variables.use("OS_PASSWORD")
    return password, "" if password else variables.complaint("OS_PASSWORD")


def _check_scope(variables: Variables, options: Mapping[str, str]) -> None:
    if options.keys() & {"project_name", "project_id", "trust_id"}:
        return
    others = [name for name in _SCOPES if variables.holds(name)]
    if others:
        raise IdentityError(f"an object store needs a project: {', '.join(others)} without OS_PROJECT_NAME")
    raise IdentityError(variables.complaint("OS_PROJECT_NAME"), hint=COMPLETE)


def _option(variables: Variables, name: str) -> str:
    """Return the variable of one of keystoneauth's options; a project was once called a tenant."""
    variable = f"OS_{name.upper()}"
    return variables.use(variable) or variables.use(variable.replace("PROJECT", "TENANT"))


def _others(variables: Variables) -> dict[str, str]:
    """Return every variable: only keystoneauth knows what its other auth types take."""
    return {name[3:].lower(): value for name, value in variables.all.items() if name.startswith("OS_") and value}


def _check_cloud(cloud: Cloud, plain: str) -> None:
    """Check that a cloud has what its auth type needs.

    :raises IdentityError: when it hasn't
    """
    if plain == "password":
        cloud.demand(("username", "user_id"))
    elif plain == "token":
        cloud.demand("token")
    else:
        cloud.demand(_APPLICATION_CREDENTIAL, "application_credential_secret")
    if plain != "applicationcredential":
        cloud.demand(("project_name", "project_id", "trust_id"))


def _scope(options: Mapping[str, str], variables: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(_with_domains(options, variables).items()))


def _with_domains(options: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, str]:
    """Return keystoneauth's options with the domains that they lack, as python-openstackclient completes them.

    One domain for all (``domain_id`` or ``domain_name``) stands for the user's and the project's; without any, it is
    ``OS_DEFAULT_DOMAIN``, or Keystone's own default, whose id is ``default``.
    """
    completed = dict(options)
    shared = {f"_domain_{how}": completed.pop(f"domain_{how}", "") for how in ("id", "name")}
    if not any(shared.values()):
        shared = {f"_domain_{how}": variables.get(f"OS_DEFAULT_DOMAIN_{how.upper()}", "") for how in ("id", "name")}
    if not any(shared.values()):
        shared = {"_domain_id": variables.get("OS_DEFAULT_DOMAIN") or "default"}
    for name, whose in (("username", "user"), ("project_name", "project")):
        if completed.get(name) and not any(completed.get(f"{whose}_domain_{how}") for how in ("id", "name")):
            completed.update({whose + ending: value for ending, value in shared.items() if value})
    return completed
