"""Files and folders that tests upload and compare."""

from __future__ import annotations

import os
from pathlib import Path

BIG = os.urandom(300_000)
FILES = {
    "a.txt": b"a",
    "zero": b"",
    ".hidden": b"h",
    "sub/big.bin": BIG,
    "sub/deep/grün ?#%": b"x",
    "sub/ line\nend": b"y",
}
"""The files of the fixture ``folder``."""


def files_of(folder: Path) -> dict[str, bytes]:
    """Return the content of every file below a folder, by relative path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def write(folder: Path, name: str, content: str | bytes, mode: int = 0o644) -> str:
    """Write a file, and return its path."""
    path = folder / name
    path.unlink(missing_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return str(path)
