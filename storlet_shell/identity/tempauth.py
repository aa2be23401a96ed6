"""Swift's own way to log in (v1, tempauth): ``ST_AUTH``, ``ST_USER``, ``ST_KEY``, or the auth type ``v1password``.

It is a single GET, which goes over our own connection: swiftclient's keystoneauth plugin for it would cost every
one-shot line the import of keystoneauth and stevedore.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from storlet_shell.errors import Action, Hint, IdentityError, ServiceError
from storlet_shell.identity.values import check_url
from storlet_shell.values import read_count
from storlet_shell.wire import headers as wire

if TYPE_CHECKING:
    from storlet_shell.identity.kind import Cloud
    from storlet_shell.identity.values import Credentials
    from storlet_shell.identity.variables import Variables
    from storlet_shell.values import Connection
    from storlet_shell.wire.transport import Reply

_NAMES = ("ST_AUTH", "ST_USER", "ST_KEY")
_NAMES_OF_THE_TYPE = ("OS_AUTH_URL", "OS_USERNAME", "OS_PASSWORD")
_AUTH_TYPE = "v1password"
"""What swiftclient registers it as, among keystoneauth's auth types."""

_LOCAL_USER = "local:storlet"

_LONGEST = 10**9
"""Seconds that a token is taken to be good for at most: dates beyond have no spelling."""

_PASSING = (408, 429, 498)
"""Statuses below 500 that say nothing of who logs in: the server is slow, or wants fewer requests."""


class Tempauth:
    """The kind of identity that is a user and a password of Swift's own."""

    scheme = "v1"
    auth_types = frozenset({_AUTH_TYPE})
    parts = _NAMES
    secrets = ("ST_KEY",)
    usage = ("ST_AUTH, ST_USER, ST_KEY", "an identity at tempauth")
    variables = frozenset({*_NAMES, *_NAMES_OF_THE_TYPE, "OS_STORAGE_URL"})

    def is_named(self, variables: Variables) -> bool:
        """Tell whether one of its own variables is there."""
        return variables.holds(*_NAMES)

    def read(self, variables: Variables) -> Credentials:
        """Return URL, user and password.

        :raises IdentityError: when one is missing
        """
        names = _NAMES_OF_THE_TYPE if variables.auth_type == _AUTH_TYPE else _NAMES
        url, user, key = variables.require(*names)
        return variables.credentials(self.scheme, url, user, key, storage_url=variables.use("OS_STORAGE_URL"))

    def read_cloud(self, cloud: Cloud) -> Credentials:
        """Return URL, user and password of a cloud.

        :raises IdentityError: when one is missing
        """
        cloud.demand("auth_url", "username", "password")
        return cloud.credentials(self.scheme, cloud.auth["password"])

    def log_in(self, credentials: Credentials, connection: Connection) -> TempauthLogin:
        """Return what logs in."""
        return TempauthLogin(credentials, connection)


class TempauthLogin:
    """A login by one GET that answers a token and a storage URL (swift ``tempauth.py``)."""

    def __init__(self, credentials: Credentials, connection: Connection) -> None:
        self._credentials = credentials
        self._connection = connection
        self._token = ""
        self._expires = 0.0
        self.known_storage_url = ""

    def token(self) -> str:
        """Return the token, logging in if there is none.

        :raises IdentityError: when the identity is refused
        :raises ServiceError: when the server can't be reached or fails
        """
        if not self._token:
            self._log_in()
        return self._token

    def storage_url(self) -> str:
        """Return the URL of the account, which comes with a token.

        :raises IdentityError: as :meth:`token`
        :raises ServiceError: as :meth:`token`
        """
        self.token()
        return self.known_storage_url

    def storage_urls(self) -> dict[str, str]:
        """Return nothing: there is no catalog."""
        return {}

    def facts(self) -> dict[str, Any]:
        """Return the server, the user, and how long the token is good for, where the server says so.

        :raises IdentityError: as :meth:`token`
        :raises ServiceError: as :meth:`token`
        """
        self.token()
        expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._expires)) if self._expires else ""
        service = {"auth_url": self._credentials.auth_url, "user": self._credentials.user}
        return service | ({"token_expires_at": expires} if expires else {})

    def forget(self) -> None:
        """Forget the token."""
        self._token = ""

    def _log_in(self) -> None:
        from storlet_shell.wire.transport import Transport  # with it come the HTTP libraries

        url = self._credentials.auth_url
        transport = Transport(check_url(url, "URL to log in at"), self._connection)
        try:
            who = {wire.AUTH_USER: self._credentials.user, wire.AUTH_KEY: self._credentials.secret}
            reply = transport.send("GET", url, who)
            reply.close()
        finally:
            transport.close()
        if reply.status not in (200, 204):  # 204 is radosgw's
            raise self._error(reply)
        token, storage_url = (reply.headers.get(name, "") for name in (wire.AUTH_TOKEN, wire.STORAGE_URL))
        if not token or not storage_url:
            raise IdentityError(f"can't log in at {url}: it answers without a token or a storage URL")
        lifetime = read_count(reply.headers.get(wire.AUTH_TOKEN_EXPIRES, ""))
        self._expires = 0.0 if lifetime is None else time.time() + min(lifetime, _LONGEST)
        self._token = token
        self.known_storage_url = check_url(self._credentials.storage_url or storage_url, "storage URL").rstrip("/")

    def _error(self, reply: Reply) -> IdentityError | ServiceError:
        url, user, status = self._credentials.auth_url, self._credentials.user, reply.status
        if status in (401, 403):
            is_local = user == _LOCAL_USER and urlsplit(url).hostname == "127.0.0.1"
            hint = Hint(Action.LOG_IN_AGAIN) if is_local else None
            return IdentityError(f"{url} refuses the user {user} or the password", status=status, hint=hint)
        from storlet_shell.wire.statuses import redirection  # for those who go wrong

        kind = IdentityError if 300 <= status < 500 and status not in _PASSING else ServiceError
        reason = f": {redirection(reply.headers)}" if 300 <= status < 400 else ""
        return kind(f"{url} does not log {user} in{reason} (HTTP {status})", status=status)
