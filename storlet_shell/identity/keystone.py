"""Identities of Keystone v3: ``OS_AUTH_URL`` and the settings of its auth types (``keystone_login.py`` logs in)."""

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
"""The common auth types, without the prefix ``v3``, with keystoneauth's name for their secret."""

OPTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "password": (*_USER, *_PROJECT),
        "token": _PROJECT,
        "applicationcredential": (*_APPLICATION_CREDENTIAL, *_USER),
    }
)
"""Further options of keystoneauth's plug-ins for these auth types."""
_APPLICATION = tuple(f"OS_{name.upper()}" for name in _APPLICATION_CREDENTIAL)
_CHOICES = ("OS_REGION_NAME", "OS_INTERFACE", "OS_ENDPOINT_TYPE", "OS_STORAGE_URL")
_DEFAULT_DOMAINS = ("OS_DEFAULT_DOMAIN", "OS_DEFAULT_DOMAIN_ID", "OS_DEFAULT_DOMAIN_NAME")
_SCOPES = ("OS_SYSTEM_SCOPE", "OS_DOMAIN_NAME", "OS_DOMAIN_ID")
_VERSIONS = ("OS_AUTH_VERSION", "OS_IDENTITY_API_VERSION")
_OPTIONS = {f"OS_{name.upper()}" for names in OPTIONS.values() for name in names}


class Keystone:
    """The kind of identity that Keystone manages, with every auth type that keystoneauth supports."""

    scheme = "v3"
    url = "OS_AUTH_URL"
    auth_types: frozenset[str] = frozenset()
    """All that no other kind claims."""

    parts = (url, "OS_USERNAME", "OS_USER_ID", "OS_TOKEN", *_APPLICATION)
    secrets = (
        *("OS_PASSWORD", "OS_TOKEN", "OS_AUTH_TOKEN", "OS_APPLICATION_CREDENTIAL_SECRET", "OS_PASSCODE"),
        *("OS_CLIENT_SECRET", "OS_ACCESS_TOKEN", "OS_CODE"),
    )
    usage = (
        "OS_AUTH_URL, OS_USERNAME, OS_PASSWORD, …",
        "an identity in Keystone; --os-NAME overrides OS_NAME",
    )
    variables = frozenset(
        {*parts, *secrets, *_CHOICES, *_DEFAULT_DOMAINS, *_SCOPES, *_VERSIONS, *_OPTIONS}
        | {name.replace("PROJECT", "TENANT") for name in _OPTIONS}
    )

    def state(self, variables: Mapping[str, str]) -> None:
        """Return None."""

    def is_named(self, variables: Variables) -> bool:
        """Tell whether Keystone's URL is set."""
        return variables.holds(self.url)

    def read(self, variables: Variables) -> Credentials:
        """Read the credentials of the requested auth type, or of the one that the variables suggest.

        :raises IdentityError: if something is missing, except for a password, which the user can be asked for
        """
        variables.use(self.url)
        _check_version(variables)
        auth_type = variables.auth_type or _guess(variables)
        plain = plain_type(auth_type)
        if plain not in SECRETS:
            return self._credentials(variables, auth_type, _others(variables))
        secret, missing = _secret(variables, plain)
        options = {name: value for name in OPTIONS[plain] if (value := _option(variables, name))}
        if plain != "applicationcredential":
            _check_scope(variables, options)
            options |= {name: value for name in ("domain_id", "domain_name") if (value := _option(variables, name))}
        credentials = self._credentials(variables, auth_type, options)
        return credentials._replace(secret=secret, missing_password=missing, hint=COMPLETE if missing else None)

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
        """Read the credentials of a cloud.

        :raises IdentityError: if something is missing, except for a password, which the user can be asked for
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
        return credentials if secret else credentials._replace(missing_password=cloud.missing("password").message)

    def log_in(self, credentials: Credentials, connection: Connection) -> Issuer:
        """Return an issuer of tokens, which logs in when it is first used.

        :raises IdentityError: if the URL is invalid, or the auth type is unknown
        """
        from storlet_shell.identity.keystone_login import KeystoneLogin  # imports keystoneauth and stevedore

        return KeystoneLogin(credentials, connection, SECRETS.get(plain_type(credentials.auth_type), ""))


def plain_type(auth_type: str) -> str:
    """Return an auth type without the prefix ``v3``.

    :raises IdentityError: if it belongs to version 2
    """
    if auth_type.startswith("v2"):
        raise IdentityError(f"auth type {auth_type} belongs to Keystone version 2; only version 3 is supported")
    return auth_type.removeprefix("v3")


def _check_version(variables: Variables) -> None:
    """Check the version of Keystone that variables ask for.

    :raises IdentityError: if it isn't 3
    """
    name = next((name for name in _VERSIONS if variables.holds(name)), "")
    if name and variables.all[name].split(".")[0] != "3":
        spelling = variables.spelled(name)
        raise IdentityError(
            f"{spelling} is {variables.all[name]}; only version 3 of Keystone is supported: set it to 3"
        )


def _guess(variables: Variables) -> str:
    """Return the auth type that the options suggest, else the one that the variables suggest."""
    for values in (variables.options, variables.all):
        present = {name for name in (*Keystone.parts, "OS_PASSWORD", "OS_AUTH_TOKEN") if values.get(name)}
        if present & {"OS_PASSWORD", "OS_USERNAME", "OS_USER_ID"} and not present & set(_APPLICATION):
            return "v3password"
        if present & set(_APPLICATION) and "OS_PASSWORD" not in present:
            return "v3applicationcredential"
        if present & {"OS_TOKEN", "OS_AUTH_TOKEN"}:
            return "v3token"
    return "v3password"


def _secret(variables: Variables, plain: str) -> tuple[str, str]:
    """Return the secret of an auth type, and the message if it is a password and missing; else an empty one."""
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
    return password, "" if password else variables.incomplete("OS_PASSWORD")


def _check_scope(variables: Variables, options: Mapping[str, str]) -> None:
    if options.keys() & {"project_name", "project_id", "trust_id"}:
        return
    others = [name for name in _SCOPES if variables.holds(name)]
    if others:
        raise IdentityError(f"an object store requires a project: {', '.join(others)} without OS_PROJECT_NAME")
    raise IdentityError(variables.incomplete("OS_PROJECT_NAME"), hint=COMPLETE)


def _option(variables: Variables, name: str) -> str:
    """Return the variable for one of keystoneauth's options; projects were once called tenants."""
    variable = f"OS_{name.upper()}"
    return variables.use(variable) or variables.use(variable.replace("PROJECT", "TENANT"))


