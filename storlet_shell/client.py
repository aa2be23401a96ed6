"""The object store over one login: requests, retries, bodies, and statuses translated into errors.

The only import of swiftclient. Its connection class carries the requests; its ``Connection`` facade is not used, since
that one repeats a failed storlet five times and takes a storlet's refusal for an expired token.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from storlet_shell import headers as wire
from storlet_shell.bodies import Body
from storlet_shell.credentials import Login
from storlet_shell.errors import (
    IdentityError,
    IncompleteBodyError,
    NotFoundError,
    ServiceError,
    StorletFailedError,
    StorletShellError,
)
from storlet_shell.results import CHUNK_BYTES
from storlet_shell.values import Request

if TYPE_CHECKING:
    from requests import Response as WireResponse

ATTEMPTS = 4
"""How often a plain request is sent when the connection fails or the answer is a 503."""

BACK_OFF = 0.25
"""Seconds before the second attempt; each further pause is twice as long, and up to half of it is drawn by lot."""

_ERROR_BODY_BYTES = 64 * 1024

STATUS_ERRORS: Mapping[int, tuple[type[StorletShellError], str]] = {
    400: (StorletShellError, "the server calls the request bad"),
    401: (IdentityError, "the token is refused"),
    403: (IdentityError, "this user may not do that"),
    404: (NotFoundError, "not found"),
    405: (StorletShellError, "the server does not allow that method here"),
    409: (StorletShellError, "in conflict with what is there (a container must be empty)"),
    411: (StorletShellError, "the server wants to know the length"),
    412: (StorletShellError, "a precondition does not hold"),
    413: (StorletShellError, "too large for the server, or over a quota"),
    416: (StorletShellError, "the range lies outside of the object"),
    422: (ServiceError, "what arrived is not what was sent"),
    429: (ServiceError, "too many requests; try later"),
    498: (ServiceError, "too many requests; try later"),
    499: (ServiceError, "the server saw the connection close"),
    500: (ServiceError, "the server failed"),
    501: (ServiceError, "the server can't do that"),
    502: (ServiceError, "a gateway before the server failed"),
    503: (ServiceError, "the server is not available now; try later"),
    504: (ServiceError, "a gateway before the server got no answer"),
    507: (ServiceError, "the server's disk is full"),
}
"""Statuses of Swift's answers and what they mean to a user; 4xx and 5xx that are missing here go by their class."""


class Reply:
    """An answer whose body has not been read yet.

    :param status: the HTTP status
    :param headers: the headers, by any case of their names
    """

    def __init__(self, response: WireResponse) -> None:
        self._response = response
        self.status = int(response.status_code)
        self.headers: Mapping[str, str] = _decode_headers(response.headers)

    @property
    def transaction_id(self) -> str:
        """Swift's name of the request; empty when something before Swift answered."""
        return self.headers.get(wire.TRANSACTION_ID, "")

    def chunks(self, size: int = CHUNK_BYTES) -> Iterator[bytes]:
        """Yield the body as it arrives.

        :raises IncompleteBodyError: when it ends before its end
        """
        import http.client

        from urllib3.exceptions import HTTPError

        read = 0
        try:
            # Chunks of an answer without a length are passed on as they arrive, not gathered up to the size.
            for chunk in self._response.raw.stream(size, decode_content=False):
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
        """End the connection unless the body has been read to its end."""
        self._response.close()


def _decode_headers(headers: Any) -> Mapping[str, str]:
    from requests.structures import CaseInsensitiveDict

    decoded: CaseInsensitiveDict[str] = CaseInsensitiveDict()
    for name, value in headers.items():
        # http.client decodes as Latin-1, Swift's own headers are UTF-8, a storlet's metadata may be either.
        raw = value.encode("latin-1", "replace")
        try:
            decoded[name.title() if name.islower() else name] = raw.decode("utf-8")
        except UnicodeDecodeError:
            decoded[name] = value
    return decoded


