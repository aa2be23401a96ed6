"""A paste filter that refuses uploads with a reason when the disk is full.

The storage servers keep their own reserve and answer 507 to the proxy; the proxy knows of other nodes in a cloud to try
and then answers a plain 503 that names no reason. Here there is no other node.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from swift.common.swob import HTTPInsufficientStorage

from storlet_shell.embedded.cache import WSGI
from storlet_shell.embedded.configuration import RESERVED_BYTES


def filter_factory(_global_conf: Mapping[str, str], **_local_conf: str) -> Callable[[WSGI], WSGI]:
    """Make the paste filter."""

    def space_filter(app: WSGI) -> WSGI:
        def with_space(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            if environ["REQUEST_METHOD"] in ("PUT", "COPY"):
                needed = _body_bytes(environ)
                free = free_bytes(".")
                if free < needed + RESERVED_BYTES:
                    return _refusal(free, needed)(environ, start_response)
            return app(environ, start_response)

        return with_space

    return space_filter


def free_bytes(folder: str) -> int:
    """Return how many bytes this user may still write to a folder's disk."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def _body_bytes(environ: Mapping[str, Any]) -> int:
    """Return how many bytes a request says that it will send; 0 if it does not say."""
    length = environ.get("CONTENT_LENGTH") or ""
    return int(length) if length.isdigit() else 0


def _refusal(free: int, needed: int) -> WSGI:
    """Return the answer 507 with a reason."""
    reason = f"The disk of the embedded Swift is full: {free} bytes are free, {RESERVED_BYTES} stay reserved"
    if needed:
        reason += f", {needed} are to be stored"
    answer: WSGI = HTTPInsufficientStorage(body=reason + "\n", content_type="text/plain")
    return answer
