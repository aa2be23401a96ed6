"""A relay in front of a real server that records what clients send.

So a test asserts what went over a socket, and the real server answered it.
"""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import BinaryIO

from tests.support.responder import header_lines

_PIECE_BYTES = 64 * 1024


@dataclass
class Sent:
    """A recorded request.

    :param headers: every header in order, values as Latin-1
    :param body: a description of the body and its transfer; empty without a body
    :param connection: the number of its connection, from 1
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: str
    connection: int

    def header(self, name: str) -> str:
        """Return the value of a header, empty if it wasn't sent."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


class Relay:
    """The relay; a context manager.

    :param port: the port of the server on this machine
    :param renamed: replacements in responses, of the same length as the originals
    :param interlude: called with a request once the first piece of its body has been passed on; nothing more is read
        from the client until it returns
    """

    def __init__(
        self,
        port: int,
        renamed: Mapping[bytes, bytes] = MappingProxyType({}),
        interlude: Callable[[Sent], None] = lambda _: None,
    ) -> None:
        self._server = ("127.0.0.1", port)
        self._renamed = renamed
        self._interlude = interlude
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.sent: list[Sent] = []

    def __enter__(self) -> Relay:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _PIECE_BYTES)  # makes clients wait
        self.port = self._listener.getsockname()[1]
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        for connection in (self._listener, *self._open):
            with suppress(OSError):  # the other end has closed it
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        for connection in (self._listener, *self._open):
            connection.close()

    def take(self) -> list[Sent]:
        """Return the requests since the last call."""
        requests, self.sent = self.sent, []
        return requests

    def _start(self, run, *arguments: object) -> None:
        thread = threading.Thread(target=run, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        for number in itertools.count(1):
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._server)
            self._open += [client, server]
            for connection in (client, server):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._serve(client, server, number)

    def _serve(self, client: socket.socket, server: socket.socket, number: int) -> None:
        self._start(self._requests, client, server, number)
        self._start(self._answers, server, client)

    def _requests(self, client: socket.socket, server: socket.socket, number: int) -> None:
        with client.makefile("rb") as stream, suppress(OSError):
            while head := head_lines(stream):
                sent = request_of(head, number)
                self.sent.append(sent)  # before the server can answer and the client disconnect
                server.sendall(b"".join([*head, b"\r\n"]))
                for index, piece in enumerate(_body(stream, sent)):
                    server.sendall(piece)
                    if not index:
                        self._interlude(sent)
        with suppress(OSError):
            server.shutdown(socket.SHUT_WR)

    def _answers(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                for old, new in self._renamed.items():
                    data = data.replace(old, new)
                client.sendall(data)
            client.shutdown(socket.SHUT_WR)


def head_lines(stream: BinaryIO) -> list[bytes]:
    """Read the lines of a request's head without the final empty one; none at the end of the connection."""
    return list(itertools.takewhile(bytes.strip, iter(stream.readline, b"")))


def request_of(head: list[bytes], connection: int) -> Sent:
    """Parse the head of a request."""
    method, target, _ = head[0].decode("latin-1").split(" ")
    return Sent(method, target, tuple(header_lines(head[1:])), "", connection)


def _body(stream: BinaryIO, sent: Sent) -> Iterator[bytes]:
    """Yield the body of a request as it arrives, and describe it in ``sent.body``; it may end early."""
    if sent.header("Transfer-Encoding").lower() == "chunked":
        count, size = 0, -1
        while size and (line := stream.readline()):
            size = int(line, 16)
            count += size
            sent.body = f"{count} bytes in chunks"
            yield line + stream.read(size + 2)
        return
    length, count = int(sent.header("Content-Length") or 0), 0
    while length > count and (piece := stream.read(min(_PIECE_BYTES, length - count))):
        count += len(piece)
        sent.body = f"{count} bytes"
        yield piece
