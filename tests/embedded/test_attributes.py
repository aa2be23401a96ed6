"""How much metadata a file system stores, and the limits that follow."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from storlet_shell.embedded.middleware import attributes


def test_file_has_as_many_bytes_as_were_found(tmp_path: Path) -> None:
    """An attribute of the size found can be set, in addition to the checksum."""
    path = tmp_path / "file"
    path.touch()
    room = attributes.attribute_bytes(tmp_path)
    assert room > 1000
    os.setxattr(path, "user.swift.metadata", b"x" * room)
    os.setxattr(path, "user.swift.metadata_checksum", b"x" * 32)


@pytest.mark.parametrize(("room", "size"), [(65536, 4096), (6716, 4096), (6715, 4095), (4028, 1408), (900, 128)])
def test_limit_shrinks_with_the_room(room: int, size: int) -> None:
    """Where everything fits, the limit is Swift's own; on ext4, it leaves room for as many entries as Swift allows."""
    assert attributes.limits(room) == {"max_meta_overall_size": size}


@pytest.mark.slow
def test_too_large_metadata_is_refused_with_the_reason() -> None:
    """Within Swift's limits, a long path may still be too much for the file system."""
    subprocess.run([sys.executable, "-m", "tests.embedded.space"], check=True, timeout=60)
