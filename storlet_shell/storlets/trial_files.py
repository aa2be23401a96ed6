"""File objects for a dry run without upstream's package; they behave like upstream's.

Classes, members, errors and surprises are those of storlets ``agent/daemon/files.py``; a test compares them member by
member.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterable
from typing import IO, Any, Self


class StorletFile:
    """The common base of input and output files."""

    mode = "rb"

    def __init__(self, obj_fd: int) -> None:
        self.obj_fd = obj_fd
        self.obj_file: IO[bytes] = os.fdopen(obj_fd, self.mode)

    def fileno(self) -> int:
        """Return the file descriptor, even after it was closed."""
        return self.obj_fd

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> Any:
        """Fail: pipes can't seek."""
        raise NotImplementedError

    def read(self, size: int = -1) -> Any:
        """Fail, unless the file is an input."""
        raise NotImplementedError

    def readline(self, size: int = -1) -> Any:
        """Fail, unless the file is an input."""
        raise NotImplementedError

    def readlines(self, sizehint: int = -1) -> Any:
        """Fail, unless the file is an input."""
        raise NotImplementedError

    def write(self, buf: bytes) -> Any:
        """Fail, unless the file is an output."""
        raise NotImplementedError

    def writelines(self, seq: Iterable[bytes]) -> Any:
        """Fail, unless the file is an output."""
        raise NotImplementedError

    def get_metadata(self) -> Any:
        """Fail; both kinds of files override it."""
        raise NotImplementedError

    def set_metadata(self, md: Any) -> Any:
        """Fail, unless the file is an output."""
        raise NotImplementedError

    def flush(self) -> Any:
        """Fail, unless the file is an output."""
        raise NotImplementedError

    def __iter__(self) -> Self:
        return self

    def next(self) -> bytes:
        """Return the rest as one item, then stop."""
        rest: bytes = self.read()
        if rest:
            return rest
        raise StopIteration

    __next__ = next  # noqa: A003  upstream has it, from Python 2

    @property
    def closed(self) -> bool:
        """Whether the file is closed."""
        return self.obj_file.closed

    def close(self) -> None:
        """Close the file."""
        self.obj_file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        self.close()


class StorletOutputFile(StorletFile):
    """The storlet's output: metadata once, then bytes."""

    mode = "wb"

    def __init__(self, md_fd: int, obj_fd: int) -> None:
        super().__init__(obj_fd)
        self._metadata: Any = None
        self.md_file: IO[bytes] = os.fdopen(md_fd, "wb")

    def get_metadata(self) -> Any:
        """Return the metadata that were set."""
        if self._metadata is None:
            raise OSError("Metadata is not set yet")
        return copy.deepcopy(self._metadata)

    def set_metadata(self, md: Any) -> None:
        """Send the metadata of the result; a second call fails."""
        if self.md_file.closed:
            raise OSError("Sending metadata twice is not allowed")
        self.md_file.write(json.dumps(md).encode())
        self._metadata = md
        self.md_file.close()

    def close(self) -> None:
        """Close the file; without metadata, the run fails."""
        self.md_file.close()
        super().close()

    def write(self, buf: bytes) -> None:
        """Write bytes, after the metadata."""
        _check_sent(self.md_file)
        self.obj_file.write(buf)

    def writelines(self, seq: Iterable[bytes]) -> None:
        """Write several chunks, after the metadata."""
        _check_sent(self.md_file)
        self.obj_file.writelines(seq)

    def flush(self) -> None:
        """Flush the buffer."""
        self.obj_file.flush()


def _check_sent(metadata: IO[bytes]) -> None:
    if not metadata.closed:
        raise OSError("Body should be sent after metadata is sent")


class StorletInputFile(StorletFile):
    """The storlet's input: the object's bytes and metadata; iteration yields the whole rest at once."""

    def __init__(self, md: Any, obj_fd: int) -> None:
        super().__init__(obj_fd)
        self._metadata = md
        self.buf = b""

    def get_metadata(self) -> Any:
        """Return the object's metadata."""
        return copy.deepcopy(self._metadata)

    def _read(self, size: int = -1) -> bytes:
        return self.obj_file.read(size)

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` bytes, or all remaining ones, starting with those that ``readline`` has buffered."""
        if size >= 0 and len(self.buf) >= size:
            data, self.buf = self.buf[:size], self.buf[size:]
            return data
        data = self.buf + (self._read() if size < 0 else self._read(size - len(self.buf)))
        self.buf = b""
        return data

    def readline(self, size: int = -1) -> bytes:
        """Return the next line, or its next ``size`` bytes."""
        data = b""
        while b"\n" not in data and (size < 0 or len(data) < size):
            chunk = self.read(1024 if size < 0 else size - len(data))
            if not chunk:
                break
            data += chunk
        line, end, rest = data.partition(b"\n")
        if end:
            self.buf = rest + self.buf
        return line + end

    def readlines(self, sizehint: int = -1) -> list[bytes]:
        """Return the remaining lines; as in upstream, the hint grows with each line instead of decreasing."""
        lines: list[bytes] = []
        while line := self.readline(sizehint):
            lines.append(line)
            if sizehint >= 0:
                sizehint += len(line)
                if sizehint <= 0:
                    break
        return lines


class StorletLogger:
    """The storlet's logger."""

    def __init__(self, storlet_name: str, fd: int) -> None:
        self.fd = fd
        self.storlet_name = storlet_name
        self.log_file = os.fdopen(fd, "wb")

    @property
    def closed(self) -> bool:
        """Whether the log is closed."""
        return self.log_file.closed

    def close(self) -> None:
        """Close the log."""
        self.log_file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        self.close()

    def _emit_log(self, level: str, msg: object) -> None:
        self.log_file.write(f"{self.storlet_name} {level}: {msg}".encode())

    def debug(self, msg: object) -> None:
        """Log a line."""
        self._emit_log("DEBUG", msg)

    def info(self, msg: object) -> None:
        """Log a line."""
        self._emit_log("INFO", msg)

    def warn(self, msg: object) -> None:
        """Log a line."""
        self._emit_log("WARN", msg)

    warning = warn

    def error(self, msg: object) -> None:
        """Log a line."""
        self._emit_log("ERROR", msg)

    def exception(self, msg: object) -> None:
        """Fail, as upstream's logger does."""
        raise NotImplementedError
