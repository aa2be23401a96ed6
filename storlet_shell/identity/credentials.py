"""Who logs in, and the login.

Keystone is spoken through a keystoneauth session. Swift's v1 authentication (tempauth) is a single GET, which goes
over our own connection: swiftclient's keystoneauth plugin for it would cost every one-shot line the import of
keystoneauth and stevedore.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from storlet_shell.errors import Action, Hint, IdentityError, ServiceError
from storlet_shell.identity.values import Credentials
from storlet_shell.values import Connection, read_count
from storlet_shell.wire import headers as wire

if TYPE_CHECKING:
    from storlet_shell.identity.keystone import Keystone


_LOCAL_USER = "local:storlet"

_LONGEST = 10**9
"""Seconds that a token is taken to be good for at most: dates beyond have no spelling."""


_PASSING = (408, 429, 498)
"""Statuses below 500 that say nothing of who logs in: the server is slow, or wants fewer requests."""


class Login:
    """One login: the token and the storage URL that credentials stand for, fetched when first asked for.

    Clients in several threads may share it: whoever comes first logs in, or renews a token, for all. ``was_refused``
    tells whether the identity service has said no.

    :param connection: how servers are reached
    """

    def __init__(self, credentials: Credentials, connection: Connection) -> None:
        self.credentials = credentials
        self.connection = connection
        self.was_refused = False
        self._lock = threading.RLock()
        self._token = credentials.secret if credentials.scheme == "token" else ""
        self._expires = 0.0
        self._storage_url = ""
        self._region = credentials.region
        self._keystone: Keystone | None = None

    def token(self) -> str:
        """Return the token, logging in if there is none or it is about to expire.

        :raises IdentityError: when the identity is refused
        :raises ServiceError: when the identity service can't be reached or fails
        """
        with self._lock:
            if self.credentials.scheme == "v3":
                with self._at_keystone() as keystone:
                    return keystone.token()
            self._log_in()
            return self._token

    def storage_url(self) -> str:
        """Return the URL of the account, without a slash at its end.

        :raises IdentityError: when the identity is refused, or the catalog has no such endpoint
        :raises ServiceError: when the identity service can't be reached or fails
        """
        with self._lock:
            if not self._storage_url:
                url = self.credentials.storage_url
                if self.credentials.scheme == "token":
                    url = self.credentials.auth_url
                elif self.credentials.scheme == "v3" and not url:
                    with self._at_keystone() as keystone:
                        url, self._region = keystone.endpoint()
                elif not url:
                    self._log_in()
                    return self._storage_url
                self._storage_url = _checked(url, "storage URL").rstrip("/")
            return self._storage_url

    def storage_urls(self) -> dict[str, str]:
        """Return the URL of the account in each region of the catalog, by the regions' names.

        Without a catalog there is one, under the empty name.

        :raises IdentityError: as :meth:`storage_url`
        :raises ServiceError: as :meth:`storage_url`
        """
        own = self.storage_url()
        if self.credentials.scheme != "v3" or self.credentials.storage_url:
            return {"": own}
        with self._lock, self._at_keystone() as keystone:
            found = keystone.endpoints()
        return {region: _checked(url, "storage URL").rstrip("/") for region, url in sorted(found.items())}

    @property
    def known_storage_url(self) -> str:
        """The storage URL if a login has told it, else nothing; asks nobody."""
        return self._storage_url

    def facts(self) -> dict[str, Any]:
        """Return what the identity service says of the user and the token, in words; no secret is among it.

        :raises IdentityError: when the identity is refused
        :raises ServiceError: when the identity service can't be reached or fails
        """
        with self._lock:
            who = self.credentials
            if who.scheme != "v3":
                self._log_in()
                expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._expires)) if self._expires else ""
                return {"user": who.user or "(a token's)"} | ({"token expires": expires} if expires else {})
            self.storage_url()
            with self._at_keystone() as keystone:
                return keystone.facts() | {"region": self._region or "(any)", "interface": who.interface}

    def renew(self, refused: str = "") -> None:
        """Forget the token, so that the next request logs in again.

        :param refused: the token that was refused; if another thread has renewed it meanwhile, there is nothing to do
        :raises IdentityError: when all there is is a token
        """
        with self._lock:
            if refused and refused != self.token():
                return
            if self.credentials.scheme == "token":
                raise IdentityError(
                    f"the token of {self.credentials.source} is refused: it has expired, or was revoked"
                )
            if self._keystone is not None:
                self._keystone.invalidate()
            self._token = ""

    @contextmanager
    def _at_keystone(self) -> Iterator[Keystone]:
        try:
            if self._keystone is None:
                from storlet_shell.identity.keystone import Keystone  # with it come keystoneauth and stevedore

                _checked(self.credentials.auth_url, "URL to log in at")
                self._keystone = Keystone(self.credentials, self.connection)
            yield self._keystone
        except IdentityError:
            self.was_refused = True
            raise

    def _log_in(self) -> None:
        """Log in the v1 way: one GET that answers a token and a storage URL (swift ``tempauth.py``)."""
        if self._token:
            return
        from storlet_shell.wire.transport import Transport  # with it come the HTTP libraries

        who = self.credentials
        transport = Transport(_checked(who.auth_url, "URL to log in at"), self.connection)
        try:
            reply = transport.send("GET", who.auth_url, {wire.AUTH_USER: who.user, wire.AUTH_KEY: who.secret})
            reply.close()
        finally:
            transport.close()
        if reply.status in (401, 403):
            self.was_refused = True
            is_local = who.user == _LOCAL_USER and urlsplit(who.auth_url).hostname == "127.0.0.1"
            hint = Hint(Action.LOG_IN_AGAIN) if is_local else None
            raise IdentityError(
                f"{who.auth_url} refuses the user {who.user} or the password", status=reply.status, hint=hint
            )
        if reply.status not in (200, 204):  # 204 is radosgw's
            from storlet_shell.wire.statuses import redirection  # for those who go wrong

            kind = IdentityError if 300 <= reply.status < 500 and reply.status not in _PASSING else ServiceError
            reason = f": {redirection(reply.headers)}" if 300 <= reply.status < 400 else ""
            raise kind(f"{who.auth_url} does not log {who.user} in{reason} (HTTP {reply.status})")
        token, storage_url = (reply.headers.get(name, "") for name in (wire.AUTH_TOKEN, wire.STORAGE_URL))
        if not token or not storage_url:
            raise IdentityError(f"can't log in at {who.auth_url}: it answers without a token or a storage URL")
        lifetime = read_count(reply.headers.get(wire.AUTH_TOKEN_EXPIRES, ""))
        self._expires = 0.0 if lifetime is None else time.time() + min(lifetime, _LONGEST)
        self._token = token
        self._storage_url = _checked(who.storage_url or storage_url, "storage URL").rstrip("/")


def _checked(url: str, what: str) -> str:
    """Return a URL if it is one."""
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
