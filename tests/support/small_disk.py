"""A small file system that a test can fill up."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """Mount a disk of ``size`` bytes; skip the test if this user can't mount one."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "storlet-shell-tests", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"a small disk can't be mounted; run as root: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def filled(disk: Path, free: int) -> Iterator[None]:
    """Fill a disk until ``free`` bytes are left."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        for attempts_left in reversed(range(10)):
            room = os.statvfs(disk)
            try:
                os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize - free)
                break
            except OSError:  # the server wrote something in between
                if not attempts_left:
                    raise
                file.truncate(0)
    try:
        yield
    finally:
        ballast.unlink()
