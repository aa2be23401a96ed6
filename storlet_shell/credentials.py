"""Where an identity comes from, and the keystoneauth session that it opens.

Everything is a keystoneauth session. For tempauth (Swift's v1 authentication) the plugin is ours rather than
``swiftclient.authv1``: that one imports ``keystoneauth1.loading`` and with it stevedore, which a one-shot line would
pay for at every start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from storlet_shell.errors import IdentityError, LocalFileError, ServiceError, StorletShellError

if TYPE_CHECKING:
    from keystoneauth1.session import Session as KeystoneSession

_TEMPAUTH = ("ST_AUTH", "ST_USER", "ST_KEY")
_KEYSTONE = ("OS_AUTH_URL", "OS_USERNAME", "OS_PASSWORD")
_TOKEN = ("OS_STORAGE_URL", "OS_AUTH_TOKEN")

WAYS_IN = (
    "set ST_AUTH, ST_USER and ST_KEY (tempauth), or OS_AUTH_URL, OS_USERNAME, OS_PASSWORD and OS_PROJECT_NAME "
    "(Keystone), or use the embedded Swift with --local"
)


@dataclass(frozen=True)
class Credentials:
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
    secret: str = field(default="", repr=False)
    scope: tuple[tuple[str, str], ...] = ()
    region: str = ""
    interface: str = "public"


@dataclass(frozen=True)
class Connection:
    """How servers are reached.

    :param cacert: a CA bundle to verify them with; empty for the platform's
    :param insecure: do not verify their certificates
    :param timeout: seconds without an answer after which a request has failed
    """

    cacert: str = ""
    insecure: bool = False
    timeout: float = 60.0


def discover(environ: Mapping[str, str]) -> Credentials:
    """Find the identity that the environment's variables name.

    Keystone's variables win over tempauth's, and those over a storage URL with a token.

    :raises IdentityError: when there is none, or half of one; the message names what is missing
    """
    if environ.get("OS_AUTH_URL") or environ.get("OS_USERNAME"):
        return _keystone(environ)
    if any(environ.get(name) for name in _TEMPAUTH):
        url, user, key = _required(environ, _TEMPAUTH)
        return Credentials("ST_AUTH, ST_USER and ST_KEY", "v1", url, user, key)
    if any(environ.get(name) for name in _TOKEN):
        url, token = _required(environ, _TOKEN)
        return Credentials("OS_STORAGE_URL and OS_AUTH_TOKEN", "token", url, secret=token)
    raise IdentityError(f"no identity: {WAYS_IN}")


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
        self._session: KeystoneSession | None = None
        self._storage_url = ""

    @property
    def session(self) -> KeystoneSession:
        """The keystoneauth session."""
        if self._session is None:
            from keystoneauth1.session import Session  # 120 ms that help and parse errors do not pay

            _checked(self.credentials.auth_url, "URL to log in at")
            verify: bool | str = not self.connection.insecure and (self.connection.cacert or True)
            self._session = Session(auth=_plugin(self.credentials), verify=verify, timeout=self.connection.timeout)
        return self._session

    def token(self) -> str:
        """Return the token, logging in if there is none or it is about to expire.

        :raises IdentityError: when the identity is refused
        :raises ServiceError: when the identity service can't be reached or fails
        """
        try:
            return str(self.session.get_token())
        except Exception as error:
            raise self._translate(error) from error

    def storage_url(self) -> str:
        """Return the URL of the account, without a slash at its end.

        :raises IdentityError: when the identity is refused, or the catalog has no such endpoint
        :raises ServiceError: when the identity service can't be reached or fails
        """
        if not self._storage_url:
            from keystoneauth1.exceptions import CatalogException

            credentials = self.credentials
            try:
                url = self.session.get_endpoint(
                    service_type="object-store",
                    interface=credentials.interface,
                    region_name=credentials.region or None,
                )
            except CatalogException:
                url = None
            except Exception as error:
                raise self._translate(error) from error
            if not url:
                where = f"in region {credentials.region}" if credentials.region else "in any region"
                raise IdentityError(
                    f"{credentials.auth_url} offers {credentials.user} no {credentials.interface} object store {where}"
                    f"{self._offered()}"
                )
            self._storage_url = _checked(str(url), "storage URL").rstrip("/")
        return self._storage_url

    def _offered(self) -> str:
        """Return the object stores that there are instead, as the end of a sentence; nothing where nobody knows."""
        auth: Any = self.session.auth
        if not hasattr(auth, "get_access"):
            return ""
        found = auth.get_access(self.session).service_catalog.get_endpoints(service_type="object-store")
        names = sorted({f"{entry['region']} ({entry['interface']})" for entries in found.values() for entry in entries})
        return f"; there are: {', '.join(names)}" if names else ""

    @property
    def known_storage_url(self) -> str:
        """The storage URL if a login has told it, else nothing; asks nobody."""
        return self._storage_url

    def renew(self) -> None:
        """Forget the token, so that the next request logs in again."""
        self.session.invalidate()

    def _translate(self, error: Exception) -> StorletShellError:
        from keystoneauth1 import exceptions

        url, user = self.credentials.auth_url, self.credentials.user
        table: tuple[tuple[type[Exception], StorletShellError], ...] = (
            (exceptions.Unauthorized, IdentityError(f"{url} refuses the user {user} or the password")),
            (exceptions.SSLError, ServiceError(f"{url}: the server's certificate can't be verified: {error}")),
            (exceptions.ConnectTimeout, ServiceError(f"{url} does not answer within {self.connection.timeout:g} s")),
            (exceptions.ConnectFailure, ServiceError(f"can't reach {url}: no server answers there")),
            (exceptions.HttpServerError, ServiceError(f"{url} fails: {error}")),
            (exceptions.ClientException, IdentityError(f"can't log in at {url}: {error}")),
            (OSError, LocalFileError(f"can't log in at {url}: {error}")),  # a CA bundle that is not there
        )
        for kind, translated in table:
            if isinstance(error, kind):
                return translated
        raise error


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


def _plugin(credentials: Credentials) -> Any:
    if credentials.scheme == "v1":
        return _tempauth_plugin(credentials)
    if credentials.scheme == "token":
        from keystoneauth1.token_endpoint import Token

        return Token(credentials.auth_url, credentials.secret)
    from keystoneauth1.identity.v3 import Password

    scope: dict[str, Any] = dict(credentials.scope)
    return Password(auth_url=credentials.auth_url, username=credentials.user, password=credentials.secret, **scope)


def _tempauth_plugin(credentials: Credentials) -> Any:
    from keystoneauth1 import exceptions
    from keystoneauth1.plugin import BaseAuthPlugin

    class TempAuth(BaseAuthPlugin):
        """Swift's v1 authentication: one GET that answers a token and a storage URL (swift ``tempauth.py``)."""

        def __init__(self) -> None:
            super().__init__()
            self._token = self._storage_url = ""

        def _log_in(self, session: Any) -> None:
            if self._token:
                return
            response = session.get(
                credentials.auth_url,
                headers={"X-Auth-User": credentials.user, "X-Auth-Key": credentials.secret},
                authenticated=False,
                log=False,
            )
            try:
                self._storage_url = response.headers["X-Storage-Url"]
                self._token = response.headers["X-Auth-Token"]
            except KeyError as error:
                raise exceptions.AuthorizationFailure(f"no {error.args[0]} in the answer") from error

        def get_token(self, session: Any) -> str:
            self._log_in(session)
            return self._token

        def get_endpoint(self, session: Any, **_: Any) -> str:
            self._log_in(session)
            return self._storage_url

        def invalidate(self) -> bool:
            self._token, had = "", bool(self._token)
            return had

    return TempAuth()
