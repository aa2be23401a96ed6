"""Local files that are replaced atomically."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from storlet_shell.errors import LocalFileError, UsageError
from storlet_shell.values import expand

_BUFFER_BYTES = 64 * 1024
_CLOEXEC = getattr(os, "O_CLOEXEC", 0)  # Linux has all of these flags, other systems only some
_NAMELESS = getattr(os, "O_TMPFILE", 0) | os.O_WRONLY | _CLOEXEC
_CAN_NAME = hasattr(os, "O_TMPFILE") and os.path.exists("/proc/self/fd")
_DESCRIPTORS = re.compile(r"/proc/(?:self|thread-self|\d+)/(?:task/\d+/)?fd")
_MOST_LINKS = 40
_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | _CLOEXEC


def descriptor_of(path: str | Path) -> int | None:
    """Return the open descriptor that a path such as ``/dev/stdout`` or ``/dev/fd/3`` refers to; None for a file."""
    name = os.fspath(path)
    for _ in range(_MOST_LINKS):
        folder, last = os.path.split(name)
        if last.isascii() and last.isdecimal() and _DESCRIPTORS.fullmatch(os.path.realpath(folder)):
            return int(last) if len(last) < 10 else None
        try:
            name = os.path.join(folder, os.readlink(name))
        except (OSError, ValueError):
            break
    return None


def is_stdout(path: str | Path) -> bool:
    """Tell whether a path is standard output: ``-``, or a descriptor of the same file."""
    if str(path) == "-":
        return True
    descriptor = descriptor_of(path)
    try:
        return descriptor == 1 or (descriptor is not None and os.path.sameopenfile(descriptor, 1))
    except OSError:
        return False


def is_same_file(path: str, other: str) -> bool:
    """Tell whether two paths, as the user wrote them, name the same file, which needn't exist."""
    return os.path.realpath(expand(path)) == os.path.realpath(expand(other))


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[IO[bytes]]:
    """Open a file for writing that appears under its name if the block succeeds, and is discarded otherwise.

    An open descriptor, such as ``/dev/fd/3``, is written to directly.

    :param path: as the user wrote it, perhaps with a ``~``
    :raises UsageError: when the path names a directory
    :raises LocalFileError: when it can't be written
    """
    target = expand(path)
    descriptor = descriptor_of(target)
    with _refused(f"can't write {target}"):
        if descriptor is not None:
            with os.fdopen(os.dup(descriptor), "wb", buffering=0) as direct:
                yield direct
            return
        with _replacing(os.fspath(target)) as file:
            yield file


@contextlib.contextmanager
def replacing_below(folder: str, name: str) -> Iterator[IO[bytes]]:
    """Open a file as :func:`replacing` does, inside a folder that neither its name nor a link can leave.

    :param folder: as it is, without a ``~``; empty for the current one. Missing folders are created
    :param name: from a server: parts separated by slashes
    :raises UsageError: when it is a directory
    :raises LocalFileError: when it can't be written, or can't be a file within the folder
    """
    path = os.path.join(folder, name)
    *between, last = _parts(name, path)
    with _refused(f"can't write {path}"):
        descriptor = _entered(folder, between)
        try:
            with _replacing(last, descriptor) as file:
                yield file
        finally:
            os.close(descriptor)


def make_folder_below(folder: str, name: str) -> None:
    """Create a folder and its parents, inside a folder that neither its name nor a link can leave.

    :param folder: as for :func:`replacing_below`
    :param name: the same; empty for the folder itself
    :raises LocalFileError: when it can't be made
    """
    path = os.path.join(folder, name)
    parts = _parts(name, path) if name else []
    with _refused(f"can't make the folder {path}"):
        os.close(_entered(folder, parts))


@contextlib.contextmanager
def temporarily() -> Iterator[None]:
    """Translate errors of writing temporary files.

    :raises LocalFileError: when they can't be written
    """
    try:
        yield
    except OSError as error:
        import tempfile  # only a failure needs it

        place = f" in {tempfile.tempdir}" if tempfile.tempdir else ""
        raise LocalFileError(f"can't write a temporary file{place}: {error.strerror or error}") from error


@contextlib.contextmanager
def _refused(failure: str) -> Iterator[None]:
    try:
        yield
    except IsADirectoryError as error:
        raise UsageError(f"{failure}: it is a directory") from error
    except OSError as error:
        raise LocalFileError(f"{failure}: {error.strerror or error}") from error


