"""A server that immediately gives Swift's answers and does nothing else, so that only the client is measured.

A container's name is its number of objects; in ``5000-slow``, each object takes 10 ms.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
from pathlib import Path
from typing import Self
from urllib.parse import parse_qs, urlsplit

from storlet_shell.embedded.control import Running

_PAGE = 10_000
_BODY = b"x" * 1024
_SLOW = 0.01


class StandIn:
    """The server, in a separate thread; a context manager."""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        port = server.sockets[0].getsockname()[1]
        self._url = f"http://127.0.0.1:{port}"
        self.running = Running(os.getpid(), port, "k", Path(), ephemeral=True, started=0)
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                method, target, _ = head.split(b" ", 2)
                if b"-slow/" in target:
                    await asyncio.sleep(_SLOW)
                writer.write(self._answer(method.decode(), target.decode()))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _answer(self, method: str, target: str) -> bytes:
        parts = urlsplit(target)
        names = parts.path.split("/")[3:]
        if parts.path.startswith("/auth"):
            return _reply(b"", f"X-Auth-Token: t\r\nX-Storage-Url: {self._url}/v1/AUTH_b\r\n")
        if parts.path == "/info":
            return _reply(b'{"storlet_handler": {}}')
        if method == "GET" and len(names) == 1:
            return _reply(_page(int(names[0].removesuffix("-slow")), parse_qs(parts.query).get("marker", [""])[0]))
        if method == "HEAD":
            return _reply(b"")
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(_BODY), _BODY)
        return b"HTTP/1.1 200 OK\r\nX-Trans-Id: tx\r\nTransfer-Encoding: chunked\r\n\r\n" + body


def _page(count: int, marker: str) -> bytes:
    first = int(marker) + 1 if marker else 0
    numbers = range(first, min(count, first + _PAGE))
    return json.dumps([{"name": f"{number:08}", "bytes": 1024} for number in numbers]).encode()


def _reply(body: bytes, headers: str = "") -> bytes:
    head = f"HTTP/1.1 200 OK\r\nX-Trans-Id: tx\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body
