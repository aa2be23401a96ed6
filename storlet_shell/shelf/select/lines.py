"""The lines of CSV: one by one for ``csv``, or many at once where splitting them gives the same fields, but faster."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

_READ_BYTES = 65536
_MOST_PLAIN = 2**20  # characters; no field of such a block is too long


class Lines:
    """The text of an object, in blocks of whole lines.

    :param data: see :class:`.opening.WatchedBytes`
    :param newline: a line feed, or empty where carriage returns may end lines, too
    :param quote: the quote character; empty for none
    """

    def __init__(self, data: Any, newline: str, quote: str) -> None:
        self._data = data
        self._newline = newline
        self._quote = quote
        self._carried: list[bytes] = []
        self._block = io.StringIO()
        self._is_read = True  # all of the block
        self._is_plain = False

    def __iter__(self) -> Iterator[str]:
        """Yield the lines that :meth:`take_plain` leaves."""
        while not self._is_read or self._load():
            block = self._block
            yield from block
            if block is self._block:
                self._is_read = True

    def take_plain(self) -> list[str]:
        """Return the next lines without their ends if each is a row that has no quotes; else, or at the end, nothing.

        Only between two rows.
        """
        if (self._is_read and not self._load()) or not self._is_plain:
            return []
        self._is_read = True
        lines = self._block.read().replace("\r\n", "\n").split("\n")
        if not lines[-1]:
            lines.pop()
        return lines

    def _load(self) -> bool:
        """Read the next block; tell whether there is one."""
        data = self._read()
        text = data.decode("utf-8", "surrogateescape")
        self._block = io.StringIO(text, self._newline)
        self._is_read = not text
        self._is_plain = bool(self._newline) and self._can_be_split(text)
        return bool(text)

    def _read(self) -> bytes:
        ends = (b"\n",) if self._newline else (b"\n", b"\r")
        while data := self._data.read1(_READ_BYTES):
            size = max(map(data.rfind, ends)) + 1
            if size:
                block = b"".join([*self._carried, data[:size]])
                self._carried = [data[size:]]
                return block
            self._carried.append(data)
        block = b"".join(self._carried)
        self._carried.clear()
        return block

    def _can_be_split(self, text: str) -> bool:
        if len(text) > _MOST_PLAIN or (self._quote and self._quote in text):
            return False
        if "\r" in text:
            text = text.replace("\r\n", "\n")
        return not ("\r" in text or "\n\n" in text or text.startswith("\n"))
