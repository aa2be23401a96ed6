"""The HTTP of the servers: Swift's own, telling the applications which version a client speaks."""

from __future__ import annotations

from typing import Any

from swift.common.http_protocol import SwiftHttpProtocol


class Protocol(SwiftHttpProtocol):
    """Swift's protocol; eventlet's own says ``HTTP/1.0`` of every request (``eventlet/wsgi.py``, ``get_environ``)."""

    def get_environ(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return a request's environment."""
        return {**super().get_environ(*args, **kwargs), "SERVER_PROTOCOL": self.request_version}
