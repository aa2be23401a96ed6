"""A paste filter that refuses what the disk has no space for, with the reason.

The storage servers keep a reserve of their own and answer 507 to the proxy. In a cloud, the proxy would try other
nodes, and finally answer 503 without a reason; here there are no other nodes. The same happens to metadata that the
file system can't store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from swift.common.swob import HTTPBadRequest, HTTPInsufficientStorage

from storlet_shell.embedded.middleware.attributes import stored_bytes
from storlet_shell.embedded.middleware.cache import WSGI
from storlet_shell.embedded.sandbox.disk import shortage

# POST stores metadata here: forms and bulk deletions have become PUT and DELETE at this point.
_WRITING = ("PUT", "COPY", "POST")


def filter_factory(_global_conf: Mapping[str, str], metadata_bytes: str, **_local_conf: str) -> Callable[[WSGI], WSGI]:
    """Return the factory of this filter, for paste.

    :param metadata_bytes: how much of an object's metadata the file system can store
    """
    room = int(metadata_bytes)

    def space_filter(app: WSGI) -> WSGI:
        def with_space(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            if environ["REQUEST_METHOD"] in _WRITING:
                refusal = _full_disk(environ) or _large_metadata(environ, room)
                if refusal:
                    return refusal(environ, start_response)
            return app(environ, start_response)

        return with_space

    return space_filter


def _body_bytes(environ: Mapping[str, Any]) -> int:
    """Return the number of bytes that a request declares; 0 if it doesn't say."""
    length = environ.get("CONTENT_LENGTH") or ""
    return int(length) if length.isdigit() else 0


def _full_disk(environ: Mapping[str, Any]) -> WSGI | None:
    """Return an answer if a request needs more space than there is."""
    reason = shortage(_body_bytes(environ))
    if not reason:
        return None
    answer: WSGI = HTTPInsufficientStorage(body=f"{reason[0].upper()}{reason[1:]}\n", content_type="text/plain")
    return answer


def _large_metadata(environ: Mapping[str, Any], room: int) -> WSGI | None:
    """Return an answer if metadata within Swift's limits doesn't fit, which takes a long path."""
    size = stored_bytes(environ)
    if size <= room:
        return None
    text = f"Path and metadata need {size} bytes; the file system of the embedded Swift stores {room} for an object\n"
    answer: WSGI = HTTPBadRequest(body=text, content_type="text/plain")
    return answer
