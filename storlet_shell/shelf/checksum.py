"""The standard storlet ``checksum``."""

from __future__ import annotations

import hashlib
import zlib
from functools import partial
from typing import BinaryIO

from storlet_shell.shelf.reading import decompressed

_CHUNK = 65536


def checksum(file: BinaryIO, decompress: bool = False) -> dict[str, object]:
    """Return the object's size, its number of line ends, and its checksums.

    :param decompress: describe what a compressed object contains
    """
    sha256, md5 = hashlib.sha256(), hashlib.md5()  # noqa: S324 - users compare it with Swift's ETag
    crc32 = size = lines = 0
    for chunk in iter(partial((decompressed(file) if decompress else file).read, _CHUNK), b""):
        size += len(chunk)
        lines += chunk.count(b"\n")
        crc32 = zlib.crc32(chunk, crc32)
        sha256.update(chunk)
        md5.update(chunk)
    digests = {"crc32": f"{crc32:08x}", "md5": md5.hexdigest(), "sha256": sha256.hexdigest()}
    return {"bytes": size, "lines": lines, **digests}
