"""Static large objects: a manifest, and segments in a container beside the object's own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from storlet_shell import headers as wire
from storlet_shell.commands._folder import md5_of
from storlet_shell.errors import ServiceError
from storlet_shell.values import ObjectPath, Request

if TYPE_CHECKING:
    from storlet_shell.client import Client

SEGMENTS = "_segments"
"""What a container of segments is called beyond the container of the objects: python-swiftclient's convention."""


class Segment(NamedTuple):
    """A segment as a manifest names it.

    :param size: in bytes
    :param is_whole: whether it is an object as it is, rather than a range of one, or a large object itself
    """

    place: ObjectPath
    size: int
    etag: str
    is_whole: bool = True

    def entry(self) -> dict[str, Any]:
        """Return it as a manifest's entry."""
        return {"path": f"/{self.place.container}/{self.place.name}", "size_bytes": self.size, "etag": self.etag}


def read_manifest(client: Client, path: ObjectPath) -> list[Segment]:
    """Return the segments of a static large object.

    :raises NotFoundError: when it is not there
    :raises ServiceError: when the answer is no manifest
    """
    query = (("multipart-manifest", "get"),)
    reply = client.send(Request("GET", path.container, path.name, query=query))
    try:
        return [_segment(entry) for entry in json.loads(reply.read())]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ServiceError(f"{path}: the server's manifest is none", transaction_id=reply.transaction_id) from None


def _segment(entry: dict[str, Any]) -> Segment:
    container, _, name = str(entry.get("name", "")).removeprefix("/").partition("/")
    is_whole = "range" not in entry and not entry.get("sub_slo") and "data" not in entry
    return Segment(ObjectPath(container, name), int(entry.get("bytes", 0)), str(entry.get("hash", "")), is_whole)


def is_identical(client: Client, path: ObjectPath, etag: str, file: Path, *, is_manifest: bool) -> bool:
    """Tell whether a file of the same size holds what an object does.

    :param etag: the object's; a large object's segments are compared one by one instead
    """
    if not is_manifest:
        return md5_of(file) == etag.strip('"')
    start = 0
    for segment in read_manifest(client, path):
        if not segment.is_whole or md5_of(file, segment.size, start) != segment.etag:
            return False
        start += segment.size
    return start == file.stat().st_size


def is_manifest(headers: Mapping[str, str]) -> bool:
    """Tell whether an object's headers say that it is a static large object."""
    return headers.get(wire.STATIC_MANIFEST, "").lower() == "true"
