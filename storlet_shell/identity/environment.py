"""The identity that variables name, and options in their place: ``--os-NAME`` is ``OS_NAME``, and wins over it.

Keystone's variables win over tempauth's, and those over a storage URL with a token.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from storlet_shell.errors import Action, Hint, IdentityError
from storlet_shell.identity.auth_types import OPTIONS, SECRETS, kind_of, with_domains
from storlet_shell.identity.values import Credentials
from storlet_shell.values import Connection

_TEMPAUTH = ("ST_AUTH", "ST_USER", "ST_KEY")
_TOKEN = ("OS_STORAGE_URL", "OS_AUTH_TOKEN")
_APPLICATION = ("OS_APPLICATION_CREDENTIAL_ID", "OS_APPLICATION_CREDENTIAL_NAME")
_PARTS = ("OS_CLOUD", "OS_AUTH_URL", "OS_USERNAME", "OS_USER_ID", "OS_TOKEN", *_APPLICATION, *_TEMPAUTH, *_TOKEN)
SECRET_VARIABLES = (
    *("ST_KEY", "OS_PASSWORD", "OS_TOKEN", "OS_AUTH_TOKEN", "OS_APPLICATION_CREDENTIAL_SECRET", "OS_PASSCODE"),
    *("OS_CLIENT_SECRET", "OS_ACCESS_TOKEN", "OS_CODE"),
)
"""The variables that hold secrets."""

PREFIXES = ("OS_", "ST_")
"""What the names of the variables that an identity is read from begin with."""

_COMPLETE = Hint(Action.COMPLETE_LOGIN)
_NO_SCOPE = "an object store needs a project"

LOCAL = "STORLET_SHELL_LOCAL"
"""Says yes where the embedded Swift is to be used."""

_OF_KEYSTONE = {name for names in OPTIONS.values() for name in names} | {*SECRETS.values(), "domain_id", "domain_name"}

VARIABLES = tuple(
    sorted(
        {
            LOCAL,
            *_PARTS,
            *SECRET_VARIABLES,
            "OS_AUTH_TYPE",
            "OS_AUTH_PLUGIN",
            "OS_AUTH_VERSION",
            "OS_IDENTITY_API_VERSION",
        }
        | {f"OS_{name.upper()}" for name in _OF_KEYSTONE}
        | {f"OS_{name.upper().replace('PROJECT', 'TENANT')}" for name in _OF_KEYSTONE}
        | {"OS_SYSTEM_SCOPE", "OS_DEFAULT_DOMAIN", "OS_DEFAULT_DOMAIN_ID", "OS_DEFAULT_DOMAIN_NAME"}
        | {"OS_REGION_NAME", "OS_INTERFACE", "OS_ENDPOINT_TYPE"}
        | {"OS_CACERT", "OS_CERT", "OS_KEY", "OS_INSECURE"}
    )
)
"""Every variable that an identity is made of, or chosen by."""


def discover(environ: Mapping[str, str], given: Mapping[str, str] = MappingProxyType({})) -> Credentials:
    """Return the identity that variables name, and the options that stand for some.

    :param given: what options say, by the names of the variables
    :raises IdentityError: when there is none, or half of one; the message names what is missing
    """
    return _Variables(environ, given).credentials()


def holds_none(variables: Mapping[str, str]) -> bool:
    """Tell whether variables name no identity at all, nor a part of one."""
    return not any(variables.get(name) for name in _PARTS)


def says_yes(variables: Mapping[str, str], name: str) -> bool:
    """Tell whether a variable switches something on."""
    return variables.get(name, "").lower() in ("1", "true", "yes", "on")


def connection_of(variables: Mapping[str, str]) -> Connection:
    """Return how servers are to be reached, as variables say."""
    return Connection(
        cacert=variables.get("OS_CACERT", ""),
        insecure=says_yes(variables, "OS_INSECURE"),
        cert=variables.get("OS_CERT", ""),
        key=variables.get("OS_KEY", ""),
    )


def interface_of(variables: Mapping[str, str]) -> str:
    """Return the interface that variables ask for, by either of their names; empty when they ask for none."""
    return variables.get("OS_INTERFACE") or variables.get("OS_ENDPOINT_TYPE") or ""


class _Variables:
    """Variables, and options in their place; remembers which were used."""

    def __init__(self, environ: Mapping[str, str], given: Mapping[str, str]) -> None:
        self._given = given
        self._all = {**environ, **given}
        self._used: list[str] = []

    def credentials(self) -> Credentials:
        auth_type = self._all.get("OS_AUTH_TYPE") or self._all.get("OS_AUTH_PLUGIN") or ""
        if auth_type == "v1password":
            return self._tempauth(("OS_AUTH_URL", "OS_USERNAME", "OS_PASSWORD"))
        if self._use("OS_AUTH_URL"):
            return self._keystone(auth_type)
        if any(self._all.get(name) for name in _TEMPAUTH):
            return self._tempauth(_TEMPAUTH)
        if any(self._all.get(name) for name in _TOKEN):
            url, token = self._required(_TOKEN)
            return self._made("token", url, secret=token)
        if not holds_none(self._all):
            self._required(("OS_AUTH_URL", *(name for name in _PARTS if self._all.get(name))))
        raise IdentityError("no identity", hint=Hint(Action.LOG_IN))

    def _tempauth(self, names: tuple[str, str, str]) -> Credentials:
        url, user, key = self._required(names)
        return self._made("v1", url, user, key, storage_url=self._use("OS_STORAGE_URL"))

    def _keystone(self, auth_type: str) -> Credentials:
        version = self._all.get("OS_AUTH_VERSION") or self._all.get("OS_IDENTITY_API_VERSION") or "3"
        if version.split(".")[0] != "3":
            raise IdentityError(f"OS_AUTH_VERSION is {version}: Keystone is spoken in version 3 only")
        auth_type = auth_type or self._guess()
        kind = kind_of(auth_type)
        if kind not in SECRETS:
            return self._of_another_type(auth_type)
        secret, lacks = self._secret(kind)
        options = {name: value for name in OPTIONS[kind] if (value := self._option(name))}
        if kind != "applicationcredential":
            self._check_scope(options)
            options |= {name: value for name in ("domain_id", "domain_name") if (value := self._option(name))}
        return self._made(
            "v3",
            self._all["OS_AUTH_URL"],
            options.get("username") or options.get("user_id") or "",
            secret,
            scope=tuple(sorted(with_domains(options, self._all).items())),
            auth_type=auth_type,
            region=self._use("OS_REGION_NAME"),
            interface=interface_of(self._all) or "public",
            storage_url=self._use("OS_STORAGE_URL"),
            lacks=lacks,
            hint=_COMPLETE if lacks else None,
        )

    def _guess(self) -> str:
        """Return the auth type that the variables are made for; if options are for one, theirs."""
        for variables in (self._given, self._all):
            held = {name for name in (*_PARTS, "OS_PASSWORD") if variables.get(name)}
            if held & {"OS_PASSWORD", "OS_USERNAME", "OS_USER_ID"} and not held & set(_APPLICATION):
                return "v3password"
            if held & set(_APPLICATION) and "OS_PASSWORD" not in held:
                return "v3applicationcredential"
            if held & {"OS_TOKEN", "OS_AUTH_TOKEN"}:
                return "v3token"
        return "v3password"

    def _secret(self, kind: str) -> tuple[str, str]:
        """Return the secret of a kind of identity, and the name of the password if that alone is missing."""
        if kind == "token":
            token = self._use("OS_TOKEN") or self._use("OS_AUTH_TOKEN")
            return token or self._required(("OS_TOKEN",))[0], ""
        if kind == "applicationcredential":
            if not any(self._use(name) for name in _APPLICATION):
                self._required(_APPLICATION[:1])
            return self._required(("OS_APPLICATION_CREDENTIAL_SECRET",))[0], ""
        if not (self._use("OS_USERNAME") or self._use("OS_USER_ID")):
            self._required(("OS_USERNAME", "OS_PASSWORD"))
        password = self._use("OS_PASSWORD")
        return password, "" if password else self._complaint(("OS_PASSWORD",))

    def _check_scope(self, options: Mapping[str, str]) -> None:
        if options.keys() & {"project_name", "project_id", "trust_id"}:
            return
        others = [name for name in ("OS_SYSTEM_SCOPE", "OS_DOMAIN_NAME", "OS_DOMAIN_ID") if self._all.get(name)]
        if others:
            raise IdentityError(f"{_NO_SCOPE}: {', '.join(others)} without OS_PROJECT_NAME")
        raise IdentityError(self._complaint(("OS_PROJECT_NAME",)), hint=_COMPLETE)

    def _of_another_type(self, auth_type: str) -> Credentials:
        """Hand every variable on: only keystoneauth knows what its other auth types take."""
        kept = {name[3:].lower(): value for name, value in self._all.items() if name.startswith("OS_") and value}
        return self._made(
            "v3",
            self._all["OS_AUTH_URL"],
            kept.get("username", ""),
            scope=tuple(sorted(with_domains(kept, self._all).items())),
            auth_type=auth_type,
            region=self._use("OS_REGION_NAME"),
            interface=interface_of(self._all) or "public",
            storage_url=self._use("OS_STORAGE_URL"),
        )

    def _made(self, scheme: str, url: str, user: str = "", secret: str = "", **more: Any) -> Credentials:
        how = connection_of(self._all)
        source = joined(self._spelled(name) for name in self._used)
        return Credentials(source, scheme, url, user, secret, connection=how)._replace(**more)

    def _option(self, name: str) -> str:
        """Return the variable of one of keystoneauth's options; a project was once called a tenant."""
        return self._use(f"OS_{name.upper()}") or self._use(f"OS_{name.upper().replace('PROJECT', 'TENANT')}")

    def _use(self, name: str) -> str:
        value = self._all.get(name, "")
        if value and name not in self._used:
            self._used.append(name)
        return value

    def _required(self, names: tuple[str, ...]) -> list[str]:
        values = [self._use(name) for name in names]
        if not all(values):
            raise IdentityError(self._complaint(names), hint=_COMPLETE)
        return values

    def _complaint(self, names: tuple[str, ...]) -> str:
        missing = [name for name in names if not self._all.get(name)]
        found = [self._spelled(name) for name in self._used] or [self._spelled(n) for n in names if n not in missing]
        return f"half an identity: {', '.join(found)} without {', '.join(missing)}"

    def _spelled(self, name: str) -> str:
        """Return a variable's name, or that of the option that stands in its place."""
        return "--" + name.lower().replace("_", "-") if self._given.get(name) else name


def joined(words: Iterable[str]) -> str:
    """Return words as an enumeration."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
