"""``checksum``: the same figures as other programs."""

from __future__ import annotations

import gzip
import hashlib
import zlib

import pytest

from storlet_shell.shelf.checksum import checksum
from tests.shelf.calls import opened


@pytest.mark.parametrize("data", [b"", b"a\nb", bytes(range(256)) * 1000], ids=["empty", "text", "large"])
def test_figures_are_those_of_other_programs(data: bytes) -> None:
    """Of the object as it is stored, or of what a compressed one contains."""
    expected = {
        "bytes": len(data),
        "lines": data.count(b"\n"),
        "crc32": f"{zlib.crc32(data):08x}",
        "md5": hashlib.md5(data).hexdigest(),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    assert checksum(opened(data)) == expected
    assert checksum(opened(gzip.compress(data)), decompress=True) == expected
    assert checksum(opened(gzip.compress(data)))["sha256"] != expected["sha256"]
