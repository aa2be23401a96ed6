"""Comparison of objects with local files; large objects are compared segment by segment."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storlet_shell.store.metadata import find
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


def equals_listed(client: Client, path: ObjectPath, listed: Mapping[str, Any], file: Path) -> bool:
    """Tell whether there is a file with the content of a listed object.

    A listing says of a symbolic link or a dynamic large object that it is empty, so such an object is looked up.

    :param listed: the object's entry in the listing
    """
    try:
        status = file.stat()
    except OSError:
        return False
    size, etag, is_manifest = listed["bytes"], listed["hash"], "slo_etag" in listed
    if not size and status.st_size and stat.S_ISREG(status.st_mode) and (info := find(client, path)) is not None:
        size, etag, is_manifest = info.size, info.etag, info.is_manifest
    if not stat.S_ISREG(status.st_mode) or size != status.st_size:
        return False
    return is_identical(client, path, etag, file, is_manifest=is_manifest)
