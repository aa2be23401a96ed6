"""The login that all clients of a session share, independent of the kind of identity."""

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
    """The token and the storage URL for credentials, requested when first needed.

    Clients in several threads may share it: the first one logs in, or renews the token, for all. ``was_refused`` tells
    whether the identity service has refused the credentials.

    :param issuer: the issuer of the token; None to log in with the credentials
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
        """Return the token; log in first if necessary.

        :raises IdentityError: if the identity is refused
        :raises ServiceError: if the identity service can't be reached or fails
        """
        with self._locked() as issuer:
            return issuer.token()

    def storage_url(self) -> str:
        """Return the account's URL, without a trailing slash.

        :raises IdentityError: if the identity is refused, or the catalog has no such endpoint
        :raises ServiceError: if the identity service can't be reached or fails
        """
        with self._locked() as issuer:
            url = self.credentials.storage_url or issuer.storage_url()
            if url != self._named_url:
                self._named_url, self._storage_url = url, _cleaned(url)
            return self._storage_url

    def storage_urls(self) -> dict[str, str]:
        """Return the account's URL in each region of the catalog, by region name.

        Without a catalog, the result has one entry with an empty name.

        :raises IdentityError: as :meth:`storage_url`
        :raises ServiceError: as :meth:`storage_url`
        """
        with self._locked() as issuer:
            default = self.storage_url()
            urls = {} if self.credentials.storage_url else issuer.storage_urls()
        return {region: _cleaned(url) for region, url in sorted(urls.items())} or {"": default}

    @property
    def known_storage_url(self) -> str:
        """The storage URL if it is already known, else empty; sends no request."""
        return self._storage_url or (self._issuer.known_storage_url if self._issuer else "")

    def facts(self) -> dict[str, Any]:
        """Return what the identity service says about the user and the token; no secrets.

        :raises IdentityError: if the identity is refused
        :raises ServiceError: if the identity service can't be reached or fails
        """
        with self._locked() as issuer:
            self.storage_url()
            return issuer.facts()

    def renew(self, refused: str = "") -> None:
        """Forget the token, so that the next request logs in again.

        :param refused: the refused token; if another thread has renewed it already, nothing is forgotten
        :raises IdentityError: if the identity is only a token, which can't be renewed
        """
        with self._locked() as issuer:
            if not refused or refused == issuer.token():
                issuer.forget()

    @contextmanager
    def _locked(self) -> Iterator[Issuer]:
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
