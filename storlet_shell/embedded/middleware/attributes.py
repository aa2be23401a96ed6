"""An object's metadata in the extended attributes of its file: how much fits, and the resulting limit.

Swift allows 4,096 bytes in 90 entries, and recommends XFS, where that fits. ext4 keeps all attributes of a file in one
block of 4 KiB, so Swift would answer 503 to metadata within its limits. Here, metadata takes less space, and if it
still might not fit, ``/info`` announces a lower total size.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_NAME, _CHECKSUM_NAME = "user.swift.metadata", "user.swift.metadata_checksum"
_CHECKSUM_BYTES = 32
_LARGEST = 65536  # Swift divides larger ones (diskfile.py: write_metadata)
_TOO_LARGE = (errno.ENOSPC, errno.E2BIG, errno.ERANGE, errno.EDQUOT)

_PREFIX = "HTTP_X_OBJECT_META_"
_ENTRY_BYTES = len("X-Object-Meta-") + 8  # what an entry takes in addition to its name and value
_OTHER_BYTES = 384  # type, ETag, time, and what Swift notes about large objects, links and fragments
_PATH_BYTES = 256  # longer paths of objects are rare

_MOST_ENTRIES, _OVERALL_BYTES = 90, 4096  # Swift's own limits
_LEAST_OVERALL_BYTES = 128


def attribute_bytes(folder: Path) -> int:
    """Return how many bytes of metadata a file in a folder can have, up to 64 KiB."""
    with tempfile.TemporaryFile(dir=folder) as file:
        os.setxattr(file.fileno(), _CHECKSUM_NAME, b"x" * _CHECKSUM_BYTES)
        if _fits(file.fileno(), _LARGEST):
            return _LARGEST
        fitting, too_large = 0, _LARGEST
        while too_large - fitting > 1:
            size = (fitting + too_large) // 2
            if _fits(file.fileno(), size):
                fitting = size
            else:
                too_large = size
        return fitting


def _fits(fd: int, size: int) -> bool:
    try:
        os.setxattr(fd, _NAME, b"x" * size)
    except OSError as error:
        if error.errno in _TOO_LARGE:
            return False
        raise
    return True


def limits(room: int) -> dict[str, int]:
    """Return the constraints on metadata that can be kept, in the form of Swift's ``swift-constraints``.

    :param room: the number of bytes that fit
    """
    values = room - _OTHER_BYTES - _PATH_BYTES - _MOST_ENTRIES * _ENTRY_BYTES
    return {"max_meta_overall_size": max(_LEAST_OVERALL_BYTES, min(_OVERALL_BYTES, values))}


def stored_bytes(environ: Mapping[str, Any]) -> int:
    """Return how many bytes the metadata in a request will take at most; 0 if it has none."""
    entries = [(name, value) for name, value in environ.items() if name.startswith(_PREFIX)]
    if not entries:
        return 0
    sizes = (len(name) - len(_PREFIX) + len(value) + _ENTRY_BYTES for name, value in entries)
    return sum(sizes) + len(environ["PATH_INFO"]) + _OTHER_BYTES


def write_compactly() -> None:
    """Make Swift's object servers write metadata in less than half the space.

    Swift 2.38 pickles by protocol 2, which has no bytes: each text becomes a call of 20 bytes, and each byte that isn't
    ASCII takes four. As bytes by protocol 4, a text takes three bytes in addition to its own. Every Swift on Python 3
    reads that, since Python 2 wrote bytes, too (diskfile.py: _decode_metadata).
    """
    from swift.obj import diskfile

    diskfile.PICKLE_PROTOCOL = 4
    diskfile._encode_metadata = _as_bytes


def _as_bytes(metadata: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return metadata with texts encoded as Swift decodes them; the object's path stays text."""
    return {_latin(name): value if name in ("name", b"name") else _latin(value) for name, value in metadata.items()}


def _latin(item: Any) -> Any:
    """Return a header's text as bytes; return anything else unchanged."""
    if not isinstance(item, str):
        return item
    try:
        return item.encode("latin-1")
    except UnicodeEncodeError:
        return item
