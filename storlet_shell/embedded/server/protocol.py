"""The servers' HTTP: Swift's own, which also tells applications the client's HTTP version.

When many connections wait for a complete request, the oldest is closed in favor of a new one: nobody can lock others
out by opening connections and sending nothing, or sending too slowly.
"""

from __future__ import annotations

import socket
from collections import OrderedDict
from contextlib import suppress
from typing import Any, ClassVar

from swift.common.http_protocol import SwiftHttpProtocol

from storlet_shell.embedded.control.settings import MOST_WAITING


class Protocol(SwiftHttpProtocol):
    """Swift's protocol; eventlet's reports ``HTTP/1.0`` for every request (``eventlet/wsgi.py``, ``get_environ``)."""

    _waiting: ClassVar[OrderedDict[Protocol, None]] = OrderedDict()

    def handle_one_request(self) -> None:
        """Wait for a request and respond to it."""
        if self.request.family == socket.AF_INET:  # the storage servers' connections are this server's own
            self._make_room()
            self._waiting[self] = None
        try:
            super().handle_one_request()
        finally:
            self._waiting.pop(self, None)

    def get_environ(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return a request's environment, once its headers have arrived."""
        self._waiting.pop(self, None)
        return {**super().get_environ(*args, **kwargs), "SERVER_PROTOCOL": self.request_version}

    def _make_room(self) -> None:
        while len(self._waiting) >= MOST_WAITING:
            oldest, _ = self._waiting.popitem(last=False)
            with suppress(OSError):  # its client is gone
                oldest.request.shutdown(socket.SHUT_RDWR)
