"""Small immutable values that the store's methods return."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.values import Location


@typed_equality
class Entry(NamedTuple):
    """An entry of a listing: a container, an object, or names folded at a delimiter.

    :param name: the container's or object's name; for folded names, their common prefix
    :param bytes: the size of the object, or of all objects in the container; None for folded names
    :param modified: when it was last written, in UTC; None for folded names
    :param content_type: the object's content type; otherwise empty
    :param etag: the object's ETag as listed: the hexadecimal MD5 of its bytes, except for large objects; else empty
    :param objects: the number of objects in the container; None for anything else
    """

    name: str
    bytes: int | None = None
    modified: datetime | None = None
    content_type: str = ""
    etag: str = ""
    objects: int | None = None

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Entry:
        """Parse an entry of a JSON listing."""
        date = entry["last_modified"]
        return cls(
            name=entry["name"],
            bytes=entry["bytes"],
            modified=datetime.fromisoformat(date).replace(tzinfo=UTC) if date else None,
            content_type=entry.get("content_type") or "",
            etag=entry.get("hash") or "",
            objects=entry.get("count"),
        )


@typed_equality
class Deleted(NamedTuple):
    """The result of a deletion.

    :param location: the object, the container, or the prefix
    :param objects: the number of objects deleted, without segments
    """

    location: Location
    objects: int
