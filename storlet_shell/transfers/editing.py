"""Text objects that a user edits: fetch one, and store it again unless another client has changed it meanwhile."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import StorletShellError, UsageError
from storlet_shell.store.metadata import Info, find, head, kept_headers
from storlet_shell.store.objects import Stored, put
from storlet_shell.store.reading import get
from storlet_shell.text import size
from storlet_shell.values import ObjectPath
from storlet_shell.wire import headers as wire
from storlet_shell.wire.bodies import bytes_body

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client

LARGEST = 16 * 2**20
"""The size, in bytes, up to which an object can be edited: it is held in memory, and editors are slow with more."""


@typed_equality
class Original(NamedTuple):
    """An object as it was fetched."""

    path: ObjectPath
    content: bytes
    info: Info


def fetch(client: Client, path: ObjectPath) -> Original:
    """Fetch a text object.

    :raises NotFoundError: if it doesn't exist
    :raises UsageError: if it isn't text, is too large, or is a symbolic link
    """
    info = head(client, path)
    if info.link:
        raise UsageError(f"{path} is a symbolic link to {info.link}; edit its target instead")
    if (info.size or 0) > LARGEST:
        raise UsageError(
            f"{size(info.size or 0)} is too large to be edited (at most {size(LARGEST)})", subject=str(path)
        )
    response = get(client, path)
    content = response.content
    if b"\0" in content:
        raise UsageError("it isn't text", subject=str(path))
    return Original(path, content, info._replace(headers=response.headers))


def check_unchanged(client: Client, original: Original) -> None:
    """Check that nobody has replaced or deleted an object since it was fetched.

    Swift ignores ``If-Match`` in a PUT, so a change between this check and the PUT isn't noticed.

    :raises StorletShellError: if somebody has
    """
    info = find(client, original.path)
    if info is None or info.etag != original.info.etag:
        change = "deleted" if info is None else "changed"
        raise StorletShellError(
            f"was {change} by someone else meanwhile; nothing was stored", subject=str(original.path)
        )


def store(client: Client, original: Original, content: bytes) -> Stored:
    """Store edited text with the metadata that the object had.

    :raises StorletShellError: if somebody has changed the object meanwhile
    """
    check_unchanged(client, original)
    before = original.info.headers
    stale = {name.lower() for name in (wire.DYNAMIC_MANIFEST, wire.MODIFIED)}
    headers = {name: value for name, value in kept_headers(before).items() if name.lower() not in stale}
    if wire.MODIFIED in before:
        headers[wire.MODIFIED] = f"{time.time():f}"
    content_type = before.get(wire.CONTENT_TYPE)
    return put(client, original.path, bytes_body(content), content_type=content_type, headers=headers)
