"""Symbolic links, which requests follow."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from storlet_shell.values import Location
from storlet_shell.wire import headers as wire

if TYPE_CHECKING:
    from storlet_shell.wire.transport import Reply


def link_target(reply: Reply, account: str, path: Location) -> str:
    """Return where a symbolic link led a request for an object, as users spell it; empty when there was none.

    An older version of the object itself is named in the same way (swift ``symlink.py``, ``object_versioning.py``).
    """
    try:
        led_to = unquote(urlsplit(reply.headers.get(wire.CONTENT_LOCATION, "")).path)
    except ValueError:  # it is no URL
        return ""
    parts = led_to.split("/", 3)
    if len(parts) < 4 or led_to.endswith(f"/{account}/{path.container}/{path.prefix}"):
        return ""
    *_, there, place = parts
    return f"path:/{place}" + ("" if there == account else f" of account {there}")
