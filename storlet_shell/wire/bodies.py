"""What a request sends as its body: bytes at hand, a local file, or a stream that is read once."""

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
"""Kernels date a file's changes by the ticks of their clock, a hundredth of a second at most (``CONFIG_HZ``)."""

_ENDLESS = {(1, 5), (1, 7), (1, 8), (1, 9)}
"""/dev/zero, full, random and urandom, by their numbers (Linux ``Documentation/admin-guide/devices.txt``)."""


@typed_equality
class FileVersion(NamedTuple):
    """One state of a local file: which file it is, how long, and when it last changed.

    The date of modification alone can be set back by whoever writes (``touch -d``, ``rsync --times``); that of the
    last change of any kind can't. Writing through a memory map shows only once the kernel notices it.

    :param size: in bytes
    :param modified: when its bytes last changed, in nanoseconds since 1970
    :param changed: when its bytes, name or permissions last changed
    """

    device: int
    inode: int
    size: int
    modified: int
    changed: int

    @classmethod
    def of(cls, status: os.stat_result) -> FileVersion:
        """Return the state that a file's status describes."""
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


class Body:
    """Bytes to send, read in chunks that observers see as they go.

    :param file: the bytes, from where they start
    :param length: the number of bytes, or None when only the end will tell
    :param replayable: whether the file can be read from its start again
    :param label: what it is, in words
    :param start: where in the file they begin, if it can be read again
    :param watch: notices when they no longer belong together; called before each chunk is passed on, so that the last
        one never leaves then, and the server, which lacks it, stores nothing

    ``count`` is how many bytes have been read since the start.
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
        """Go to the start, if that can be done; observers see everything again."""
        if self.replayable:
            self._file.seek(self._start)
        self.count = 0
        self._digest = hashlib.md5(usedforsecurity=False)

    def read(self, size: int) -> bytes:
        """Return the next bytes, nothing at the end.

        :raises LocalFileError: when they can't be read, or are not all of one state of the file
        :raises UsageError: when the file is one of text
        """
        try:
            chunk = self._file.read(size)
        except OSError as error:
            raise LocalFileError(f"can't read {self.label}: {error.strerror or error}") from error
        if not isinstance(chunk, bytes):
            raise UsageError(f"{self.label}: what is sent is read as bytes, not as {type(chunk).__name__}")
        self.count += len(chunk)
        self._digest.update(chunk)
        for observe in self.observers:
            observe(chunk)
        self.check()
        if size and not chunk and self.length is not None and self.count < self.length:
            raise LocalFileError(f"{self.label}: only {self.count} can be read, so nothing was stored")
        return chunk

    def check(self) -> None:
        """Check that the file is as it was.

        :raises LocalFileError: when it is not
        """
        if self._watch is not None:
            self._watch.check()

    @property
    def version(self) -> FileVersion | None:
        """The state of the file that is sent; None for anything else."""
        return self._watch.version if self._watch else None

    @property
    def md5(self) -> str:
        """The MD5 of what was read since the start, in hexadecimal: Swift's ETag of it."""
        return self._digest.hexdigest()


class Watch:
    """Notices when a file changes while it is read.

    :param file: the open file
    :param path: its name, which must lead to the same file still; None for one that has none, as standard input
    :param label: the file, as a user spells it
    :param act: what is done with it
    :param version: the state in which it must be; None for the present one
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
        """Check that the file, and what its name leads to, are as they were.

        :raises LocalFileError: when they are not
        """
        try:
            states = {FileVersion.of(os.fstat(self._file.fileno()))}
            if self._path is not None:
                states.add(FileVersion.of(self._path.stat()))
        except OSError:  # its name is gone
            states = set()
        if states != {self.version}:
            raise LocalFileError(
                f"{self._label}: changed while it was being {self._act}; try again once nothing writes to it, or use "
                "a copy of it"
            )


def _settled(file: IO[bytes]) -> os.stat_result:
    """Return a file's status as soon as a further change would show in it, and not fall into the same tick."""
    status = os.fstat(file.fileno())
    wait = status.st_ctime_ns + _TICK_NS - time.time_ns()
    if 0 < wait <= _TICK_NS:
        time.sleep(wait / 1e9)
        status = os.fstat(file.fileno())
    return status


