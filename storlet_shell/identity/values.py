"""Credentials, and checks of URLs."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from storlet_shell.equality import typed_equality
from storlet_shell.errors import Hint, IdentityError
from storlet_shell.values import Connection

_SECRET_OPTIONS = frozenset({"password", "passcode", "token", "access_token", "client_secret", "code"})
"""Options with secret values, among those of keystoneauth's less common auth types."""


@typed_equality
class Credentials(NamedTuple):
    """What is needed to log in.

    :param source: where they were found, for people
    :param scheme: the name of the kind (:class:`~storlet_shell.identity.kind.Kind`)
    :param auth_url: the URL of the identity service; for ``token``, the storage URL
    :param user: the user's name or id in the identity service
    :param secret: the password or token
    :param scope: for ``v3``: further keyword arguments of keystoneauth, such as domains and project
    :param region: the catalog's region; empty for the first
    :param interface: the catalog's interface
    :param auth_type: for ``v3``: keystoneauth's name of the auth type
    :param storage_url: an account URL that overrides the login's; empty for the login's
    :param missing_password: the message if only the password is missing, so that an interactive user can be asked
    :param hint: the hint of that message
    """

    source: str
    scheme: str
    auth_url: str
    user: str = ""
    secret: str = ""
    scope: tuple[tuple[str, str], ...] = ()
    region: str = ""
    interface: str = "public"
    auth_type: str = "v3password"
    storage_url: str = ""
    connection: Connection = Connection()
    missing_password: str = ""
    hint: Hint | None = None

    def __repr__(self) -> str:
        return f"<Credentials of {self.user} at {self.auth_url}>"

    @property
    def secrets(self) -> tuple[str, ...]:
        """The values that must never be shown."""
        return tuple(value for value in (self.secret, *(v for k, v in self.scope if k in _SECRET_OPTIONS)) if value)


def check_url(url: str, label: str) -> str:
    """Return a URL after checking that it names a server.

    :param label: the purpose of the URL, for the message
    :raises IdentityError: if it isn't an http or https URL, or contains a password
    """
    try:
        parts = urlsplit(url)
        is_valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_valid = False
    if "@" in url.split("//", 1)[-1].split("/", 1)[0]:
        raise IdentityError(f"the {label} contains a user or a password; set those by their own variables")
    if not is_valid:
        raise IdentityError(f"the {label} isn't an http or https URL: {url!r}")
    return url
