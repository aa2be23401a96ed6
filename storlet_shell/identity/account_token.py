"""A token for an account: ``OS_STORAGE_URL`` and ``OS_AUTH_TOKEN``. Nobody is asked for another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from storlet_shell.errors import IdentityError

if TYPE_CHECKING:
    from storlet_shell.identity.kind import Cloud
    from storlet_shell.identity.values import Credentials
    from storlet_shell.identity.variables import Variables
    from storlet_shell.values import Connection

_NAMES = ("OS_STORAGE_URL", "OS_AUTH_TOKEN")


class AccountToken:
    """The kind of identity that is a storage URL and a token."""

    scheme = "token"
    auth_types: frozenset[str] = frozenset()
    parts = _NAMES
    secrets = ("OS_AUTH_TOKEN",)
    usage = ("OS_STORAGE_URL, OS_AUTH_TOKEN", "an account and a token for it")
    variables = frozenset(_NAMES)

    def is_named(self, variables: Variables) -> bool:
        """Tell whether one of both is there."""
        return variables.holds(*_NAMES)

    def read(self, variables: Variables) -> Credentials:
        """Return both.

        :raises IdentityError: when one is missing
        """
        url, token = variables.require(*_NAMES)
        return variables.credentials(self.scheme, url, secret=token)

    def read_cloud(self, cloud: Cloud) -> Credentials:
        """Refuse a cloud: none is of this kind, which has no auth type."""
        raise cloud.lacks("auth_url")

    def log_in(self, credentials: Credentials, connection: Connection) -> GivenToken:  # noqa: ARG002  nobody is asked
        """Return the token."""
        return GivenToken(credentials)


class GivenToken:
    """A token that somebody else was given; all that is known is itself and where it counts."""

    known_storage_url = ""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def token(self) -> str:
        """Return the token."""
        return self._credentials.secret

    def storage_url(self) -> str:
        """Return the URL of the account."""
        return self._credentials.auth_url

    def storage_urls(self) -> dict[str, str]:
        """Return nothing: there is no catalog."""
        return {}

    def facts(self) -> dict[str, Any]:
        """Return what is known of the user."""
        return {"user": self._credentials.user or None}

    def forget(self) -> None:
        """Refuse to go on.

        :raises IdentityError: since there is no way to another token
        """
        raise IdentityError(f"the token of {self._credentials.source} is refused: it has expired, or was revoked")
