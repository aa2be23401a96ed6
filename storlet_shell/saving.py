"""Local files that take the place of older ones at a clean end, and not before."""

from __future__ import annotations

import contextlib
import os
import random
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from storlet_shell.errors import LocalFileError, UsageError

_BUFFER_BYTES = 64 * 1024


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
        with _replacing(os.fspath(target)) as file:
            yield file
    except OSError as error:
        raise LocalFileError(f"can't write {target}: {error.strerror or error}") from error


@contextlib.contextmanager
def _replacing(target: str) -> Iterator[IO[bytes]]:
    """Open a temporary file beside the target that takes the target's place at a clean end.

    A batch opens one for each object, in threads that take turns: calls of the system are spared, and ``Path`` is.
    """
    mode = _mode(target)
    is_link = stat.S_ISLNK(mode)
    if is_link:
        mode = _mode(target, follow=True)
    if stat.S_ISDIR(mode):
        raise UsageError(f"can't write {target}: it is a directory")
    if mode and not stat.S_ISREG(mode):  # a device or a pipe has no place to be renamed into
        with open(target, "wb", buffering=0) as direct:
            yield direct
        return
    if is_link:
        target = os.path.realpath(target)
    unique = random.getrandbits(64)
    temporary = os.path.join(os.path.dirname(target), f".storlet-shell-{unique:016x}.part")
    file = open(temporary, "xb", buffering=_BUFFER_BYTES)  # noqa: SIM115  it is closed before it is renamed
    try:
        with file:
            yield file
        if mode:
            os.chmod(temporary, stat.S_IMODE(mode))
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


@contextlib.contextmanager
def temporarily() -> Iterator[None]:
    """Write temporary files.

    :raises LocalFileError: when they can't be written
    """
    try:
        yield
    except OSError as error:
        import tempfile  # what writes none has no use for it

        where = f" in {tempfile.tempdir}" if tempfile.tempdir else ""
        raise LocalFileError(f"can't write a temporary file{where}: {error.strerror or error}") from error


def make_folder_of(path: str) -> None:
    """Make the folders that a local file is to be in.

    :raises LocalFileError: when they can't be made
    """
    folder = os.path.dirname(path)
    try:
        if folder and not os.path.isdir(folder):
            os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise LocalFileError(f"can't write {path}: {error.strerror or error}") from error


def _mode(path: str, *, follow: bool = False) -> int:
    """Return what a file is and who may use it, as ``st_mode`` has it; 0 when there is none."""
    try:
        return os.stat(path, follow_symlinks=follow).st_mode
    except FileNotFoundError:
        return 0
