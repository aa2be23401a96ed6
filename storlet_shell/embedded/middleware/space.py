"""A paste filter that refuses what needs room with a reason when the disk is full.

The storage servers keep their own reserve and answer 507 to the proxy; the proxy knows of other nodes in a cloud to try
and then answers a plain 503 that names no reason. Here there is no other node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from swift.common.swob import HTTPInsufficientStorage

from storlet_shell.embedded.middleware.cache import WSGI
from storlet_shell.embedded.sandbox.disk import shortage

# POST stores metadata here: forms and bulk deletions are PUT and DELETE by now.
_WRITING = ("PUT", "COPY", "POST")


def filter_factory(_global_conf: Mapping[str, str], **_local_conf: str) -> Callable[[WSGI], WSGI]:
    """Make the paste filter."""

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
    """Return how many bytes a request says that it will send; 0 if it does not say."""
    length = environ.get("CONTENT_LENGTH") or ""
    return int(length) if length.isdigit() else 0


def _refusal(reason: str) -> WSGI:
    """Return the answer 507 with a reason."""
    answer: WSGI = HTTPInsufficientStorage(body=f"{reason[0].upper()}{reason[1:]}\n", content_type="text/plain")
    return answer
