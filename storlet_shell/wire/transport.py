"""Requests and answers on the wire. The only import of swiftclient, whose connection class carries them.

swiftclient's ``Connection`` facade is not used: it repeats a failed storlet five times, and takes a storlet's refusal
for an expired token.
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
from requests.exceptions import RequestException
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
from storlet_shell.wire.requests import host_of

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, HTTPConnectionPool


_MISMATCHES = (62, 64)
"""OpenSSL's ``verify_code`` of a certificate that is of another host name or address (``x509_vfy.h``)."""


class Reply:
    """An answer whose body has not been read yet.

    :param status: the HTTP status
    :param headers: the headers, by any case of their names
    :param seconds: how long it took to come
    """

    def __init__(self, response: BaseHTTPResponse, seconds: float = 0.0) -> None:
        self._response = response
        self.seconds = seconds
        self.status = response.status
        self.headers: Mapping[str, str] = _decode_headers(response.headers)

    @property
    def transaction_id(self) -> str:
        """Swift's name of the request; empty when something before Swift answered."""
        return self.headers.get(wire.TRANSACTION_ID, "")

    def chunks(self, size: int = CHUNK_BYTES) -> Iterator[bytes]:
        """Yield the body as it arrives.

        :raises IncompleteBodyError: when it ends before its end
        """
        read = 0
        try:
            # Chunks of an answer without a length are passed on as they arrive, not gathered up to the size.
            for chunk in self._response.stream(size, decode_content=False):
                read += len(chunk)
                yield chunk
        except (HTTPError, http.client.HTTPException, OSError) as error:
            self.close()
            raise IncompleteBodyError(
                f"the body ended early: {read} bytes came, the server cut the connection",
                transaction_id=self.transaction_id,
            ) from error
        self._response.close()

    def read(self, limit: int = -1) -> bytes:
        """Return the whole body, or its first ``limit`` bytes.

        :raises IncompleteBodyError: when it ends before its end
        """
        content = b""
        for chunk in self.chunks():
            content += chunk
            if 0 <= limit <= len(content):
                self.close()
                return content[:limit]
        return content

    def close(self) -> None:
        """End the connection unless the body has been read to its end, or there is none to read."""
        if self._response.length_remaining == 0:
            self._response.drain_conn()
        self._response.close()


_NO_VALUE = str.maketrans("\r\n\0", "   ")
"""What no header's value can hold; a recipient replaces it (RFC 9110, 5.5)."""


def _decode_headers(headers: Any) -> Mapping[str, str]:
    decoded: CaseInsensitiveDict[str] = CaseInsensitiveDict()
    for name, value in headers.items():
        # http.client decodes as Latin-1, Swift's own headers are UTF-8, a storlet's metadata may be either.
        raw = value.translate(_NO_VALUE).strip(" ").encode("latin-1", "replace")
        try:
            decoded[name.title() if name.islower() else name] = raw.decode("utf-8")
        except UnicodeDecodeError:
            decoded[name] = raw.decode("latin-1")
    return decoded


class Transport:
    """Connections to one server, kept open between requests.

    :param url: any URL of the server
    :param how: how it is reached
    """

    def __init__(self, url: str, how: Connection) -> None:
        self._host = host_of(url)
        self._is_direct = how.direct
        self._connection = _Connection(url, how)

    def send(self, method: str, url: str, headers: Mapping[str, str], body: Body | None = None) -> Reply:
        """Send one request, once, and return its answer, whatever its status is.

        :raises ConnectionFailedError: when there is no answer
        :raises UsageError: when a header's value can't be sent
        """
        _check(headers)
        with _translated(self._host, direct=self._is_direct):
            started = time.monotonic()
            answer = self._connection.request(method, _target(url), _payload(body), dict(headers))
            return Reply(answer, time.monotonic() - started)

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()


