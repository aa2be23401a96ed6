"""What a client asks of a login, whatever identity service stands behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from storlet_shell.values import Connection


class Login(Protocol):
    """A token and a storage URL; clients in several threads may share it."""

    @property
    def connection(self) -> Connection:
        """How servers are reached."""

    @property
    def known_storage_url(self) -> str:
        """The storage URL if a login has told it, else nothing; asks nobody."""

    def token(self) -> str:
        """Return the token, logging in if there is none or it is about to expire.

        :raises IdentityError: when the identity is refused
        :raises ServiceError: when the identity service can't be reached or fails
        """

    def storage_url(self) -> str:
        """Return the URL of the account, without a slash at its end.

        :raises IdentityError: as :meth:`token`
        :raises ServiceError: as :meth:`token`
        """

    def storage_urls(self) -> Mapping[str, str]:
        """Return the URL of the account in each region of the catalog, by the regions' names.

        Without a catalog there is one, under the empty name.

        :raises IdentityError: as :meth:`token`
        :raises ServiceError: as :meth:`token`
        """

    def renew(self, refused: str = "") -> None:
        """Forget the token, so that the next request logs in again.

        :param refused: the token that was refused; if another thread has renewed it meanwhile, there is nothing to do
        :raises IdentityError: when there is nothing to log in with
        """