class Client:
    """The object store as one account sees it.

    One client is used by one thread at a time; :meth:`another` gives another thread its own connections over the same
    login.

    :param record: called with each request as it is sent, for diagnosis; never sees the token
    """

    def __init__(self, login: Login, record: Callable[[str], None] = lambda _: None) -> None:
        self.login = login
        self._record = record
        self._connection: Any = None
        self._capabilities: dict[str, Any] | None = None

    @property
    def account(self) -> str:
        """The account's name: the last part of the storage URL."""
        return self.login.storage_url().rsplit("/", 1)[-1]

    @property
    def known_account(self) -> str:
        """The account's name if a login has told it; asks nobody."""
        return self.login.known_storage_url.rsplit("/", 1)[-1]

    def capabilities(self) -> Mapping[str, Any]:
        """Return what ``GET /info`` says, asked once; empty when the cluster does not answer it."""
        if self._capabilities is None:
            try:
                reply = self._send_once(Request("GET"), None, url=_host(self.login.storage_url()) + "/info")
                self._capabilities = json.loads(reply.read()) if reply.status == 200 else {}
            except (StorletShellError, ValueError):
                self._capabilities = {}
        return self._capabilities

    @property
    def is_embedded(self) -> bool:
        """Whether this is the embedded Swift, whose engine keeps every log and notices every change."""
        return bool(self.capabilities().get("storlet_shell"))

    @property
    def storlet_container(self) -> str:
        """The container that holds the storlets on this cluster."""
        return str(self.capabilities().get("storlet_handler", {}).get("storlet_container", wire.STORLET_CONTAINER))

    @property
    def dependency_container(self) -> str:
        """The container that holds the storlets' dependencies on this cluster."""
        told = self.capabilities().get("storlet_handler", {})
        return str(told.get("storlet_dependency", wire.DEPENDENCY_CONTAINER))

    def another(self) -> Client:
        """Return a client with connections of its own."""
        return Client(self.login, self._record)

    def url(self, request: Request) -> str:
        """Return the URL that a request goes to."""
        return self.login.storage_url() + request.path

    def send(self, request: Request, body: Body | None = None) -> Reply:
        """Send a request, and again where that is safe, until it is answered well.

        A request that runs a storlet is never repeated, except after a 401 that means an expired token: nothing has
        run then. Others are repeated when the connection fails or the answer is a 503, if the body can be read again.

        :raises StorletShellError: the error that the status stands for (:data:`STATUS_ERRORS`)
        """
        attempts = ATTEMPTS
        if wire.RUN_STORLET in request.headers or (body is not None and not body.replayable):
            attempts = 1
        renewed = body is not None and not body.replayable
        while True:
            attempts -= 1
            try:
                reply = self._send_once(request, body)
            except ServiceError:
                if attempts <= 0:
                    raise
                self._pause(attempts)
                continue
            if reply.status < 400:
                return reply
            text = reply.read(_ERROR_BODY_BYTES) if request.method != "HEAD" else b""
            reply.close()
            if reply.status == 401 and not renewed and not wire.is_storlet_refusal(text):
                self.login.renew()
                renewed, attempts = True, attempts + 1
            elif reply.status == 503 and attempts > 0:
                self._pause(attempts)
            else:
                raise self._error(request, reply, text)

    def find(self, request: Request) -> Reply | None:
        """Send a request and return its answer, or None when what it names is not there."""
        try:
            return self.send(request)
        except NotFoundError:
            return None

    @staticmethod
    def _pause(attempts_left: int) -> None:
        pause = BACK_OFF * 2.0 ** (ATTEMPTS - 1 - attempts_left)
        time.sleep(pause * random.uniform(0.75, 1.25))  # noqa: S311  no secret depends on it

    def _send_once(self, request: Request, body: Body | None, url: str = "") -> Reply:
        from requests.exceptions import ConnectTimeout, RequestException, SSLError
        from urllib3.exceptions import HTTPError

        url, token = url or self.url(request), self.login.token()
        if self._connection is None:
            self._connection = _open_connection(self.login)
        self._record(f"{request.method} {url}")
        headers = {**request.headers, wire.AUTH_TOKEN: token}
        try:
            return Reply(self._connection.request(request.method, _target(url), _payload(body), headers))
        except SSLError as error:
            raise ServiceError(f"{_host(url)}: the server's certificate can't be verified: {error}") from error
        except ConnectTimeout as error:
            raise ServiceError(f"{_host(url)} does not answer") from error
        except (RequestException, HTTPError, OSError) as error:
            raise ServiceError(f"{request.subject}: the connection to {_host(url)} failed: {_cause(error)}") from error

    def _error(self, request: Request, reply: Reply, body: bytes) -> StorletShellError:
        text = _plain_text(body, reply.headers)
        if wire.RUN_STORLET in request.headers:
            error = self._storlet_error(request, reply, body, text)
            if error is not None:
                return error
        if reply.status == 400 and wire.is_account_disabled(body):
            message = f"{request.subject}: the account is not enabled for storlets; enable it with: enable"
            return StorletShellError(message, transaction_id=reply.transaction_id)
        if reply.status == 404 and request.method == "PUT" and request.name:
            message = f"container {request.container} is not there; make it with: mkdir {request.container}"
            return NotFoundError(message, transaction_id=reply.transaction_id)
        kind, meaning = STATUS_ERRORS.get(
            reply.status, (ServiceError if reply.status >= 500 else StorletShellError, "the server refuses that")
        )
        said = f", {text}" if text and reply.status in (400, 405, 409, 412, 413, 422) else ""
        return kind(f"{request.subject}: {meaning}{said} (HTTP {reply.status})", transaction_id=reply.transaction_id)

    def _storlet_error(self, request: Request, reply: Reply, body: bytes, text: str) -> StorletShellError | None:
        storlet = request.headers[wire.RUN_STORLET]
        transaction = reply.transaction_id
        if reply.status == 401 and wire.is_storlet_refusal(body):
            if self.find(Request("HEAD", self.storlet_container, storlet)) is None:
                return NotFoundError(f"storlet {storlet} is not deployed", transaction_id=transaction)
            return IdentityError(f"this user may not run storlet {storlet}", transaction_id=transaction)
        if reply.status not in (500, 503):
            return None
        failed = bool(reply.headers.get(wire.FAILURE)) or text.startswith("Storlet execution")
        if failed or self._is_there(request):
            where = f"storlet {storlet} failed over {request.subject}"
            reason = text if failed else "it gave no answer; the cluster keeps its log, if any"
            return StorletFailedError(f"{where}: {reason}", transaction_id=transaction)
        return None

    def _is_there(self, request: Request) -> bool:
        """Tell a failed storlet from a failed server: a 503 without text can be either, and a HEAD runs no storlet."""
        try:
            return request.method == "GET" and self.find(Request("HEAD", request.container, request.name)) is not None
        except StorletShellError:
            return False

    def close(self) -> None:
        """Close every connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _target(url: str) -> str:
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _cause(error: BaseException) -> str:
    """Return what is at the bottom of requests' nested exceptions, in words."""
    seen = error
    while True:
        inner = seen.__cause__ or seen.__context__ or next((a for a in seen.args if isinstance(a, Exception)), None)
        if inner is None or inner is seen:
            break
        seen = inner
    return getattr(seen, "strerror", None) or str(seen) or type(seen).__name__


