"""Where an identity comes from, and the login that it opens.

Keystone is spoken through a keystoneauth session. Swift's v1 authentication (tempauth) is a single GET, which goes
over our own connection: swiftclient's keystoneauth plugin for it would cost every one-shot line the import of
keystoneauth and stevedore.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from storlet_shell import headers as wire
from storlet_shell.errors import IdentityError, LocalFileError, ServiceError, StorletShellError
from storlet_shell.values import Connection

if TYPE_CHECKING:
    from keystoneauth1.session import Session as KeystoneSession

_TEMPAUTH = ("ST_AUTH", "ST_USER", "ST_KEY")
_KEYSTONE = ("OS_AUTH_URL", "OS_USERNAME", "OS_PASSWORD")
_TOKEN = ("OS_STORAGE_URL", "OS_AUTH_TOKEN")

WAYS_IN = (
    "set ST_AUTH, ST_USER and ST_KEY (tempauth), or OS_AUTH_URL, OS_USERNAME, OS_PASSWORD and OS_PROJECT_NAME "
    "(Keystone), or use the embedded Swift: --local, in a notebook %storlet local start"
)


class Credentials(NamedTuple):
    """Half of a login: who, where, and by which secret.

    :param source: where they were found, in words
    :param scheme: ``v1`` (tempauth), ``v3`` (Keystone password) or ``token``
    :param auth_url: the identity service; for ``token``, the storage URL
    :param user: the user's name as the identity service knows it
    :param secret: the password or token
    :param scope: for ``v3``: keystoneauth's keyword arguments of domains and project
    :param region: the catalog's region; empty for the first
    :param interface: the catalog's interface
    """

    source: str
    scheme: str
    auth_url: str
    user: str = ""
    secret: str = ""
    scope: tuple[tuple[str, str], ...] = ()
    region: str = ""
    interface: str = "public"

    def __repr__(self) -> str:
        return f"<Credentials of {self.user} at {self.auth_url}>"


def discover(environ: Mapping[str, str]) -> Credentials:
    """Find the identity that the environment's variables name.

    Keystone's variables win over tempauth's, and those over a storage URL with a token.

    :raises IdentityError: when there is none, or half of one; the message names what is missing
    """
    if environ.get("OS_AUTH_URL"):
        return _keystone(environ)
    if any(environ.get(name) for name in _TEMPAUTH):
        url, user, key = _required(environ, _TEMPAUTH)
        return Credentials("ST_AUTH, ST_USER and ST_KEY", "v1", url, user, key)
    if any(environ.get(name) for name in _TOKEN):
        url, token = _required(environ, _TOKEN)
        return Credentials("OS_STORAGE_URL and OS_AUTH_TOKEN", "token", url, secret=token)
    if any(environ.get(name) for name in _KEYSTONE):
        _required(environ, _KEYSTONE)
    raise IdentityError(f"no identity: {WAYS_IN}")


def holds_none(environ: Mapping[str, str]) -> bool:
    """Tell whether an environment holds no identity at all, nor a part of one."""
    return not any(environ.get(name) for name in ("OS_AUTH_URL", "OS_USERNAME", *_TEMPAUTH, *_TOKEN))


def _required(environ: Mapping[str, str], names: tuple[str, ...]) -> list[str]:
    missing = [name for name in names if not environ.get(name)]
    if missing:
        found = ", ".join(name for name in names if name not in missing)
        raise IdentityError(f"half an identity: {found or names[0]} without {', '.join(missing)}; {WAYS_IN}")
    return [environ[name] for name in names]


def _keystone(environ: Mapping[str, str]) -> Credentials:
    url, user, password = _required(environ, _KEYSTONE)
    version = environ.get("OS_AUTH_VERSION") or environ.get("OS_IDENTITY_API_VERSION") or "3"
    if version.split(".")[0] != "3":
        raise IdentityError(f"OS_AUTH_VERSION is {version}: Keystone is spoken in version 3 only")
    names = ("USER_DOMAIN_NAME", "USER_DOMAIN_ID", "PROJECT_DOMAIN_NAME", "PROJECT_DOMAIN_ID")
    scope = {name.lower(): environ[f"OS_{name}"] for name in names if environ.get(f"OS_{name}")}
    for name in ("PROJECT_NAME", "PROJECT_ID"):
        value = environ.get(f"OS_{name}") or environ.get(f"OS_{name.replace('PROJECT', 'TENANT')}")
        if value:
            scope[name.lower()] = value
    if not {"project_name", "project_id"} & scope.keys():
        raise IdentityError(f"half an identity: OS_AUTH_URL without OS_PROJECT_NAME; {WAYS_IN}")
    return Credentials(
        source="OS_* of the environment",
        scheme="v3",
        auth_url=url,
        user=user,
        secret=password,
        scope=tuple(sorted(scope.items())),
        region=environ.get("OS_REGION_NAME", ""),
        interface=environ.get("OS_INTERFACE") or environ.get("OS_ENDPOINT_TYPE") or "public",
    )


class Login:
    """One login: the token and the storage URL that credentials stand for, fetched when first asked for.

    :param connection: how the identity service is reached
    """

    def __init__(self, credentials: Credentials, connection: Connection) -> None:
        self.credentials = credentials
        self.connection = connection
        self._token = credentials.secret if credentials.scheme == "token" else ""
        self._storage_url = ""
        self._session: KeystoneSession | None = None

    def token(self) -> str:
        """Return the token, logging in if there is none or it is about to expire.

        :raises IdentityError: when the identity is refused
        :raises ServiceError: when the identity service can't be reached or fails
        """
        if self.credentials.scheme == "v3":
            with self._translated():
                return str(self._keystone().get_token())
        self._log_in()
        return self._token

    def storage_url(self) -> str:
        """Return the URL of the account, without a slash at its end.

        :raises IdentityError: when the identity is refused, or the catalog has no such endpoint
        :raises ServiceError: when the identity service can't be reached or fails
        """
        if not self._storage_url:
            if self.credentials.scheme == "v3":
                self._storage_url = self._find_endpoint()
            elif self.credentials.scheme == "v1":
                self._log_in()
            else:
                self._storage_url = _checked(self.credentials.auth_url, "storage URL").rstrip("/")
        return self._storage_url

    @property
    def known_storage_url(self) -> str:
        """The storage URL if a login has told it, else nothing; asks nobody."""
        return self._storage_url

    def renew(self) -> None:
        """Forget the token, so that the next request logs in again.

        :raises IdentityError: when all there is is a token
        """
        if self.credentials.scheme == "token":
            raise IdentityError(f"the token of {self.credentials.source} is refused: it has expired, or was revoked")
        if self._session is not None:
            self._session.invalidate()
        self._token = ""

    def _log_in(self) -> None:
        """Log in the v1 way: one GET that answers a token and a storage URL (swift ``tempauth.py``)."""
        if self._token:
            return
        from storlet_shell.transport import Transport  # with it come the HTTP libraries

        who = self.credentials
        transport = Transport(_checked(who.auth_url, "URL to log in at"), self.connection)
        try:
            reply = transport.send("GET", who.auth_url, {wire.AUTH_USER: who.user, wire.AUTH_KEY: who.secret})
            reply.close()
        finally:
            transport.close()
        if reply.status in (401, 403):
            raise IdentityError(f"{who.auth_url} refuses the user {who.user} or the password")
        if reply.status >= 300:
            kind = ServiceError if reply.status >= 500 else IdentityError
            raise kind(f"{who.auth_url} does not log {who.user} in (HTTP {reply.status})")
        token, storage_url = (reply.headers.get(name, "") for name in (wire.AUTH_TOKEN, wire.STORAGE_URL))
        if not token or not storage_url:
            raise IdentityError(f"can't log in at {who.auth_url}: it answers without a token or a storage URL")
        self._token, self._storage_url = token, _checked(storage_url, "storage URL").rstrip("/")

    def _keystone(self) -> KeystoneSession:
        if self._session is None:
            from keystoneauth1.identity.v3 import Password  # with it comes stevedore, and 100 ms
            from keystoneauth1.session import Session

            who, how = self.credentials, self.connection
            _checked(who.auth_url, "URL to log in at")
            scope: dict[str, Any] = dict(who.scope)
            plugin = Password(auth_url=who.auth_url, username=who.user, password=who.secret, **scope)
            verify: bool | str = not how.insecure and (how.cacert or True)
            self._session = Session(auth=plugin, verify=verify, timeout=how.timeout)
        return self._session

    def _find_endpoint(self) -> str:
        from keystoneauth1.exceptions import CatalogException

        who, url = self.credentials, None
        with self._translated(), suppress(CatalogException):
            url = self._keystone().get_endpoint(
                service_type="object-store", interface=who.interface, region_name=who.region or None
            )
        if not url:
            where = f"in region {who.region}" if who.region else "in any region"
            raise IdentityError(
                f"{who.auth_url} offers {who.user} no {who.interface} object store {where}{self._offered()}"
            )
        return _checked(str(url), "storage URL").rstrip("/")

    def _offered(self) -> str:
        """Return the object stores that there are instead, as the end of a sentence."""
        session: Any = self._keystone()
        catalog = session.auth.get_access(session).service_catalog
        found = catalog.get_endpoints(service_type="object-store")
        names = sorted({f"{entry['region']} ({entry['interface']})" for entries in found.values() for entry in entries})
        return f"; there are: {', '.join(names)}" if names else ""

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Translate keystoneauth's exceptions, by a table."""
        from keystoneauth1 import exceptions

        url, user, limit = self.credentials.auth_url, self.credentials.user, self.connection.timeout
        try:
            yield
        except exceptions.ClientException as error:
            table: tuple[tuple[type[Exception], StorletShellError], ...] = (
                (exceptions.Unauthorized, IdentityError(f"{url} refuses the user {user} or the password")),
                (exceptions.SSLError, ServiceError(f"{url}: the server's certificate can't be verified: {error}")),
                (exceptions.ConnectTimeout, ServiceError(f"{url} does not answer within {limit:g} s")),
                (exceptions.ConnectFailure, ServiceError(f"no server answers at {url}")),
                (exceptions.HttpServerError, ServiceError(f"{url} fails: {error}")),
                (exceptions.ClientException, IdentityError(f"can't log in at {url}: {error}")),
            )
            raise next(translated for kind, translated in table if isinstance(error, kind)) from error
        except OSError as error:  # a CA bundle that is not there
            raise LocalFileError(f"can't log in at {url}: {error}") from error


def _checked(url: str, what: str) -> str:
    """Return a URL if it is one."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise IdentityError(f"the {what} is no http or https URL: {url!r}")
    return url
