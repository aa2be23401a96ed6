"""A relay in front of a real server that cuts, resets and stalls connections, or answers instead of the server."""

from __future__ import annotations

import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from http.client import responses
from itertools import chain
from typing import BinaryIO

from tests.support.relay import Relay, Sent, head_lines, request_of
from tests.support.responder import header_lines

REQUEST, HEAD, BODY = "request", "head", "body"
"""The part of an exchange in which a connection fails: the request's body, before the answer, the answer's body."""

RESET, CLOSE, STALL, DRIP = "reset", "closed", "stalled", "dripping"
"""The manner of a failure: RST, FIN, silence, or a head sent at one byte per second."""

_SMALL = 16 * 1024


@dataclass(frozen=True)
class Fault:
    """The fault that affects a request.

    :param manner: how its connection fails; unused with a status
    :param part: how far the request gets
    :param after: the number of bytes of that body that pass; for a chunked body, including framing
    :param status: the answer sent instead of the server's, which doesn't see the request
    """

    manner: str = CLOSE
    part: str = HEAD
    after: int = 0
    status: int = 0


Choose = Callable[[int, Sent], Fault | None]
"""Chooses the fault for a request, by its number, starting at 1, and the request itself."""


class FaultyRelay(Relay):
    """The relay; a context manager.

    :param port: the port of the server on this machine
    :param choose: called for each request, possibly in several threads

    ``sent`` are all requests, ``arrived`` those that the server received, and ``answered`` those that it answered, with
    status.
    """

    def __init__(self, port: int, choose: Choose) -> None:
        super().__init__(port)
        self._choose = choose
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self.arrived: list[Sent] = []
        self.answered: list[tuple[Sent, int]] = []

    def __enter__(self) -> FaultyRelay:
        super().__enter__()
        self._listener.setsockopt(
            socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL
        )  # so that a stall isn't hidden by buffers
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        super().__exit__()

    def _serve(self, client: socket.socket, server: socket.socket, number: int) -> None:
        self._start(self._requests, client, server, number)

    def _requests(self, client: socket.socket, server: socket.socket, number: int) -> None:
        manner = CLOSE
        with client.makefile("rb") as requests, server.makefile("rb") as answers, suppress(OSError, ValueError):
            while head := head_lines(requests):
                sent = request_of(head, number)
                with self._lock:
                    self.sent.append(sent)
                    fault = self._choose(len(self.sent), sent)
                if fault is not None and fault.status:
                    for _ in _body(requests, sent):
                        pass
                    client.sendall(_answer(sent, fault.status))
                elif not self._exchange(sent, head, fault, (client, requests), (server, answers)):
                    assert fault is not None
                    manner = fault.manner
                    break
        server.close()
        self._fail(client, manner)

    def _exchange(
        self,
        sent: Sent,
        head: list[bytes],
        fault: Fault | None,
        client: tuple[socket.socket, BinaryIO],
        server: tuple[socket.socket, BinaryIO],
    ) -> bool:
        """Forward a request and its answer; tell whether both passed completely."""
        self.arrived.append(sent)
        server[0].sendall(b"".join([*head, b"\r\n"]))
        part = fault.part if fault else ""
        if not _pass(_body(client[1], sent), server[0], fault.after if fault and part == REQUEST else None):
            return False
        answered = head_lines(server[1])
        if part == HEAD or not answered:
            return part != HEAD
        client[0].sendall(b"".join([*answered, b"\r\n"]))
        headers = {name.lower(): value for name, value in header_lines(answered[1:])}
        status = int(answered[0].split()[1])
        self.answered.append((sent, status))
        has_body = sent.method != "HEAD" and status not in (204, 304)
        body = _framed(server[1], headers) if has_body else iter(())
        return _pass(body, client[0], fault.after if fault and part == BODY else None)

    def _fail(self, client: socket.socket, manner: str) -> None:
        with suppress(OSError):  # the client has disconnected
            if manner == RESET:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            elif manner == STALL:
                self._ending.wait()
            elif manner == DRIP:
                self._drip(client)
            else:
                client.shutdown(socket.SHUT_RDWR)
        client.close()

    def _drip(self, client: socket.socket) -> None:
        for byte in chain(b"HTTP/1.1 200 OK\r\nX-Slow: ", iter(lambda: ord("a"), None)):
            client.sendall(bytes([byte]))
            if self._ending.wait(1) or select.select([client], [], [], 0)[0]:
                return


def _pass(pieces: Iterator[bytes], to: socket.socket, limit: int | None) -> bool:
    """Send this many bytes at most; tell whether that was all of them."""
    remaining = limit
    for piece in pieces:
        to.sendall(piece[:remaining])
        if remaining is not None:
            remaining -= len(piece)
            if remaining <= 0:
                return False
    return limit is None


def _body(stream: BinaryIO, sent: Sent) -> Iterator[bytes]:
    return _framed(stream, {name.lower(): value for name, value in sent.headers} | {"": "request"})


def _framed(stream: BinaryIO, headers: dict[str, str]) -> Iterator[bytes]:
    """Yield a message's body as it is on the wire."""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        size = -1
        while size and (line := stream.readline()):
            size = int(line, 16)
            yield line + stream.read(size + 2)
        return
    remaining = int(headers.get("content-length") or (0 if "" in headers else 2**62))
    while remaining and (data := stream.read1(min(remaining, 65536))):  # type: ignore[attr-defined]  # it is buffered
        remaining -= len(data)
        yield data


def _answer(sent: Sent, status: int) -> bytes:
    """Answer like Swift's proxy server."""
    text = f"<html><h1>{responses.get(status, 'Rate Limited')}</h1><p>On purpose.</p></html>".encode()
    lines = [f"HTTP/1.1 {status} On Purpose", "Content-Type: text/html; charset=UTF-8", f"Content-Length: {len(text)}"]
    lines += ["X-Trans-Id: tx0123456789abcdef01234-0123456789"]
    return "\r\n".join([*lines, "", ""]).encode() + (b"" if sent.method == "HEAD" else text)
