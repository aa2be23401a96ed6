"""Request bodies: bytes in memory, a local file, or a stream that can be read only once."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import LocalFileError, NotFoundError, UsageError
from storlet_shell.values import expand

_TICK_NS = 20_000_000
"""Kernels date a file's changes by the ticks of their clock, at most a hundredth of a second apart (``CONFIG_HZ``)."""

_ENDLESS = {(1, 5), (1, 7), (1, 8), (1, 9)}
"""Device numbers of /dev/zero, full, random and urandom (Linux ``Documentation/admin-guide/devices.txt``)."""


@typed_equality
class FileVersion(NamedTuple):
    """The state of a local file: its identity, size, and times.

    A writer can set the modification time back (``touch -d``, ``rsync --times``), but not the change time. A write
    through a memory map shows only once the kernel notices it.

    :param size: in bytes
    :param modified: modification time (of the content), in nanoseconds since 1970
    :param changed: change time (of content, name or permissions), in nanoseconds since 1970
    """

    device: int
    inode: int
    size: int
    modified: int
    changed: int

    @classmethod
    def of(cls, status: os.stat_result) -> FileVersion:
        """Return the version in a file's status."""
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


class Body:
    """Bytes to send, read in chunks.

    :param file: the source, positioned at the first byte
    :param length: the number of bytes; None if unknown
    :param replayable: whether the file can be read again from the start
    :param label: a description for messages
    :param start: the position of the first byte, used to rewind
    :param watch: checks before each chunk is passed on that the file hasn't changed. If it has, the last chunk is never
        sent, and the server stores nothing

    ``count`` is the number of bytes read since the start. ``observers`` are called with each chunk.
    """

    def __init__(
        self,
        file: IO[bytes],
        length: int | None,
        *,
        replayable: bool,
        label: str,
        start: int = 0,
        watch: Watch | None = None,
    ) -> None:
        self._file = file
        self._start = start
        self._watch = watch
        self.length = length
        self.replayable = replayable
        self.label = label
        self.count = 0
        self.observers: list[Callable[[bytes], None]] = []
        self._digest = hashlib.md5(usedforsecurity=False)

    def rewind(self) -> None:
        """Go back to the start if the body is replayable; observers see every chunk again."""
        if self.replayable:
            self._file.seek(self._start)
        self.count = 0
        self._digest = hashlib.md5(usedforsecurity=False)

    def read(self, size: int) -> bytes:
        """Return the next bytes; empty at the end.

        :raises LocalFileError: if the file can't be read, or has changed
        :raises UsageError: if the file was opened in text mode
        """
        try:
            chunk = self._file.read(size)
        except OSError as error:
            raise LocalFileError(f"can't read {self.label}: {error.strerror or error}") from error
        if not isinstance(chunk, bytes):
            raise UsageError(f"{self.label}: must be opened in binary mode; it returns {type(chunk).__name__}")
        self.count += len(chunk)
        self._digest.update(chunk)
        for observe in self.observers:
            observe(chunk)
        self.check()
        if size and not chunk and self.length is not None and self.count < self.length:
            raise LocalFileError(f"{self.label}: only {self.count} bytes can be read, so nothing was stored")
        return chunk

    def check(self) -> None:
        """Check that the file hasn't changed.

        :raises LocalFileError: if it has
        """
        if self._watch is not None:
            self._watch.check()

    @property
    def version(self) -> FileVersion | None:
        """The version of the file; None if the body isn't a file."""
        return self._watch.version if self._watch else None

    @property
    def md5(self) -> str:
        """The MD5 of the bytes read since the start, in hexadecimal, as in Swift's ETag."""
        return self._digest.hexdigest()


class Watch:
    """Notices when a file changes while it is being read.

    :param file: the open file
    :param path: its path, which must keep leading to the same file; None for standard input
    :param label: the file, as the user spells it
    :param act: completes the message "changed while it was being …"
    :param version: the expected version; None for the current one
    """

    def __init__(
        self,
        file: IO[bytes],
        path: Path | None,
        label: str,
        *,
        act: str = "sent, so nothing was stored",
        version: FileVersion | None = None,
    ) -> None:
        self._file = file
        self._path = path
        self._label = label
        self._act = act
        self.version = version or FileVersion.of(_settled(file))

    def check(self) -> None:
        """Check that neither the file nor the path has changed.

        :raises LocalFileError: if one has
        """
        try:
            versions = {FileVersion.of(os.fstat(self._file.fileno()))}
            if self._path is not None:
                versions.add(FileVersion.of(self._path.stat()))
        except OSError:  # the path is gone
            versions = set()
        if versions != {self.version}:
            raise LocalFileError(
                f"{self._label}: changed while it was being {self._act}; try again once nothing writes to it, or use "
                "a copy"
            )


def _settled(file: IO[bytes]) -> os.stat_result:
    """Return a file's status, after waiting until a further change would get a later time."""
    status = os.fstat(file.fileno())
    wait = status.st_ctime_ns + _TICK_NS - time.time_ns()
    if 0 < wait <= _TICK_NS:
        time.sleep(wait / 1e9)
        status = os.fstat(file.fileno())
    return status


