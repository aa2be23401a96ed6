"""An object's format, and its beginning."""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from typing import Any

_HEAD_BYTES = 65536
_LONGEST_LINE = 48 * 2**20
_JSON_START = re.compile(rb'\s*\{\s*(["}]|$)')
_JSON_OF_OTHER_KINDS = (
    (re.compile(rb"\s*\[\s*[{\[]"), "a JSON array"),
    (re.compile(rb'\s*\{[ \t]*\r?\n\s*"'), "JSON objects with line breaks"),
)
_ODD = (b"_", b"\x1c", b"\x1d", b"\x1e", b"\x1f")
"""What Python takes in numbers, or around them, and SQLite doesn't; so are the digits and blanks outside of ASCII."""


class Opened:
    """An object whose beginning has been read.

    :param file: a binary file
    """

    def __init__(self, file: Any) -> None:
        head = file.read(_HEAD_BYTES)
        self.is_compressed = head[:2] == b"\x1f\x8b"
        if self.is_compressed:
            rewound: Any = _Rewound(head, file)
            file = gzip.GzipFile(fileobj=rewound)
            head = b""
        self.head = _whole_head(head, file)
        self.file = file
        self.format = _format_of(self.head)


class _Rewound:
    """A file whose beginning is read again."""

    def __init__(self, head: bytes, file: Any) -> None:
        self._head = head
        self._file = file

    def read(self, size: int) -> Any:
        """Read from the beginning first, then from the file."""
        head, self._head = self._head[:size], self._head[size:]
        return head or self._file.read(size)


class WatchedBytes:
    """The bytes of a text, which says as it is read what is special about them.

    :ivar odd: isn't empty once a number could be spelled in a way that isn't SQLite's
    :ivar broken: isn't empty once something wasn't UTF-8
    :ivar size: the number of bytes so far
    """

    def __init__(self, head: bytes, file: Any) -> None:
        self._head = head
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._line_bytes = self.size = 0
        self.odd: list[bool] = []
        self.broken: list[bool] = []
        self.closed = False

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def writable(self) -> bool:
        """Tell that it can't be written."""
        return False

    def seekable(self) -> bool:
        """Tell that it has no positions."""
        return False

    def flush(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Leave it to the engine to close the file."""
        self.closed = True

    def read1(self, size: int) -> bytes:
        """Read some bytes."""
        data, self._head = self._head, b""
        data = data or read_safely(self._file, size)
        self.size += len(data)
        is_ascii = data.isascii()
        if not is_ascii or any(part in data for part in _ODD):
            self.odd.append(True)
            self.odd[1:] = []
        if not is_ascii or self._decoder.getstate()[0]:
            self._check_encoding(data)
        self._check_line(data)
        return data

    def _check_encoding(self, data: bytes) -> None:
        try:
            self._decoder.decode(data, final=not data)
        except UnicodeDecodeError:
            self._decoder.reset()
            self.broken[:] = [True]

    def _check_line(self, data: bytes) -> None:
        """Refuse a line that would take all of the memory."""
        end = data.rfind(b"\n")
        if end < 0:
            end = data.rfind(b"\r")
        self._line_bytes = self._line_bytes + len(data) if end < 0 else len(data) - end
        if self._line_bytes > _LONGEST_LINE:
            raise ValueError(f"a line exceeds {_LONGEST_LINE >> 20} MiB")


def read_safely(file: Any, size: int) -> Any:
    """Read some bytes of a file that may be compressed.

    :raises ValueError: if what is compressed is damaged
    """
    try:
        return file.read1(size)
    except EOFError:
        raise ValueError("gzip: the data ends early") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"gzip: {error}") from None


def _whole_head(head: bytes, file: Any) -> bytes:
    """Return the beginning of an object, without a byte order mark and blank lines in front.

    :param head: a part of it; what is compressed in pieces comes in pieces
    """
    is_start, is_over = True, False
    while True:
        if is_start and (is_over or len(head) >= len(codecs.BOM_UTF8)):
            is_start = False
            head = head[len(codecs.BOM_UTF8) :] if head.startswith(codecs.BOM_UTF8) else head
        if not is_start and not head.strip(b"\r\n"):
            head = b""
        if is_over or len(head) >= _HEAD_BYTES:
            return head
        data = read_safely(file, _HEAD_BYTES)
        is_over = not data
        head += data


def _format_of(head: bytes) -> Any:
    """Return ``csv``, ``jsonl`` or ``parquet``; None if there is nothing but blank lines.

    :raises ValueError: if it is JSON, but not JSON lines
    """
    if head[:4] == b"PAR1":
        return "parquet"
    for pattern, label in _JSON_OF_OTHER_KINDS:
        if pattern.match(head):
            raise ValueError(f"{label}, but only JSON lines can be read: one object on each line")
    if _JSON_START.match(head):
        return "jsonl"
    return "csv" if head.strip(b"\r\n") else None
