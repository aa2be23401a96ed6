"""What a request sends as its body: bytes at hand, a local file, or a stream that is read once."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from storlet_shell.errors import LocalFileError, NotFoundError, UsageError
from storlet_shell.results import expand


class Body:
    """Bytes to send, read in chunks that observers see as they go.

    :param file: the bytes, from where they start
    :param length: the number of bytes, or None when only the end will tell
    :param replayable: whether the file can be read from its start again
    :param label: what it is, in words
    :param start: where in the file they begin, if it can be read again
    """

    def __init__(self, file: IO[bytes], length: int | None, *, replayable: bool, label: str, start: int = 0) -> None:
        self._file = file
        self._start = start
        self.length = length
        self.replayable = replayable
        self.label = label
        self.observers: list[Callable[[bytes], None]] = []
        self._digest = hashlib.md5(usedforsecurity=False)

    def rewind(self) -> None:
        """Go to the start, if that can be done; observers see everything again."""
        if self.replayable:
            self._file.seek(self._start)
        self._digest = hashlib.md5(usedforsecurity=False)

    def read(self, size: int) -> bytes:
        """Return the next bytes, nothing at the end.

        :raises LocalFileError: when they can't be read
        """
        try:
            chunk = self._file.read(size)
        except OSError as error:
            raise LocalFileError(f"can't read {self.label}: {error.strerror or error}") from error
        self._digest.update(chunk)
        for observe in self.observers:
            observe(chunk)
        return chunk

    @property
    def md5(self) -> str:
        """The MD5 of what was read since the start, in hexadecimal: Swift's ETag of it."""
        return self._digest.hexdigest()


def bytes_body(content: bytes, label: str = "") -> Body:
    """Make a body of bytes at hand."""
    return Body(io.BytesIO(content), len(content), replayable=True, label=label or f"{len(content)} bytes")


def stream_body(stream: IO[bytes], label: str = "standard input") -> Body:
    """Make a body of a stream that can be read once and whose length is not known."""
    return Body(stream, None, replayable=False, label=label)


@contextmanager
def file_body(path: str | Path) -> Iterator[Body]:
    """Make a body of a local file; a pipe or a device is sent as a stream.

    :raises NotFoundError: when it is not there
    :raises UsageError: when it is a directory
    :raises LocalFileError: when it can't be read
    """
    file = open_file(path)
    with file:
        status = os.fstat(file.fileno())
        if stat.S_ISREG(status.st_mode):
            yield Body(file, status.st_size, replayable=True, label=f"{status.st_size} bytes of {path}")
        else:
            yield stream_body(file, str(path))


@contextmanager
def piece_body(path: str | Path, start: int, length: int) -> Iterator[Body]:
    """Make a body of a piece of a local file; errors as :func:`open_file`."""
    with open_file(path) as file:
        yield Body(file, length, replayable=True, label=f"{length} bytes of {path}", start=start)


def open_file(path: str | Path) -> IO[bytes]:
    """Open a local file for reading.

    :raises NotFoundError: when it is not there
    :raises UsageError: when it is a directory, or its name is empty
    :raises LocalFileError: when it can't be read
    """
    if not str(path):
        raise UsageError("a local file's name is missing")
    try:
        return expand(path).open("rb")
    except FileNotFoundError:
        raise NotFoundError(f"no local file {path}") from None
    except IsADirectoryError:
        raise UsageError(f"{path} is a directory; a file is meant here") from None
    except (OSError, ValueError) as error:
        raise LocalFileError(f"can't read {path}: {getattr(error, 'strerror', None) or error}") from error


def read_file(path: str | Path) -> bytes:
    """Read a local file whole; errors as :func:`open_file`."""
    with open_file(path) as file:
        return file.read()
