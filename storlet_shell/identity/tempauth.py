"""Identities of Swift's own tempauth (v1): ``ST_AUTH``, ``ST_USER``, ``ST_KEY``, or the auth type ``v1password``.

The login is a single GET over our own connection: swiftclient's keystoneauth plug-in for it would make every one-shot
line import keystoneauth and stevedore.
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
    from collections.abc import Mapping

    from storlet_shell.identity.kind import Cloud
    from storlet_shell.identity.values import Credentials
    from storlet_shell.identity.variables import Variables
    from storlet_shell.values import Connection
    from storlet_shell.wire.transport import Reply

_NAMES = ("ST_AUTH", "ST_USER", "ST_KEY")
_NAMES_OF_THE_TYPE = ("OS_AUTH_URL", "OS_USERNAME", "OS_PASSWORD")
_AUTH_TYPE = "v1password"
"""The auth type under which swiftclient registers tempauth with keystoneauth."""

_LOCAL_USER = "local:storlet"

_LONGEST = 10**9
"""The longest lifetime of a token, in seconds; a longer one is cut to it, since such a date couldn't be formatted."""

_TEMPORARY = (408, 429, 498)
"""Statuses below 500 that aren't about the identity: the server is slow, or wants fewer requests."""


class Tempauth:
    """The kind of identity that consists of a user and a password in Swift's own configuration."""

    scheme = "v1"
    auth_types = frozenset({_AUTH_TYPE})
    parts = _NAMES
    secrets = ("ST_KEY",)
    usage = ("ST_AUTH, ST_USER, ST_KEY", "an identity in tempauth")
    variables = frozenset({*_NAMES, *_NAMES_OF_THE_TYPE, "OS_STORAGE_URL"})

    def state(self, variables: Mapping[str, str]) -> None:
        """Return None."""

    def is_named(self, variables: Variables) -> bool:
        """Tell whether one of the kind's own variables is set."""
        return variables.holds(*_NAMES)

    def read(self, variables: Variables) -> Credentials:
        """Read URL, user and password from variables.

        :raises IdentityError: if one is missing
        """
        names = _NAMES_OF_THE_TYPE if variables.auth_type == _AUTH_TYPE else _NAMES
        url, user, key = variables.require(*names)
        return variables.credentials(self.scheme, url, user, key, storage_url=variables.use("OS_STORAGE_URL"))

    def read_cloud(self, cloud: Cloud) -> Credentials:
        """Read URL, user and password from a cloud.

        :raises IdentityError: if one is missing
        """
        cloud.demand("auth_url", "username", "password")
        return cloud.credentials(self.scheme, cloud.auth["password"])

    def log_in(self, credentials: Credentials, connection: Connection) -> TempauthLogin:
        """Return an issuer of tokens, which logs in when it is first used."""
        return TempauthLogin(credentials, connection)


class TempauthLogin:
    """Logs in by a GET, whose response has a token and a storage URL (swift ``tempauth.py``)."""

    def __init__(self, credentials: Credentials, connection: Connection) -> None:
        self._credentials = credentials
        self._connection = connection
        self._token = ""
        self._expires = 0.0
        self.known_storage_url = ""

    def token(self) -> str:
        """Return the token; log in first if necessary.

        :raises IdentityError: if the identity is refused
        :raises ServiceError: if the server can't be reached or fails
        """
        if not self._token:
            self._log_in()
        return self._token

    def storage_url(self) -> str:
        """Return the account's URL, which comes with a token.

        :raises IdentityError: as :meth:`token`
        :raises ServiceError: as :meth:`token`
        """
        self.token()
        return self.known_storage_url

    def storage_urls(self) -> dict[str, str]:
        """Return an empty dict, since tempauth has no catalog."""
        return {}

    def facts(self) -> dict[str, Any]:
        """Return the server, the user, and the token's expiry if the server names it.

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
        from storlet_shell.wire.transport import Transport  # imports the HTTP libraries

        url = self._credentials.auth_url
        transport = Transport(check_url(url, "login URL"), self._connection)
        try:
            headers = {wire.AUTH_USER: self._credentials.user, wire.AUTH_KEY: self._credentials.secret}
            reply = transport.send("GET", url, headers)
            reply.close()
        finally:
            transport.close()
        if reply.status not in (200, 204):  # 204 is radosgw's
            raise self._error(reply)
        token, storage_url = (reply.headers.get(name, "") for name in (wire.AUTH_TOKEN, wire.STORAGE_URL))
        if not token or not storage_url:
            raise IdentityError(f"can't log in to {url}: the response has no token or no storage URL")
        lifetime = read_count(reply.headers.get(wire.AUTH_TOKEN_EXPIRES, ""))
        self._expires = 0.0 if lifetime is None else time.time() + min(lifetime, _LONGEST)
        self._token = token
        self.known_storage_url = check_url(self._credentials.storage_url or storage_url, "storage URL").rstrip("/")

    def _error(self, reply: Reply) -> IdentityError | ServiceError:
        url, user, status = self._credentials.auth_url, self._credentials.user, reply.status
        if status in (401, 403):
            is_local = user == _LOCAL_USER and urlsplit(url).hostname == "127.0.0.1"
            hint = Hint(Action.LOG_IN_AGAIN) if is_local else None
            return IdentityError(
                f"login refused by {url}: check the user {user} and the password", status=status, hint=hint
            )
        from storlet_shell.wire.statuses import redirection  # rarely needed

        kind = IdentityError if 300 <= status < 500 and status not in _TEMPORARY else ServiceError
        reason = f": {redirection(reply.headers)}" if 300 <= status < 400 else ""
        return kind(f"can't log in to {url} as {user}{reason} (HTTP {status})", status=status)
