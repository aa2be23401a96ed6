"""The login that all clients of a session share, whatever kind of identity stands behind it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from storlet_shell.errors import IdentityError
from storlet_shell.identity.environment import kind_of
from storlet_shell.identity.values import check_url

if TYPE_CHECKING:
    from storlet_shell.identity.kind import Issuer
    from storlet_shell.identity.values import Credentials
    from storlet_shell.values import Connection


class Login:
    """One login: the token and the storage URL that credentials stand for, fetched when first asked for.

    Clients in several threads may share it: whoever comes first logs in, or renews a token, for all. ``was_refused``
    tells whether the identity service has said no.

    :param connection: how servers are reached
    :param issuer: what has logged in; None for what the credentials' kind logs in by
    """

    def __init__(self, credentials: Credentials, connection: Connection, issuer: Issuer | None = None) -> None:
        self.credentials = credentials
        self.connection = connection
        self.was_refused = False
        self._lock = threading.RLock()
        self._issuer = issuer
        self._named_url = ""
        self._storage_url = ""

    def token(self) -> str:
        """Return the token, logging in if there is none or it is about to expire.

        :raises IdentityError: when the identity is refused
        :raises ServiceError: when the identity service can't be reached or fails
        """
        with self._asked() as issuer:
            return issuer.token()

    def storage_url(self) -> str:
        """Return the URL of the account, without a slash at its end.

        :raises IdentityError: when the identity is refused, or the catalog has no such endpoint
        :raises ServiceError: when the identity service can't be reached or fails
        """
        with self._asked() as issuer:
            url = self.credentials.storage_url or issuer.storage_url()
            if url != self._named_url:
                self._named_url, self._storage_url = url, _cleaned(url)
            return self._storage_url

    def storage_urls(self) -> dict[str, str]:
        """Return the URL of the account in each region of the catalog, by the regions' names.

        Without a catalog there is one, under the empty name.

        :raises IdentityError: as :meth:`storage_url`
        :raises ServiceError: as :meth:`storage_url`
        """
        with self._asked() as issuer:
            own = self.storage_url()
            urls = {} if self.credentials.storage_url else issuer.storage_urls()
        return {region: _cleaned(url) for region, url in sorted(urls.items())} or {"": own}

    @property
    def known_storage_url(self) -> str:
        """The storage URL if a login has told it, else nothing; asks nobody."""
        return self._storage_url or (self._issuer.known_storage_url if self._issuer else "")

    def facts(self) -> dict[str, Any]:
        """Return what the identity service says of the user and the token, in words; no secret is among it.

        :raises IdentityError: when the identity is refused
        :raises ServiceError: when the identity service can't be reached or fails
        """
        with self._asked() as issuer:
            self.storage_url()
            return issuer.facts()

    def renew(self, refused: str = "") -> None:
        """Forget the token, so that the next request logs in again.

        :param refused: the token that was refused; if another thread has renewed it meanwhile, there is nothing to do
        :raises IdentityError: when all there is is a token
        """
        with self._asked() as issuer:
            if not refused or refused == issuer.token():
                issuer.forget()

    @contextmanager
    def _asked(self) -> Iterator[Issuer]:
        with self._lock:
            try:
                if self._issuer is None:
                    self._issuer = kind_of(self.credentials).log_in(self.credentials, self.connection)
                yield self._issuer
            except IdentityError:
                self.was_refused = True
                raise


def _cleaned(url: str) -> str:
    return check_url(url, "storage URL").rstrip("/")
