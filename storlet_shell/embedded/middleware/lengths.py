"""A filter of the proxy that adds the length of bodies that are complete, such as the empty one of a failed HEAD.

Without it, these answers would be chunked. Swift's own proxy-logging does the same, but it also composes a log line for
each request, which this server wouldn't write: its log has no requests, since their paths can contain secrets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sized
from typing import Any

from swift.common.wsgi import WSGIContext

from storlet_shell.embedded.middleware.cache import WSGI

_FRAMING = ("content-length", "transfer-encoding")


def filter_factory(_global_conf: Mapping[str, str], **_local_conf: str) -> Callable[[WSGI], WSGI]:
    """Return the factory of this filter, for paste."""

    def lengths_filter(app: WSGI) -> WSGI:
        def with_length(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            context = WSGIContext(app)
            body: Iterable[bytes] = context._app_call(environ)
            headers = context._response_headers
            length = _length(body)
            if length is not None and not any(name.lower() in _FRAMING for name, _ in headers):
                headers.append(("Content-Length", str(length)))
            start_response(context._response_status, headers, context._response_exc_info)
            return body

        return with_length

    return lengths_filter


def _length(body: Iterable[bytes]) -> int | None:
    """Return the length of a complete body; None for a stream.

    With Keystone, authtoken replaces the body of a HEAD's response with WebOb's EmptyResponse, which isn't a list, but
    has a length of 0.
    """
    if isinstance(body, list):
        return sum(map(len, body))
    return 0 if isinstance(body, Sized) and not len(body) else None
