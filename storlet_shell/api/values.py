"""What the store's methods return, where that is no body and no table: small values, immutable, with their units."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.values import Location


@typed_equality
class Entry(NamedTuple):
    """A line of a listing: a container, an object, or names that were folded at a delimiter.

    :param name: the container's or the object's name; of folded names, what they have in common
    :param bytes: the size of the object, or of all objects of the container; None for folded names
    :param modified: when it was last written, in UTC; None for folded names
    :param content_type: of an object; else empty
    :param etag: of an object, as the listing has it: the MD5 of its bytes, in hexadecimal, but for a large object; else
        empty
    :param objects: how many objects the container holds; None for what is no container
    """

    name: str
    bytes: int | None = None
    modified: datetime | None = None
    content_type: str = ""
    etag: str = ""
    objects: int | None = None

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Entry:
        """Return the value of an entry as a listing in JSON has it."""
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
    """What was deleted.

    :param location: the object, the container, or the prefix
    :param objects: how many objects were deleted; segments don't count
    """

    location: Location
    objects: int
