"""Read objects that may be compressed: their bytes, or their lines."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from functools import partial
from typing import Any, BinaryIO

LONGEST_LINE = 16 * 1024 * 1024
"""The maximum number of characters in a line, and in a field of CSV."""


class _Gzip(gzip.GzipFile):
    """A compressed file whose damage is an error of one kind."""

    def read(self, size: int | None = -1) -> bytes:
        """Read bytes.

        :raises ValueError: if the file is damaged
        """
        try:
            return super().read(size)
        except (EOFError, OSError, zlib.error) as error:
            raise ValueError(f"the compressed data (gzip) are damaged: {error}") from None


def decompressed(file: BinaryIO) -> BinaryIO:
    """Return a file without its compression, if its first bytes are those of gzip."""
    buffered: Any = file
    if buffered.peek(2)[:2] in (b"\x1f\x8b", b"\x1f"):
        source: Any = _Gzip(fileobj=file)
        return io.BufferedReader(source, 65536)
    return file


def read_lines(file: BinaryIO, newline: str = "\n", strict: bool = False, charset: str = "utf-8") -> Iterator[str]:
    """Yield the lines of a text with their ends; a byte order mark is skipped.

    :param newline: as for ``open``
    :param strict: refuse bytes that aren't in the charset; otherwise they become surrogates, as :func:`encoded` expects
    :raises ValueError: if a line is too long, or refused
    """
    codec = "utf-8-sig" if charset == "utf-8" else charset
    text = io.TextIOWrapper(decompressed(file), codec, "surrogateescape", newline)
    for number, line in enumerate(iter(partial(text.readline, LONGEST_LINE + 1), ""), 1):
        if len(line) > LONGEST_LINE:
            raise ValueError(f"line {number}: longer than {LONGEST_LINE} characters")
        if strict and not line.isascii():
            try:
                line.encode()
            except UnicodeEncodeError as error:
                byte = ord(line[error.start]) - 0xDC00
                raise ValueError(f"line {number}: not {charset.upper()}: byte 0x{byte:02x}") from None
        yield line


def encoded(text: str) -> bytes:
    """Return the bytes that a text was read from."""
    return text.encode("utf-8", "surrogateescape")