class _Connection(HTTPConnection):  # type: ignore[misc]
    """swiftclient's connection, whose requests go straight to the pool of sockets beneath it.

    requests chooses that pool once, by certificates and by the proxies' variables. For each request it would do so
    again, and keep what a browser has a use for, which takes a good part of a small answer's time; and it normalises a
    URL's path, so that an object named ``a/../b`` would be taken for ``b``.
    """

    def __init__(self, url: str, how: Connection) -> None:
        if how.insecure:
            leave_unverified()
        super().__init__(
            url,
            cacert=how.cacert or None,
            insecure=how.insecure,
            cert=how.cert or None,
            cert_key=how.key or None,
            timeout=how.timeout,
            default_user_agent="storlet-shell",
        )
        self.request_session.trust_env = not how.direct
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
        given = {name: options.get(name) for name in ("stream", "verify", "cert")}
        settings = self.request_session.merge_environment_settings(url, options.get("proxies") or {}, **given)
        verify, cert, proxies = (settings[name] for name in ("verify", "cert", "proxies"))
        adapter = self.request_session.get_adapter(url)
        request = WireRequest("GET", host_of(url)).prepare()
        self._pool = adapter.get_connection_with_tls_context(request, verify, proxies=proxies, cert=cert)
        adapter.cert_verify(self._pool, url, verify, cert)
        kept: Any = self._pool.ConnectionCls
        self._pool.ConnectionCls = type(kept.__name__, (kept,), {"response_class": TimelyAnswer})
        if adapter.request_url(request, proxies) == request.url:  # a proxy of plain HTTP wants whole URLs
            self._before_path = host_of(url)


class _Payload:
    """A body of known length as http.client reads it, in larger pieces than it asks for.

    No byte beyond the length is read of a file that grows: it would be taken for the next request.
    """

    def __init__(self, body: Body, length: int) -> None:
        self._body = body
        self._length = self._left = length

    def __len__(self) -> int:
        return self._length

    def read(self, _: int = -1) -> bytes:
        chunk = self._body.read(min(CHUNK_BYTES, self._left))
        self._left -= len(chunk)
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
        if not wire.HEADER_NAME.fullmatch(name):  # http.client takes blanks within a name
            raise UsageError(f"header {name!r}: a name has letters, digits and hyphens")
        if value[:1].isspace() or "\n" in value or "\r" in value:
            raise UsageError(f"header {name}: its value can't hold line ends, nor begin with a blank")


@contextmanager
def _translated(server: str, *, direct: bool) -> Iterator[None]:
    """Translate what the HTTP libraries raise when there is no answer, by a table."""
    try:
        yield
    except (RequestException, HTTPError, OSError) as error:
        raise no_answer(server, error, direct=direct) from error


def no_answer(url: str, error: BaseException, *, direct: bool = False) -> ServiceError:
    """Return what is to be said when a request got no answer, by a table over what is at the bottom of it.

    :param direct: whether it went through no proxy, whatever the environment says
    """
    server, cause = _without_password(host_of(url)), _cause(error)
    through = "" if direct else _proxy_of(url)
    reason = getattr(cause, "strerror", None) or cause
    table: tuple[tuple[type[BaseException], str], ...] = (
        (
            ssl.SSLCertVerificationError,
            f"{server}: the server's certificate can't be verified: {getattr(cause, 'verify_message', None) or cause}",
        ),
        (ssl.SSLError, f"no TLS with {server}: {getattr(cause, 'reason', None) or reason}{through}"),
        (TimeoutError, f"{server} does not answer{through}: {reason}"),
        (ConnectionRefusedError, f"no server answers at {server}{through}"),
        (BaseException, f"the connection to {server} failed{through}: {reason}"),
    )
    text = next(text for kind, text in table if isinstance(cause, kind))
    if isinstance(cause, ssl.SSLError):
        return ServiceError(text, hint=_trust(cause))
    unreached = isinstance(error, ProxyError | ConnectTimeoutError) or isinstance(cause, ConnectionRefusedError)
    return UnreachedError(text) if unreached else ConnectionFailedError(text)


def _trust(error: ssl.SSLError) -> Hint | None:
    """Return what would change that a certificate is not trusted; nothing does if it is another server's."""
    is_untrusted = isinstance(error, ssl.SSLCertVerificationError)
    return Hint(Action.TRUST) if is_untrusted and getattr(error, "verify_code", None) not in _MISMATCHES else None


def _proxy_of(url: str) -> str:
    """Return the proxy that requests to a URL go through, as a part of a sentence."""
    proxy = select_proxy(url, get_environ_proxies(url))
    return f" through the proxy {_without_password(proxy)}" if proxy else ""


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def direct_session() -> WireSession:
    """Return what keystoneauth sends requests by, without a proxy."""
    session = WireSession()
    session.trust_env = False
    return session


def leave_unverified() -> None:
    """Let urllib3 not warn of every request to an unverified server: the user has asked for it, and was warned."""
    disable_warnings(InsecureRequestWarning)


def _target(url: str) -> str:
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _cause(error: BaseException) -> BaseException:
    """Return what is at the bottom of requests' nested exceptions."""
    seen = error
    while True:
        inner = seen.__cause__ or seen.__context__ or next((a for a in seen.args if isinstance(a, Exception)), None)
        if inner is None or inner is seen:
            break
        seen = inner
    return seen