def _parts(name: str, path: str) -> list[str]:
    parts = name.split("/")
    if "\0" in name or not {"", ".", ".."}.isdisjoint(parts):
        raise LocalFileError(f"a file can't have this name within a folder: {path!r}")
    return parts


def _entered(folder: str, parts: list[str]) -> int:
    """Open the folder at the end of a path, and return its descriptor.

    Each part is opened relative to its parent, so that a folder that is replaced by a link meanwhile can't redirect it.
    """
    try:
        descriptor = os.open(folder or os.curdir, _FOLDER)
    except FileNotFoundError:
        _make_folders(folder)
        descriptor = os.open(folder, _FOLDER)
    for part in parts:
        outer = descriptor
        try:
            descriptor = _inner(part, outer)
        finally:
            os.close(outer)
    return descriptor


def _make_folders(folder: str) -> None:
    """Create a folder and its parents; unlike ``os.makedirs``, however many parents are missing."""
    missing = []
    while folder and not os.path.isdir(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    for path in reversed(missing):
        with contextlib.suppress(FileExistsError):
            os.mkdir(path)


def _inner(name: str, folder: int) -> int:
    try:
        return os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
    except FileNotFoundError:
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, dir_fd=folder)
        return os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
    except NotADirectoryError as error:
        if stat.S_ISLNK(_mode(name, folder)):
            raise OSError(errno.ELOOP, f"{name!r} is a link and may lead out of the folder") from error
        raise


@contextlib.contextmanager
def _replacing(target: str, folder: int | None = None) -> Iterator[IO[bytes]]:
    """Open a temporary file that replaces the target if the block succeeds.

    A batch opens one for each object, so system calls are few, and ``Path`` isn't used.

    :param folder: the descriptor of the target's folder; a link or a special file is refused there. None for the
        current folder
    """
    mode = _mode(target, folder)
    is_link = stat.S_ISLNK(mode)
    if is_link and folder is None:
        mode = _mode(target, follow=True)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError
    if mode and not stat.S_ISREG(mode):
        if folder is not None:
            raise OSError(errno.ELOOP, f"{target!r} is a link, or no file, and may lead out of the folder")
        with open(target, "wb", buffering=0) as direct:  # a device or a pipe can't be replaced
            yield direct
        return
    if is_link:
        target = os.path.realpath(target)
    temporary = os.path.join(os.path.dirname(target), f".storlet-shell-{random.getrandbits(64):016x}.part")
    file = _create(temporary, folder)
    try:
        with file:
            yield file
            file.flush()
            if mode:
                os.fchmod(file.fileno(), stat.S_IMODE(mode))
            if isinstance(file.name, int):
                if not mode and _give_name(file, target, folder):
                    return
                _give_name(file, temporary, folder)
        os.replace(temporary, target, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=folder)
        raise


def _create(path: str, folder: int | None) -> IO[bytes]:
    """Open a new file: one without a name in the path's folder, which vanishes with a process that is killed.

    Not every file system has such files (``O_TMPFILE``): NFS and FAT give it the path's name.
    """
    if _CAN_NAME:
        with contextlib.suppress(OSError):  # if it fails for another reason, so does the last line
            return open(
                os.open(os.path.dirname(path) or os.curdir, _NAMELESS, 0o666, dir_fd=folder), "wb", _BUFFER_BYTES
            )
    return open(path, "xb", _BUFFER_BYTES, opener=lambda name, flags: os.open(name, flags, 0o666, dir_fd=folder))


def _give_name(file: IO[bytes], path: str, folder: int | None) -> bool:
    """Name a nameless file; return False if the name is in use."""
    descriptor = file.fileno()
    try:
        # Python follows the link only with a descriptor of a folder, which an absolute path ignores: linkat(2).
        os.link(f"/proc/self/fd/{descriptor}", path, src_dir_fd=descriptor, dst_dir_fd=folder)
    except FileExistsError:
        return False
    return True


def _mode(path: str, folder: int | None = None, *, follow: bool = False) -> int:
    """Return the ``st_mode`` of a file; 0 if it doesn't exist."""
    try:
        return os.stat(path, dir_fd=folder, follow_symlinks=follow).st_mode
    except FileNotFoundError:
        return 0
