"""A relay in front of a real server that forwards requests one by one, up to the point of the fault."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from enum import IntEnum
from typing import BinaryIO, NamedTuple

from tests.support.responder import header_lines

_PIECE = 65536
_LATER_SECONDS = 0.008


class Stage(IntEnum):
    """How far a request has come."""

    BEFORE = 0  #: it has arrived here; the server has received nothing
    HEAD = 1  #: the server has its head
    BODY = 2  #: the server has half of its body
    SENT = 3  #: the server has just received all of it
    WORKING = 4  #: the server received all of it some milliseconds ago
    ANSWERED = 5  #: the server's answer has started, and is held back
    HALF = 6  #: half of the answer's body has been forwarded
    PASSED = 7  #: all of the answer has been forwarded


class Point(NamedTuple):
    """A moment during a line.

    :param number: the request's number, from 1, in order of arrival
    """

    number: int
    stage: Stage


class Seen(NamedTuple):
    """A forwarded request, and the stages that it went through."""

    line: str
    stages: tuple[Stage, ...]


class _TrippedError(Exception):
    """The point was reached."""


class Tripwire:
    """The relay; a context manager.

    :param server: returns the port of the server on this machine, which may change after the fault
    :param point: where the fault happens, or as soon after it as anything arrives; None for nowhere
    :param happen: causes the fault; then all connections are cut
    :param again: brings the server back, while requests wait; None to accept no more connections
    """

    def __init__(
        self,
        server: Callable[[], int],
        point: Point | None = None,
        happen: Callable[[], object] = lambda: None,
        again: Callable[[], object] | None = None,
    ) -> None:
        self._server = server
        self._point = point
        self._happen = happen
        self._again = again
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self.tripped = False
        self.requests: dict[int, Seen] = {}

    def __enter__(self) -> Tripwire:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._cut(self._listener)
        for thread in self._threads:
            thread.join(20)
        self._listener.close()

    def finish(self) -> None:
        """Wait until the fault has completely happened."""
        with self._lock:
            pass

    def points(self) -> Iterator[Point]:
        """Yield the points of all requests so far."""
        for number, requests in sorted(self.requests.items()):
            for stage in requests.stages:
                yield Point(number, stage)

    def _start(self, run: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=run, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError, _TrippedError):
            self._open.add(client)
            with client.makefile("rb") as requests:
                line = requests.readline()
                if not line:
                    return
                with self._connect() as server, server.makefile("rb") as answers:
                    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    while line and self._exchange(line, requests, client, server, answers):
                        line = requests.readline()
        self._open.discard(client)

    def _connect(self) -> socket.socket:
        with self._lock:
            server = socket.create_connection(("127.0.0.1", self._server()))
            self._open.add(server)
        return server

    def _exchange(
        self, line: bytes, requests: BinaryIO, client: socket.socket, server: socket.socket, answers: BinaryIO
    ) -> bool:
        """Forward one request and its answer; tell whether the connection can take another."""
        head, headers = _head(line, requests)
        number = self._begin(line)
        self._reach(number, Stage.BEFORE)
        server.sendall(head)
        self._reach(number, Stage.HEAD)
        sent = 0
        for piece, is_half in _halved(_body(requests, headers), headers):
            server.sendall(piece)
            sent += len(piece)
            if is_half:
                self._reach(number, Stage.BODY)
        if sent:
            self._reach(number, Stage.SENT)
        if self._point == (number, Stage.WORKING):
            time.sleep(_LATER_SECONDS)
        self._reach(number, Stage.WORKING)
        head, headers = _head(answers.readline(), answers)
        if not headers:
            return False
        self._reach(number, Stage.ANSWERED)
        client.sendall(head)
        is_bare = line.startswith(b"HEAD") or head.split()[1] in (b"204", b"304")
        for piece, is_half in () if is_bare else _halved(_body(answers, headers), headers):
            client.sendall(piece)
            if is_half:
                self._reach(number, Stage.HALF)
        self._reach(number, Stage.PASSED)
        return headers.get("connection", "").lower() != "close"

    def _begin(self, line: bytes) -> int:
        with self._lock:
            number = len(self.requests) + 1
            self.requests[number] = Seen(line.decode("latin-1").strip(), ())
        return number

    def _reach(self, number: int, stage: Stage) -> None:
        with self._lock:
            if self.tripped and self._again is None:
                raise _TrippedError
            requests = self.requests[number]
            self.requests[number] = requests._replace(stages=(*requests.stages, stage))
            if self.tripped or self._point is None or (number, stage) < self._point:
                return
            self.tripped = True
            self._happen()
            for connection in (*([] if self._again else [self._listener]), *self._open):
                self._cut(connection)
            if self._again is not None:
                self._again()
        raise _TrippedError

    def _cut(self, connection: socket.socket) -> None:
        with suppress(OSError):  # the other end has closed it
            connection.shutdown(socket.SHUT_RDWR)


def _head(line: bytes, stream: BinaryIO) -> tuple[bytes, dict[str, str]]:
    """Read the rest of a message's head; return the head, and its headers by lower-case names."""
    lines = [line]
    while (line := stream.readline()).strip():
        lines.append(line)
    headers = {name.lower(): value for name, value in header_lines(lines[1:])}
    return b"".join([*lines, b"\r\n"]), headers


def _body(stream: BinaryIO, headers: dict[str, str]) -> Iterator[bytes]:
    """Yield a body in pieces, as it is sent."""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        size = -1
        while size:
            line = stream.readline()
            if not line:
                raise ConnectionError("it was cut")
            size = int(line, 16)
            yield line + stream.read(size + 2)
        return
    remaining = int(headers.get("content-length") or 0)
    while remaining:
        piece = stream.read(min(remaining, _PIECE))
        if not piece:
            raise ConnectionError("it was cut")
        remaining -= len(piece)
        yield piece


def _halved(pieces: Iterator[bytes], headers: dict[str, str]) -> Iterator[tuple[bytes, bool]]:
    """Yield a body's pieces, and tell with one of them that half has passed; for a chunked body, with the first."""
    size = int(headers.get("content-length") or 0)
    half, passed, is_past = size // 2, 0, False
    for piece in pieces:
        cut = half - passed if not is_past and size and passed + len(piece) > half > passed else len(piece)
        for part in (piece[:cut], piece[cut:]):
            if part:
                passed += len(part)
                is_half = not is_past and passed >= half
                is_past |= is_half
                yield part, is_half
