"""Who logs in, and by which secret."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from storlet_shell.equality import typed_equality
from storlet_shell.errors import Hint, IdentityError
from storlet_shell.values import Connection

_SECRET_OPTIONS = frozenset({"password", "passcode", "token", "access_token", "client_secret", "code"})
"""keystoneauth's options of further auth types that hold a secret."""


@typed_equality
class Credentials(NamedTuple):
    """What is needed to log in: who, where, and by which secret.

    :param source: where they were found, in words
    :param scheme: the name of the kind (:class:`~storlet_shell.identity.kind.Kind`)
    :param auth_url: the identity service; for ``token``, the storage URL
    :param user: the user's name as the identity service knows it
    :param secret: the password or token
    :param scope: for ``v3``: keystoneauth's further keyword arguments, such as domains and project
    :param region: the catalog's region; empty for the first
    :param interface: the catalog's interface
    :param auth_type: for ``v3``: keystoneauth's name of the way to log in
    :param storage_url: the account's URL in the place of the one that the login tells
    :param connection: how the servers are reached
    :param lacks: if only a password is missing, what is to be said; where somebody watches, it is asked for
    :param hint: what to do where the password is not asked for
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
    lacks: str = ""
    hint: Hint | None = None

    def __repr__(self) -> str:
        return f"<Credentials of {self.user} at {self.auth_url}>"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must be shown nowhere."""
        return tuple(value for value in (self.secret, *(v for k, v in self.scope if k in _SECRET_OPTIONS)) if value)


def check_url(url: str, what: str) -> str:
    """Return a URL if it is one of a server.

    :param what: what it is, for the error
    :raises IdentityError: when it isn't, or holds a password
    """
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if "@" in url.split("//", 1)[-1].split("/", 1)[0]:
        raise IdentityError(
            f"the {what} holds a user or a password in front of its host: they have variables of their own"
        )
    if not good:
        raise IdentityError(f"the {what} is no http or https URL: {url!r}")
    return url