def _others(variables: Variables) -> dict[str, str]:
    """Return all variables: only keystoneauth knows the options of its other auth types."""
    return {name[3:].lower(): value for name, value in variables.all.items() if name.startswith("OS_") and value}


def _check_cloud(cloud: Cloud, plain: str) -> None:
    """Check that a cloud has the keys that its auth type requires.

    :raises IdentityError: if one is missing
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
    """Add missing domains to keystoneauth's options, as python-openstackclient does.

    A shared domain (``domain_id`` or ``domain_name``) applies to the user and the project; without any, the default is
    ``OS_DEFAULT_DOMAIN``, or Keystone's own default domain, whose id is ``default``.
    """
    completed = dict(options)
    shared = {f"_domain_{key}": completed.pop(f"domain_{key}", "") for key in ("id", "name")}
    if not any(shared.values()):
        shared = {f"_domain_{key}": variables.get(f"OS_DEFAULT_DOMAIN_{key.upper()}", "") for key in ("id", "name")}
    if not any(shared.values()):
        shared = {"_domain_id": variables.get("OS_DEFAULT_DOMAIN") or "default"}
    for name, owner in (("username", "user"), ("project_name", "project")):
        if completed.get(name) and not any(completed.get(f"{owner}_domain_{key}") for key in ("id", "name")):
            completed.update({owner + ending: value for ending, value in shared.items() if value})
    return completed
