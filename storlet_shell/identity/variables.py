"""The variables that an identity is read from, and the options in their place: ``--os-NAME`` is ``OS_NAME``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from storlet_shell.errors import Action, Hint, IdentityError
from storlet_shell.identity.values import Credentials
from storlet_shell.values import Connection

COMPLETE = Hint(Action.COMPLETE_LOGIN)
"""What to do about half an identity."""


class Variables:
    """Variables, and options in their place, which win; remembers which were used."""

    def __init__(self, environ: Mapping[str, str], given: Mapping[str, str]) -> None:
        self.given = given
        self.all = {**environ, **given}
        self._used: list[str] = []

    @property
    def auth_type(self) -> str:
        """The auth type that is asked for; empty for none."""
        return self.all.get("OS_AUTH_TYPE") or self.all.get("OS_AUTH_PLUGIN") or ""

    def holds(self, *names: str) -> bool:
        """Tell whether one of several variables holds something."""
        return any(self.all.get(name) for name in names)

    def use(self, name: str) -> str:
        """Return a variable, and remember it as a part of the identity; empty without it."""
        value = self.all.get(name, "")
        if value and name not in self._used:
            self._used.append(name)
        return value

    def require(self, *names: str) -> list[str]:
        """Return variables.

        :raises IdentityError: when one is missing
        """
        values = [self.use(name) for name in names]
        if not all(values):
            raise IdentityError(self.complaint(*names), hint=COMPLETE)
        return values

    def complaint(self, *names: str) -> str:
        """Say which variables there are, and which of those that are needed there aren't."""
        missing = [name for name in names if not self.all.get(name)]
        present = [self._spelled(name) for name in self._used] or [self._spelled(n) for n in names if n not in missing]
        return f"half an identity: {', '.join(present)} without {', '.join(missing)}"

    def credentials(self, scheme: str, url: str, user: str = "", secret: str = "", **more: Any) -> Credentials:
        """Return credentials whose source is what was used."""
        source = _joined(self._spelled(name) for name in self._used)
        return Credentials(source, scheme, url, user, secret, connection=connection_of(self.all))._replace(**more)

    def _spelled(self, name: str) -> str:
        """Return a variable's name, or that of the option that stands in its place."""
        return "--" + name.lower().replace("_", "-") if self.given.get(name) else name


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


def _joined(words: Iterable[str]) -> str:
    """Return words as an enumeration."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
