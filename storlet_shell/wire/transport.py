"""Send requests over swiftclient's connection class; the only module that imports swiftclient.

swiftclient's ``Connection`` facade isn't used: it retries a failed storlet five times, and takes the refusal of a
storlet for an expired token.
"""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from requests import Request as WireRequest
from requests import Session as WireSession
from requests.exceptions import InvalidProxyURL, RequestException
from requests.structures import CaseInsensitiveDict
from requests.utils import get_environ_proxies, select_proxy
from swiftclient.client import HTTPConnection
from urllib3 import Timeout, disable_warnings
from urllib3.exceptions import ConnectTimeoutError, HTTPError, InsecureRequestWarning, ProxyError

from storlet_shell.errors import (
    Action,
    ConnectionFailedError,
    Hint,
    IncompleteBodyError,
    ServiceError,
    UnreachedError,
    UsageError,
)
from storlet_shell.values import CHUNK_BYTES, Connection
from storlet_shell.wire import headers as wire
from storlet_shell.wire.answers import TimelyAnswer
from storlet_shell.wire.bodies import Body
from storlet_shell.wire.requests import host_of, without_password

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, HTTPConnectionPool


_MISMATCHES = (62, 64)
"""OpenSSL's ``verify_code`` for a certificate of another host name or address (``x509_vfy.h``)."""


class Reply:
    """A response whose body has not been read yet.

    :param seconds: the response time

    ``headers`` finds a name in any case.
    """

    def __init__(self, response: BaseHTTPResponse, seconds: float = 0.0) -> None:
        self._response = response
        self.seconds = seconds
        self.status = response.status
        self.headers: Mapping[str, str] = _decode_headers(response.headers)

    @property
    def transaction_id(self) -> str:
        """Swift's transaction id; empty if the response came from something in front of Swift."""
        return self.headers.get(wire.TRANSACTION_ID, "")

    def chunks(self, size: int = CHUNK_BYTES) -> Iterator[bytes]:
        """Yield the body as it arrives.

        :param size: the largest chunk, in bytes
        :raises IncompleteBodyError: if the body is cut short
        """
        read = 0
        try:
            # Without a length, chunks are passed on as they arrive rather than collected up to the size.
            for chunk in self._response.stream(size, decode_content=False):
                read += len(chunk)
                yield chunk
        except (HTTPError, http.client.HTTPException, OSError) as error:
            self.close()
            raise IncompleteBodyError(
                f"the body ended early: the server cut the connection after {read} bytes",
                transaction_id=self.transaction_id,
            ) from error
        self._response.close()

    def read(self, limit: int = -1) -> bytes:
        """Return the body.

        :param limit: return only this many bytes; negative for all
        :raises IncompleteBodyError: if the body is cut short
        """
        content = b""
        for chunk in self.chunks():
            content += chunk
            if 0 <= limit <= len(content):
                self.close()
                return content[:limit]
        return content

    def close(self) -> None:
        """Close the response; its connection is kept for the next request only if the body has been read."""
        if self._response.length_remaining == 0:
            self._response.drain_conn()
        self._response.close()


_NO_VALUE = str.maketrans("\r\n\0", "   ")
"""Characters that a header's value can't hold; a recipient replaces them (RFC 9110, 5.5)."""


def _decode_headers(headers: Any) -> Mapping[str, str]:
    decoded: CaseInsensitiveDict[str] = CaseInsensitiveDict()
    for name, value in headers.items():
        decoded[name.title() if name.islower() else name] = decode_value(value)
    return decoded


def decode_value(value: str) -> str:
    """Decode a header's value: http.client decodes as Latin-1, but Swift's own headers are UTF-8.

    A storlet's metadata may be either.
    """
    text = value.translate(_NO_VALUE).strip(" ")
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


class Transport:
    """Connections to one server, kept open between requests.

    :param url: any URL of the server
    """

    def __init__(self, url: str, settings: Connection) -> None:
        self._host = host_of(url)
        self._is_direct = settings.direct
        self._connection = _Connection(url, settings)

    def send(self, method: str, url: str, headers: Mapping[str, str], body: Body | None = None) -> Reply:
        """Send a request once and return the response, whatever its status.

        :raises ConnectionFailedError: if no response arrives
        :raises UsageError: if a header can't be sent
        """
        _check(headers)
        with _translated(self._host, direct=self._is_direct):
            started = time.monotonic()
            response = self._connection.request(method, _target(url), _payload(body), dict(headers))
            return Reply(response, time.monotonic() - started)

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()


