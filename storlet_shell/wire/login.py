"""The interface between a client and a login, independent of the identity service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from storlet_shell.values import Connection


class Login(Protocol):
    """A token and a storage URL; clients in several threads may share it."""

    @property
    def connection(self) -> Connection:
        """The connection settings."""

    @property
    def known_storage_url(self) -> str:
        """The storage URL if it is already known, else empty; sends no request."""

    def token(self) -> str:
        """Return the token; log in first if necessary.

        :raises IdentityError: if the identity is refused
        :raises ServiceError: if the identity service can't be reached or fails
        """

    def storage_url(self) -> str:
        """Return the account's URL, without a trailing slash.

        :raises IdentityError: as :meth:`token`
        :raises ServiceError: as :meth:`token`
        """

    def storage_urls(self) -> Mapping[str, str]:
        """Return the account's URL in each region of the catalog, by region name.

        Without a catalog, the result has one entry with an empty name.

        :raises IdentityError: as :meth:`token`
        :raises ServiceError: as :meth:`token`
        """

    def renew(self, refused: str = "") -> None:
        """Forget the token, so that the next request logs in again.

        :param refused: the refused token; if another thread has renewed it already, nothing is forgotten
        :raises IdentityError: if the identity is only a token, which can't be renewed
        """
