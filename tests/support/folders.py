"""Files and folders that tests upload and compare."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storlet_shell.embedded.sandbox import trees

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


@contextmanager
def nested(folder: Path, depth: int) -> Iterator[Path]:
    """Create folders within folders; yield the deepest, and remove all of them, which pytest can't."""
    path = os.fspath(folder)
    Path(path).mkdir(parents=True)
    for _ in range(depth):
        path += "/d"
        os.mkdir(path)  # noqa: PTH102  pathlib takes much longer
    try:
        yield Path(path)
    finally:
        trees.remove(os.fspath(folder))


@contextmanager
def little_recursion(frames: int = 150) -> Iterator[None]:
    """Let Python recurse less deeply than usual, so that fewer folders are too many for what recurses."""
    limit, frame = sys.getrecursionlimit(), sys._getframe()
    while frame is not None:
        frames, frame = frames + 1, frame.f_back
    sys.setrecursionlimit(frames)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def write(folder: Path, name: str, content: str | bytes, mode: int = 0o644) -> str:
    """Write a file, and return its path."""
    path = folder / name
    path.unlink(missing_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return str(path)
