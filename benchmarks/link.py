"""A relay that passes bytes on no faster than a link of a given rate."""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Self

from benchmarks.cluster import HOST

_CHUNK_BYTES = 32 * 1024


class Link:
    """A relay in front of a server on this machine; a context manager.

    :param port: the server's port
    :param rate: bytes per second in each direction, for all connections together

    ``received`` counts the bytes that the server has sent.
    """

    def __init__(self, port: int, rate: float) -> None:
        self.received = 0
        self._down, self._up = _Bucket(rate), _Bucket(rate)
        link = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with socket.create_connection((HOST, port)) as server:
                    threading.Thread(target=_pump, args=(self.request, server, link._up), daemon=True).start()
                    for count in _passed(server, self.request, link._down):
                        link.received += count

        self._server = socketserver.ThreadingTCPServer((HOST, 0), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Bucket:
    """The time at which the next bytes may leave."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._free_at = 0.0
        self._lock = threading.Lock()

    def wait(self, count: int) -> None:
        """Wait until so many bytes fit on the link."""
        with self._lock:
            now = time.monotonic()
            self._free_at = max(now, self._free_at) + count / self._rate
            pause = self._free_at - now
        time.sleep(pause)


def _passed(source: socket.socket, target: socket.socket, bucket: _Bucket) -> Iterator[int]:
    """Pass bytes on until one side ends; yield how many."""
    with suppress(OSError):
        while chunk := source.recv(_CHUNK_BYTES):
            bucket.wait(len(chunk))
            target.sendall(chunk)
            yield len(chunk)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _pump(source: socket.socket, target: socket.socket, bucket: _Bucket) -> None:
    for _ in _passed(source, target, bucket):
        pass