def _plain_text(body: bytes, headers: Mapping[str, str]) -> str:
    """Return an error's body as one line, or nothing when it is a page of HTML that repeats the status."""
    if headers.get(wire.CONTENT_TYPE, "").startswith("text/html") and b"<html" in body:
        return ""
    return " ".join(body.decode("utf-8", "replace").split())[:2000]


class _Payload:
    """A body of known length as http.client reads it, in larger pieces than it asks for."""

    def __init__(self, body: Body, length: int) -> None:
        self._body = body
        self._length = length

    def __len__(self) -> int:
        return self._length

    def read(self, _: int = -1) -> bytes:
        return self._body.read(CHUNK_BYTES)


def _payload(body: Body | None) -> Any:
    if body is None or body.length == 0:
        return None
    body.rewind()
    return iter(lambda: body.read(CHUNK_BYTES), b"") if body.length is None else _Payload(body, body.length)


def _open_connection(login: Login) -> Any:
    from swiftclient.client import HTTPConnection

    class Connection(HTTPConnection):  # type: ignore[misc]
        """swiftclient's connection, with names kept as they are spelled.

        requests normalises a URL's path, so that an object named ``a/../b`` would be taken for ``b``; and it looks the
        proxies' variables up for every request, where once is enough.
        """

        def __init__(self) -> None:
            how = login.connection
            super().__init__(
                login.storage_url(),
                cacert=how.cacert or None,
                insecure=how.insecure,
                timeout=how.timeout,
                default_user_agent="storlet-shell",
            )
            self._settings: dict[str, Any] | None = None

        def _request(self, method: str, url: str, **options: Any) -> Any:
            from requests import Request as WireRequest

            session = self.request_session
            prepared = session.prepare_request(
                WireRequest(method, url, headers=options["headers"], data=options["data"])
            )
            prepared.url = url
            if self._settings is None:
                given = {name: options.get(name) for name in ("stream", "verify", "cert")}
                self._settings = session.merge_environment_settings(url, options.get("proxies") or {}, **given)
            return session.send(prepared, timeout=options.get("timeout"), allow_redirects=False, **self._settings)

    return Connection()
