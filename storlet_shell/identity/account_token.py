"""Identities that are a token for an account: ``OS_STORAGE_URL`` and ``OS_AUTH_TOKEN``. The token can't be renewed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from storlet_shell.errors import IdentityError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from storlet_shell.identity.kind import Cloud
    from storlet_shell.identity.values import Credentials
    from storlet_shell.identity.variables import Variables
    from storlet_shell.values import Connection

_NAMES = ("OS_STORAGE_URL", "OS_AUTH_TOKEN")


class AccountToken:
    """The kind of identity that consists of a storage URL and a token."""

    scheme = "token"
    auth_types: frozenset[str] = frozenset()
    parts = _NAMES
    secrets = ("OS_AUTH_TOKEN",)
    usage = ("OS_STORAGE_URL, OS_AUTH_TOKEN", "an account and a token for it")
    variables = frozenset(_NAMES)

    def state(self, variables: Mapping[str, str]) -> None:
        """Return None."""

    def is_named(self, variables: Variables) -> bool:
        """Tell whether one of the two variables is set."""
        return variables.holds(*_NAMES)

    def read(self, variables: Variables) -> Credentials:
        """Return the storage URL and the token.

        :raises IdentityError: if one is missing
        """
        url, token = variables.require(*_NAMES)
        return variables.credentials(self.scheme, url, secret=token)

    def read_cloud(self, cloud: Cloud) -> Credentials:
        """Refuse a cloud: this kind has no auth type, so no cloud is of this kind."""
        raise cloud.missing("auth_url")

    def log_in(self, credentials: Credentials, connection: Connection) -> FixedToken:  # noqa: ARG002  no request is sent
        """Return the issuer of the token."""
        return FixedToken(credentials)


class FixedToken:
    """Issues a token that the user supplied and that can't be renewed."""

    known_storage_url = ""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def token(self) -> str:
        """Return the token."""
        return self._credentials.secret

    def storage_url(self) -> str:
        """Return the account's URL."""
        return self._credentials.auth_url

    def storage_urls(self) -> dict[str, str]:
        """Return an empty dict, since a token alone has no catalog."""
        return {}

    def facts(self) -> dict[str, Any]:
        """Return the facts known about the user."""
        return {"user": self._credentials.user or None}

    def forget(self) -> None:
        """Raise an error: another token can't be requested.

        :raises IdentityError: always
        """
        raise IdentityError(f"the token of {self._credentials.source} was refused: it has expired or was revoked")
