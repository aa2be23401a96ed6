"""Local files that take the place of older ones at a clean end, and not before."""

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
    """Return the open descriptor that a path stands for, as ``/dev/stdout`` and ``/dev/fd/3`` do; None for a file."""
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
    """Tell whether a path stands for standard output: ``-``, or a descriptor of the same file."""
    if str(path) == "-":
        return True
    descriptor = descriptor_of(path)
    try:
        return descriptor == 1 or (descriptor is not None and os.path.sameopenfile(descriptor, 1))
    except OSError:
        return False


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[IO[bytes]]:
    """Open a file to be written that appears under its name at a clean end and vanishes otherwise.

    An open descriptor, as ``/dev/fd/3``, is written to as it is.

    :param path: as a user has written it: with a ``~``, or through a link
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
    """Open a file as :func:`replacing` does, in a folder that neither its name nor a link leads out of.

    :param folder: as it is, without a ``~``; empty for the present one. It is made if need be, and those below it
    :param name: what a server says: parts with slashes between
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
    """Make a folder, and those between, within a folder that neither its name nor a link leads out of.

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
    """Write temporary files.

    :raises LocalFileError: when they can't be written
    """
    try:
        yield
    except OSError as error:
        import tempfile  # what writes none has no use for it

        where = f" in {tempfile.tempdir}" if tempfile.tempdir else ""
        raise LocalFileError(f"can't write a temporary file{where}: {error.strerror or error}") from error


@contextlib.contextmanager
def _refused(what: str) -> Iterator[None]:
    try:
        yield
    except IsADirectoryError as error:
        raise UsageError(f"{what}: it is a directory") from error
    except OSError as error:
        raise LocalFileError(f"{what}: {error.strerror or error}") from error


def _parts(name: str, path: str) -> list[str]:
    parts = name.split("/")
    if "\0" in name or not {"", ".", ".."}.isdisjoint(parts):
        raise LocalFileError(f"a file can't have this name within a folder: {path!r}")
    return parts


def _entered(folder: str, parts: list[str]) -> int:
    """Return a descriptor of the folder that parts lead to.

    Each is opened in the one before: a folder that is replaced by a link in the meantime leads nowhere else.
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
    """Open a temporary file beside the target that takes the target's place, or its name, at a clean end.

    A batch opens one for each object, in threads that take turns: calls of the system are spared, and ``Path`` is.

    :param folder: a descriptor of the folder that the target's name is of; a link is refused there, and so is what is
        no file. None for the present one
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
        with open(target, "wb", buffering=0) as direct:  # a device or a pipe has no place to be renamed into
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
        with contextlib.suppress(OSError):  # if that was not its reason, the last line fails for the same one
            return open(
                os.open(os.path.dirname(path) or os.curdir, _NAMELESS, 0o666, dir_fd=folder), "wb", _BUFFER_BYTES
            )
    return open(path, "xb", _BUFFER_BYTES, opener=lambda name, flags: os.open(name, flags, 0o666, dir_fd=folder))


def _give_name(file: IO[bytes], path: str, folder: int | None) -> bool:
    """Give a file that has no name its first one; return False if something has that name already."""
    descriptor = file.fileno()
    try:
        # With a folder's descriptor, which an absolute path leaves unused, Python follows the link: linkat(2).
        os.link(f"/proc/self/fd/{descriptor}", path, src_dir_fd=descriptor, dst_dir_fd=folder)
    except FileExistsError:
        return False
    return True


def _mode(path: str, folder: int | None = None, *, follow: bool = False) -> int:
    """Return what a file is and who may use it, as ``st_mode`` has it; 0 when there is none."""
    try:
        return os.stat(path, dir_fd=folder, follow_symlinks=follow).st_mode
    except FileNotFoundError:
        return 0
