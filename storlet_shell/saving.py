"""Local files that take the place of older ones at a clean end, and not before."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from storlet_shell.errors import LocalFileError, UsageError


def expand(path: str | Path) -> Path:
    """Return a local path with its ``~`` replaced.

    :raises LocalFileError: when there is no such user, or the system can't have such a name
    """
    try:
        expanded = Path(path).expanduser()
    except RuntimeError as error:
        raise LocalFileError(f"no local file {path}: {error}") from error
    if "\x00" in str(expanded):
        raise LocalFileError(f"a local file's name can't hold a NUL character: {str(path)!r}")
    return expanded


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[IO[bytes]]:
    """Open a file to be written that appears under its name at a clean end and vanishes otherwise.

    :raises UsageError: when the path names a directory
    :raises LocalFileError: when it can't be written
    """
    target = expand(path)
    try:
        with _replacing(target) as file:
            yield file
    except OSError as error:
        raise LocalFileError(f"can't write {target}: {error.strerror or error}") from error


@contextlib.contextmanager
def _replacing(target: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file beside the target that takes the target's place at a clean end."""
    if target.is_dir():
        raise UsageError(f"can't write {target}: it is a directory")
    if target.exists() and not target.is_file():  # a device or a pipe has no place to be renamed into
        with target.open("wb", buffering=0) as direct:
            yield direct
        return
    try:
        target = target.resolve()
    except RuntimeError as error:  # a circle of links
        raise LocalFileError(f"can't write {target}: {error}") from error
    temporary = target.with_name(f".storlet-shell-{os.urandom(8).hex()}.part")
    try:
        with temporary.open("xb") as file:
            yield file
        if target.exists():
            temporary.chmod(target.stat().st_mode & 0o7777)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