def bytes_body(content: bytes, label: str = "") -> Body:
    """Create a body from bytes."""
    return Body(io.BytesIO(content), len(content), replayable=True, label=label or f"{len(content)} bytes")


def stream_body(stream: IO[bytes], label: str = "standard input") -> Body:
    """Create a body from a stream of unknown length, which can be read only once."""
    return Body(stream, None, replayable=False, label=label, watch=watch_stream(stream, label))


def chunks_body(chunks: Iterable[bytes], label: str = "chunks of bytes") -> Body:
    """Create a body from chunks of unknown total length, which can be iterated only once."""
    return Body(io.BufferedReader(_Chunks(chunks)), None, replayable=False, label=label)


class _Chunks(io.RawIOBase):
    """A file object over chunks; a large chunk is returned in parts."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """Return True: it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer from the current chunk; return 0 after the last one."""
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count


def watch_stream(stream: IO[bytes], label: str = "standard input") -> Watch | None:
    """Watch the file behind a stream; None for a pipe, a terminal, or an object that isn't a file."""
    try:
        is_watched = _has_length(stream)
    except (OSError, AttributeError):  # it has no descriptor
        return None
    return Watch(stream, None, label) if is_watched else None


@contextmanager
def file_body(path: str | Path) -> Iterator[Body]:
    """Create a body from a local file; a file without a reliable length, such as a pipe, is sent as a stream.

    :raises NotFoundError: if it doesn't exist
    :raises UsageError: if it is a directory, or never ends
    :raises LocalFileError: if it can't be read
    """
    with open_file(path) as file:
        if not _has_length(file):
            yield stream_body(file, str(path))
            return
        watch = Watch(file, expand(path), str(path))
        size = watch.version.size
        yield Body(file, size, replayable=True, label=f"{size} bytes of {path}", watch=watch)


@contextmanager
def piece_body(path: str | Path, start: int, length: int, version: FileVersion) -> Iterator[Body]:
    """Create a body from part of a local file; raises as :func:`open_file`.

    :param start: the position of the first byte
    :param length: the number of bytes
    :param version: the expected version of the file
    """
    with open_file(path) as file:
        watch = Watch(file, expand(path), str(path), version=version)
        yield Body(file, length, replayable=True, label=f"{length} bytes of {path}", start=start, watch=watch)


def file_version(path: str | Path) -> FileVersion:
    """Return the current version of a local file; raises as :func:`open_file`."""
    with open_file(path) as file:
        return Watch(file, None, str(path)).version


def _has_length(file: IO[bytes]) -> bool:
    """Tell whether the size in a file's status is that of its content.

    It isn't for a pipe or a device. Files in /proc claim 0 bytes and those in /sys a page, whatever they contain, and
    so may files of a file system in user space.
    """
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        return False
    size = status.st_size
    if not hasattr(os, "pread"):  # Windows, which has no such files
        return True
    try:
        end = os.pread(file.fileno(), 2, max(size - 1, 0))
    except OSError:
        return False
    return len(end) == min(size, 1) or os.fstat(file.fileno()).st_size != size


def open_file(path: str | Path) -> IO[bytes]:
    """Open a local file for reading.

    :raises NotFoundError: if it doesn't exist
    :raises UsageError: if it is a directory, never ends, or its name is empty
    :raises LocalFileError: if it can't be read
    """
    if not str(path):
        raise UsageError("the name of the local file is empty")
    try:
        file = expand(path).open("rb")
    except FileNotFoundError:
        raise NotFoundError(f"no local file {path}") from None
    except IsADirectoryError:
        raise UsageError(f"{path} is a directory; expected a file") from None
    except (OSError, ValueError) as error:
        is_socket = getattr(error, "errno", None) == errno.ENXIO  # open(2); or a device that doesn't exist
        reason = "it is a socket" if is_socket else getattr(error, "strerror", None) or error
        raise LocalFileError(f"can't read {path}: {reason}") from error
    status = os.fstat(file.fileno())
    if stat.S_ISCHR(status.st_mode) and (os.major(status.st_rdev), os.minor(status.st_rdev)) in _ENDLESS:
        file.close()
        raise UsageError(f"{path} never ends; pipe a part of it instead: head -c SIZE {path}")
    return file


def is_special(path: Path) -> bool:
    """Tell whether a path leads to a pipe or a device, which is sent as a stream."""
    mode = path.stat().st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISBLK(mode)


def read_file(path: str | Path) -> bytes:
    """Return the content of a local file; raises as :func:`open_file`.

    :raises LocalFileError: also if it changes while it is being read
    """
    with open_file(path) as file:
        watch = Watch(file, expand(path), str(path), act="read") if _has_length(file) else None
        try:
            content = file.read()
        except OSError as error:
            raise LocalFileError(f"can't read {path}: {error.strerror or error}") from error
        if watch is not None:
            watch.check()
        return content