def bytes_body(content: bytes, label: str = "") -> Body:
    """Make a body of bytes at hand."""
    return Body(io.BytesIO(content), len(content), replayable=True, label=label or f"{len(content)} bytes")


def stream_body(stream: IO[bytes], label: str = "standard input") -> Body:
    """Make a body of a stream that can be read once and whose length is not known."""
    return Body(stream, None, replayable=False, label=label, watch=watch_stream(stream, label))


def chunks_body(chunks: Iterable[bytes], label: str = "chunks of bytes") -> Body:
    """Make a body of chunks that can be taken once and whose length is not known."""
    return Body(io.BufferedReader(_Chunks(chunks)), None, replayable=False, label=label)


class _Chunks(io.RawIOBase):
    """Chunks as a file to read; one longer than what is asked for is handed out in parts."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count


def watch_stream(stream: IO[bytes], label: str = "standard input") -> Watch | None:
    """Watch the file that a stream reads; None for a pipe, a terminal, and what is no file."""
    try:
        is_watched = _has_length(stream)
    except (OSError, AttributeError):  # it has no descriptor
        return None
    return Watch(stream, None, label) if is_watched else None


@contextmanager
def file_body(path: str | Path) -> Iterator[Body]:
    """Make a body of a local file; what does not know its own length, like a pipe, is sent as a stream.

    :raises NotFoundError: when it is not there
    :raises UsageError: when it is a directory, or never ends
    :raises LocalFileError: when it can't be read
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
    """Make a body of a piece of a local file; errors as :func:`open_file`.

    :param version: the state in which the file must be
    """
    with open_file(path) as file:
        watch = Watch(file, expand(path), str(path), version=version)
        yield Body(file, length, replayable=True, label=f"{length} bytes of {path}", start=start, watch=watch)


def file_version(path: str | Path) -> FileVersion:
    """Return the state that a local file is in; errors as :func:`open_file`."""
    with open_file(path) as file:
        return Watch(file, None, str(path)).version


def _has_length(file: IO[bytes]) -> bool:
    """Tell whether a file's length is what its status says.

    That of a pipe or a device is not; files of /proc have a length of 0, those of /sys that of a page, and hold
    something else, and so may those of a file system in user space.
    """
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        return False
    size = status.st_size
    try:
        end = os.pread(file.fileno(), 2, max(size - 1, 0))
    except OSError:
        return False
    return len(end) == min(size, 1) or os.fstat(file.fileno()).st_size != size


def open_file(path: str | Path) -> IO[bytes]:
    """Open a local file for reading.

    :raises NotFoundError: when it is not there
    :raises UsageError: when it is a directory, or never ends, or its name is empty
    :raises LocalFileError: when it can't be read
    """
    if not str(path):
        raise UsageError("a local file's name is missing")
    try:
        file = expand(path).open("rb")
    except FileNotFoundError:
        raise NotFoundError(f"no local file {path}") from None
    except IsADirectoryError:
        raise UsageError(f"{path} is a directory; a file is meant here") from None
    except (OSError, ValueError) as error:
        is_socket = getattr(error, "errno", None) == errno.ENXIO  # open(2); or a device that isn't there
        reason = "it is a socket" if is_socket else getattr(error, "strerror", None) or error
        raise LocalFileError(f"can't read {path}: {reason}") from error
    status = os.fstat(file.fileno())
    if stat.S_ISCHR(status.st_mode) and (os.major(status.st_rdev), os.minor(status.st_rdev)) in _ENDLESS:
        file.close()
        raise UsageError(f"{path} never ends; pipe as much of it as you want: head -c SIZE {path}")
    return file


def is_special(path: Path) -> bool:
    """Tell whether a path leads to a pipe or a device, which is read as it comes."""
    mode = path.stat().st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISBLK(mode)


def read_file(path: str | Path) -> bytes:
    """Read a local file whole; errors as :func:`open_file`.

    :raises LocalFileError: when it changes meanwhile, too
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