class _Connection(HTTPConnection):  # type: ignore[misc]
    """swiftclient's connection, with requests sent straight to its socket pool.

    The pool is chosen once, by certificates and by the variables that name HTTP proxies. requests would choose it again
    for each request and keep cookies and history, which takes a good part of the time of a small response. It would
    also normalize a URL's path, and turn an object named ``a/../b`` into ``b``.
    """

    def __init__(self, url: str, settings: Connection) -> None:
        if settings.insecure:
            leave_unverified()
        super().__init__(
            url,
            cacert=settings.cacert or None,
            insecure=settings.insecure,
            cert=settings.cert or None,
            cert_key=settings.key or None,
            timeout=settings.timeout,
            default_user_agent="storlet-shell",
        )
        self.request_session.trust_env = not settings.direct
        self._pool: HTTPConnectionPool | None = None
        self._before_path = ""

    def _request(self, method: str, url: str, **options: Any) -> Any:
        headers, body = options["headers"], options["data"]
        if self._pool is None:
            self._choose_pool(url, options)
        assert self._pool is not None
        if isinstance(body, _Payload):
            headers["Content-Length"] = str(len(body))
        return self._pool.urlopen(
            method,
            self._before_path + _target(url),
            body,
            headers,
            retries=False,
            redirect=False,
            assert_same_host=False,
            timeout=Timeout(connect=options.get("timeout"), read=options.get("timeout")),
            chunked=body is not None and not isinstance(body, _Payload),
            preload_content=False,
            decode_content=False,
        )

    def _choose_pool(self, url: str, options: Mapping[str, Any]) -> None:
        ours = {name: options.get(name) for name in ("stream", "verify", "cert")}
        settings = self.request_session.merge_environment_settings(url, options.get("proxies") or {}, **ours)
        verify, cert, proxies = (settings[name] for name in ("verify", "cert", "proxies"))
        adapter = self.request_session.get_adapter(url)
        request = WireRequest("GET", host_of(url)).prepare()
        self._pool = adapter.get_connection_with_tls_context(request, verify, proxies=proxies, cert=cert)
        adapter.cert_verify(self._pool, url, verify, cert)
        original: Any = self._pool.ConnectionCls
        self._pool.ConnectionCls = type(original.__name__, (original,), {"response_class": TimelyAnswer})
        if adapter.request_url(request, proxies) == request.url:  # a plain HTTP proxy requires absolute URLs
            self._before_path = host_of(url)


class _Payload:
    """A body of known length, in the form that http.client reads, but in larger chunks than it asks for.

    Bytes that a growing file has beyond the length aren't sent: they would be taken for the next request.
    """

    def __init__(self, body: Body, length: int) -> None:
        self._body = body
        self._length = self._remaining = length

    def __len__(self) -> int:
        return self._length

    def read(self, _: int = -1) -> bytes:
        """Return the next chunk, regardless of the requested size; empty once the whole length has been read."""
        chunk = self._body.read(min(CHUNK_BYTES, self._remaining))
        self._remaining -= len(chunk)
        return chunk


def _payload(body: Body | None) -> Any:
    if body is None:
        return None
    body.rewind()
    if body.length == 0:
        body.check()
        return None
    return iter(lambda: body.read(CHUNK_BYTES), b"") if body.length is None else _Payload(body, body.length)


def _check(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not wire.HEADER_NAME.fullmatch(name):  # http.client accepts blanks within a name
            raise UsageError(f"header {name!r}: a name can only have letters, digits and hyphens")
        if value[:1].isspace() or "\n" in value or "\r" in value:
            raise UsageError(f"header {name}: the value can't contain line breaks or start with a blank")


@contextmanager
def _translated(server: str, *, direct: bool) -> Iterator[None]:
    """Translate the HTTP libraries' exceptions."""
    try:
        yield
    except (RequestException, HTTPError, OSError) as error:
        raise no_answer(server, error, direct=direct) from error


def no_answer(url: str, error: BaseException, *, direct: bool = False) -> ServiceError:
    """Map a request without a response to a user-facing error, by its root cause.

    :param direct: whether the environment's HTTP proxies were ignored
    """
    server, cause = without_password(host_of(url)), _cause(error)
    through = "" if direct else _proxy_of(url)
    reason = getattr(cause, "strerror", None) or cause
    table: tuple[tuple[type[BaseException], str], ...] = (
        (
            ssl.SSLCertVerificationError,
            f"{server}: can't verify the server's certificate: {getattr(cause, 'verify_message', None) or cause}",
        ),
        (ssl.SSLError, f"TLS with {server}{through} failed: {getattr(cause, 'reason', None) or reason}"),
        (TimeoutError, f"no response from {server}{through}: {reason}"),
        (InvalidProxyURL, f"can't connect to {server}{through}: the proxy's URL is invalid"),
        (ConnectionRefusedError, f"can't connect to {server}{through}: connection refused"),
        (BaseException, f"connection to {server}{through} failed: {reason}"),
    )
    text = next(text for kind, text in table if isinstance(cause, kind))
    if isinstance(cause, ssl.SSLError):
        return ServiceError(text, hint=_trust(cause))
    unreached = isinstance(error, ProxyError | ConnectTimeoutError) or isinstance(
        cause, ConnectionRefusedError | InvalidProxyURL
    )
    return UnreachedError(text) if unreached else ConnectionFailedError(text)


def _trust(error: ssl.SSLError) -> Hint | None:
    """Return how to trust a certificate; None if that wouldn't help, as with another server's certificate."""
    is_untrusted = isinstance(error, ssl.SSLCertVerificationError)
    return Hint(Action.TRUST) if is_untrusted and getattr(error, "verify_code", None) not in _MISMATCHES else None


def _proxy_of(url: str) -> str:
    """Return the HTTP proxy for requests to a URL, as part of a sentence; empty without one."""
    proxy = select_proxy(url, get_environ_proxies(url))
    if not proxy:
        return ""
    has_scheme = "://" in proxy  # requests adds http:// to a bare host and port
    return f" through the HTTP proxy {without_password(proxy if has_scheme else f'http://{proxy}')}"


def direct_session() -> WireSession:
    """Return a requests session, for keystoneauth, that ignores HTTP proxies."""
    session = WireSession()
    session.trust_env = False
    return session


def leave_unverified() -> None:
    """Silence urllib3's warning per request to an unverified server; the user has been warned already."""
    disable_warnings(InsecureRequestWarning)


def _target(url: str) -> str:
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _cause(error: BaseException) -> BaseException:
    """Return the innermost of the HTTP libraries' nested exceptions."""
    cause = error
    while True:
        inner = cause.__cause__ or cause.__context__ or next((a for a in cause.args if isinstance(a, Exception)), None)
        if inner is None or inner is cause:
            return cause
        cause = inner
