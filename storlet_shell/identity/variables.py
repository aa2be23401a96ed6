"""The variables that define an identity, and the options that override them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from storlet_shell.errors import Action, Hint, IdentityError
from storlet_shell.identity.values import Credentials
from storlet_shell.values import Connection

COMPLETE = Hint(Action.COMPLETE_LOGIN)
"""The hint for an incomplete identity."""


class Variables:
    """Environment variables, overridden by options; remembers which ones were used.

    :param options: values of command-line options, by the name of the corresponding variable
    """

    def __init__(self, environ: Mapping[str, str], options: Mapping[str, str]) -> None:
        self.options = options
        self.all = {**environ, **options}
        self._used: list[str] = []

    @property
    def auth_type(self) -> str:
        """The requested auth type; empty without one."""
        return self.all.get("OS_AUTH_TYPE") or self.all.get("OS_AUTH_PLUGIN") or ""

    def holds(self, *names: str) -> bool:
        """Tell whether at least one of several variables is set and not empty."""
        return any(self.all.get(name) for name in names)

    def use(self, name: str) -> str:
        """Return the value of a variable, and record it as part of the identity; empty if it isn't set."""
        value = self.all.get(name, "")
        if value and name not in self._used:
            self._used.append(name)
        return value

    def require(self, *names: str) -> list[str]:
        """Return the values of variables.

        :raises IdentityError: if one is missing
        """
        values = [self.use(name) for name in names]
        if not all(values):
            raise IdentityError(self.incomplete(*names), hint=COMPLETE)
        return values

    def incomplete(self, *names: str) -> str:
        """Describe an incomplete identity: the variables that are set, and the required ones that are missing."""
        missing = [name for name in names if not self.all.get(name)]
        present = [self.spelled(name) for name in self._used] or [self.spelled(n) for n in names if n not in missing]
        return f"incomplete identity: {', '.join(present)} without {', '.join(missing)}"

    def credentials(self, scheme: str, url: str, user: str = "", secret: str = "", **more: Any) -> Credentials:
        """Return credentials that name the used variables as their source."""
        source = _joined(self.spelled(name) for name in self._used)
        return Credentials(source, scheme, url, user, secret, connection=connection_of(self.all))._replace(**more)

    def spelled(self, name: str) -> str:
        """Return a variable's name, or the option that overrides it."""
        return "--" + name.lower().replace("_", "-") if self.options.get(name) else name


def says_yes(variables: Mapping[str, str], name: str) -> bool:
    """Tell whether a variable is set to 1, true, yes or on."""
    return variables.get(name, "").lower() in ("1", "true", "yes", "on")


def connection_of(variables: Mapping[str, str]) -> Connection:
    """Return the connection settings in variables."""
    return Connection(
        cacert=variables.get("OS_CACERT", ""),
        insecure=says_yes(variables, "OS_INSECURE"),
        cert=variables.get("OS_CERT", ""),
        key=variables.get("OS_KEY", ""),
    )


def interface_of(variables: Mapping[str, str]) -> str:
    """Return the catalog interface in variables, by its current or its old name; empty without one."""
    return variables.get("OS_INTERFACE") or variables.get("OS_ENDPOINT_TYPE") or ""


def _joined(words: Iterable[str]) -> str:
    """Join words with commas and a final "and"."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
