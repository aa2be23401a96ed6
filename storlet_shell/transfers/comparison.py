"""Comparison of objects with local files; large objects are compared segment by segment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from storlet_shell.store.segments import read_manifest
from storlet_shell.transfers.folder import md5_of
from storlet_shell.values import ObjectPath

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client


def is_identical(client: Client, path: ObjectPath, etag: str, file: Path, *, is_manifest: bool) -> bool:
    """Tell whether a file and an object of the same size have the same content.

    :param etag: the object's ETag; a large object's segments are compared one by one instead
    """
    if not is_manifest:
        return md5_of(file) == etag.strip('"')
    start = 0
    for segment in read_manifest(client, path):
        if not segment.is_whole or md5_of(file, segment.size, start) != segment.etag:
            return False
        start += segment.size
    return start == file.stat().st_size
