"""A scripted HTTP server, for truncated bodies, resets, expired tokens, and overload over a real socket.

It implements tempauth (``/auth/v1.0``) and ``/info``. Below its storage URL, it answers as the test specifies. Every
request is recorded with its method, target, headers, and body.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import responses
from urllib.parse import parse_qsl, urlsplit

ACCOUNT = "AUTH_test"
USER = "test:tester"
KEY = "s3cret-key"
INFO = {"swift": {"version": "2.38"}, "storlet_handler": {"storlet_container": "storlet"}}


@dataclass(frozen=True)
class Recorded:
    """A recorded request.

    :param target: the request line's target, undecoded
    :param headers: every header in order, values as Latin-1
    :param connection: the number of its connection
    :param arrived: its arrival, in seconds of the monotonic clock
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    connection: int
    arrived: float

    @property
    def path(self) -> str:
        """The quoted path below the storage URL, without the query."""
        return self.target.removeprefix(f"/v1/{ACCOUNT}").partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        """The query string, decoded."""
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    def header(self, name: str) -> str | None:
        """Return the value of a header, None if it wasn't sent."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def names(self) -> set[str]:
        """Return the names of the headers in lower case."""
        return {key.lower() for key, _ in self.headers}


@dataclass(frozen=True)
class Answer:
    """A scripted response.

    :param body: one piece, or several that are sent separately
    :param chunked: send the pieces as HTTP chunks
    :param length: the Content-Length header (default: the actual length)
    :param end: ``clean``, ``cut`` (closed), ``mid`` (closed within a chunk), or ``reset`` (a TCP reset)
    :param early: answer before reading the request's body
    :param interim: statuses of interim responses before this one
    :param surplus: bytes after the end of the response
    """

    status: int = 200
    body: bytes | Iterable[bytes] = b""
    headers: tuple[tuple[str, str], ...] = ()
    chunked: bool = False
    length: int | None = None
    end: str = "clean"
    early: bool = False
    interim: tuple[int, ...] = ()
    surplus: bytes = b""

    def pieces(self) -> Iterator[bytes]:
        """Yield the pieces of the body."""
        yield from [self.body] if isinstance(self.body, bytes) else self.body


def ok(body: bytes | Iterable[bytes] = b"", status: int = 200, **headers: str) -> Answer:
    """Return a successful response; ``_`` in the names of headers stands for ``-``."""
    return Answer(status, body, tuple((name.replace("_", "-"), value) for name, value in headers.items()))


def page(status: int, text: str = "", kind: str = "text/plain", **headers: str) -> Answer:
    """Return a response with an error page."""
    named = {"Content_Type": kind, **headers}
    return ok(text.encode(), status, **named)


def html(status: int) -> Answer:
    """Return a response with the page that Swift generates for a status."""
    reason = responses.get(status, "Something")
    return page(status, f"<html><h1>{reason}</h1><p>The resource.</p></html>", "text/html; charset=UTF-8")


GENERATED = ok(status=201, X_Storlet_Generated_From="c/o")
"""The response to a copy of ``c/o`` through a storlet."""

CUT = Answer(status=0, end="cut")
"""Close the connection without an answer."""

RESET = Answer(status=0, end="reset")
"""Reset the connection without an answer."""

Script = Callable[[Recorded], Answer]


@dataclass
class Responder:
    """The server; a context manager. It gives the scripted answers in order, and repeats the last one.

    By default, no storage policy is known to run storlets on its nodes, and no storlet can be read; requests that look
    these up are in ``probes``.
    """

    info: dict[str, object] = field(default_factory=lambda: dict(INFO))
    requests: list[Recorded] = field(default_factory=list)
    logins: list[Recorded] = field(default_factory=list)
    infos: list[Recorded] = field(default_factory=list)
    probes: list[Recorded] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)

    def __enter__(self) -> Responder:
        self._answers: dict[tuple[str, str], list[Answer | Script]] = {}
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._closing = False
        self.port = self._listener.getsockname()[1]
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._closing = True
        self._listener.shutdown(socket.SHUT_RDWR)
        self.drop_connections()
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    @property
    def auth_url(self) -> str:
        """The URL of tempauth."""
        return f"http://127.0.0.1:{self.port}/auth/v1.0"

    @property
    def storage_url(self) -> str:
        """The URL of the account."""
        return f"http://127.0.0.1:{self.port}/v1/{ACCOUNT}"

    @property
    def environ(self) -> dict[str, str]:
        """The variables that log a client in here."""
        return {"ST_AUTH": self.auth_url, "ST_USER": USER, "ST_KEY": KEY}

    def on(self, method: str, path: str, *answers: Answer | Script) -> None:
        """Set the answers to a method on a quoted path below the account; ``*`` stands for every path."""
        self._answers[method, path] = list(answers)

    def sent(self, method: str = "") -> list[Recorded]:
        """Return the requests of a method, or all of them."""
        return [request for request in self.requests if method in ("", request.method)]

    def drop_connections(self) -> None:
        """Close every connection, as an idle server does."""
        for connection in list(self._open):
            with suppress(OSError):  # it has just been closed
                connection.shutdown(socket.SHUT_RDWR)

    def _start(self, run: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=run, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        number = 0
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            number += 1
            self._open.add(connection)
            self._start(self._serve, connection, number)

    def _serve(self, connection: socket.socket, number: int) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, connection.makefile("rb") as stream:
            try:
                while not self._closing and self._serve_one(connection, stream, number):
                    pass
            except OSError:
                pass  # the client went away
            finally:
                self._open.discard(connection)

    def _serve_one(self, connection: socket.socket, stream, number: int) -> bool:
        line = stream.readline().decode("latin-1").rstrip("\r\n")
        if not line:
            return False
        method, target, _ = line.split(" ")
        headers = tuple(_headers(stream))
        arrived = time.monotonic()
        recorded = Recorded(method, target, headers, b"", number, arrived)
        answer = self._choose(recorded)
        if isinstance(answer, Answer) and not answer.early:
            recorded = Recorded(method, target, headers, _body(stream, recorded), number, arrived)
        self._record(recorded)
        if not isinstance(answer, Answer):
            recorded = Recorded(method, target, headers, _body(stream, recorded), number, arrived)
            self._replace(recorded)
            answer = answer(recorded)
        return _send(connection, method, answer)

    def _record(self, recorded: Recorded) -> None:
        records = {"/auth/v1.0": self.logins, "/info": self.infos}.get(recorded.target, self.requests)
        (self.probes if self._is_probe(recorded) else records).append(recorded)

    def _is_probe(self, recorded: Recorded) -> bool:
        if recorded.method == "GET" and recorded.path.startswith("/storlet/"):
            return ("GET", recorded.path) not in self._answers
        wanted = {("HEAD", "/storlet"), ("HEAD", "*"), ("*", "*")}
        return (recorded.method, recorded.path) == ("HEAD", "/storlet") and wanted.isdisjoint(self._answers)

    def _replace(self, recorded: Recorded) -> None:
        for requests in (self.requests, self.logins, self.infos):
            for at, request in enumerate(requests):
                if request.arrived == recorded.arrived and request.target == recorded.target:
                    requests[at] = recorded

    def _choose(self, recorded: Recorded) -> Answer | Script:
        if recorded.target == "/auth/v1.0" and ("GET", "/auth") not in self._answers:
            return self._log_in(recorded)
        if recorded.target == "/info" and ("GET", "/info") not in self._answers:
            return ok(json.dumps(self.info).encode(), Content_Type="application/json")
        if self._is_probe(recorded):
            return html(404) if recorded.method == "GET" else ok(status=204)
        path = {"/auth/v1.0": "/auth", "/info": "/info"}.get(recorded.target, recorded.path)
        for key in ((recorded.method, path), (recorded.method, "*"), ("*", "*")):
            if key in self._answers:
                answers = self._answers[key]
                return answers.pop(0) if len(answers) > 1 else answers[0]
        if (recorded.method == "HEAD" and recorded.path.count("/") > 1) or recorded.path.endswith("_segments"):
            return html(404)  # by default, an upload replaces no object
        self.unexpected.append(f"{recorded.method} {recorded.target}")
        return page(418, "not in the script")

    def _log_in(self, recorded: Recorded) -> Answer:
        if recorded.header("X-Auth-User") != USER or recorded.header("X-Auth-Key") != KEY:
            return html(401)
        token = f"token-{len(self.logins) + 1}"
        return ok(X_Auth_Token=token, X_Storage_Token=token, X_Storage_Url=self.storage_url)


def _headers(stream) -> Iterator[tuple[str, str]]:
    return header_lines(iter(stream.readline, b""))


def header_lines(lines: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    """Parse headers as Latin-1, up to an empty line."""
    for line in lines:
        if not line.strip():
            return
        name, _, value = line.decode("latin-1").partition(":")
        yield name, value.strip()


def _line(stream) -> bytes:
    line = stream.readline()
    if not line:
        raise ConnectionError("the client stopped sending its body")
    return line


def _body(stream, recorded: Recorded) -> bytes:
    if (recorded.header("Transfer-Encoding") or "").lower() == "chunked":
        body = b""
        while size := int(_line(stream), 16):
            body += stream.read(size)
            stream.readline()
        stream.readline()
        return body
    return stream.read(int(recorded.header("Content-Length") or 0))


def _send(connection: socket.socket, method: str, answer: Answer) -> bool:
    if answer.status:
        _send_answer(connection, method, answer)
    if answer.end == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if answer.end != "clean" or answer.early:
        if answer.end != "reset":
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()
        return False
    return True


def _send_answer(connection: socket.socket, method: str, answer: Answer) -> None:
    for status in answer.interim:
        connection.sendall(b"HTTP/1.1 %d Interim\r\nLink: </style.css>; rel=preload\r\n\r\n" % status)
    lines = [f"HTTP/1.1 {answer.status} {responses.get(answer.status, 'Something')}"]
    lines += [f"{name}: {value}" for name, value in answer.headers]
    if "x-trans-id" not in (name.lower() for name, _ in answer.headers):
        lines.append("X-Trans-Id: tx0123")
    pieces = answer.pieces()
    if answer.chunked:
        lines.append("Transfer-Encoding: chunked")
    elif answer.status != 204 and answer.status >= 200:
        if answer.length is None:
            whole = b"".join(pieces)
            pieces = iter([whole])
            lines.append(f"Content-Length: {len(whole)}")
        else:
            lines.append(f"Content-Length: {answer.length}")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")
    if answer.surplus:  # in one packet with the rest
        whole = b"" if method == "HEAD" or answer.status == 204 else b"".join(pieces)
        connection.sendall(head + whole + answer.surplus)
        return
    connection.sendall(head)
    if method == "HEAD":
        return
    for piece in pieces:
        if answer.chunked:
            piece = b"%x\r\n%b\r\n" % (len(piece), piece)
        connection.sendall(piece)
    if answer.end == "mid":
        connection.sendall(b"400\r\nonly a part" if answer.chunked else b"")
    elif answer.chunked and answer.end == "clean":
        connection.sendall(b"0\r\n\r\n")
