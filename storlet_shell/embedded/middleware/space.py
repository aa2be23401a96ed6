"""A paste filter that refuses requests that need space when the disk is full, with the reason.

The storage servers keep a reserve of their own and answer 507 to the proxy. In a cloud, the proxy would try other
nodes, and finally answer 503 without a reason; here there are no other nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from swift.common.swob import HTTPInsufficientStorage

from storlet_shell.embedded.middleware.cache import WSGI
from storlet_shell.embedded.sandbox.disk import shortage

# POST stores metadata here: forms and bulk deletions have become PUT and DELETE at this point.
_WRITING = ("PUT", "COPY", "POST")


def filter_factory(_global_conf: Mapping[str, str], **_local_conf: str) -> Callable[[WSGI], WSGI]:
    """Return the factory of this filter, for paste."""

    def space_filter(app: WSGI) -> WSGI:
        def with_space(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            if environ["REQUEST_METHOD"] in _WRITING:
                reason = shortage(_body_bytes(environ))
                if reason:
                    return _refusal(reason)(environ, start_response)
            return app(environ, start_response)

        return with_space

    return space_filter


def _body_bytes(environ: Mapping[str, Any]) -> int:
    """Return the number of bytes that a request declares; 0 if it doesn't say."""
    length = environ.get("CONTENT_LENGTH") or ""
    return int(length) if length.isdigit() else 0


def _refusal(reason: str) -> WSGI:
    """Return the answer 507 with a reason."""
    answer: WSGI = HTTPInsufficientStorage(body=f"{reason[0].upper()}{reason[1:]}\n", content_type="text/plain")
    return answer
