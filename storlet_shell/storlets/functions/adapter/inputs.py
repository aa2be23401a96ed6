"""The inputs of a function."""

from __future__ import annotations

import csv as _csv
import gzip as _gzip
import io as _io
import json as _json
import re as _re
from collections.abc import Iterator as _Iterator
from itertools import chain as _chain
from typing import Any as _Any

_STORLET_LARGEST_FIELD = 16 * 1024 * 1024  # of CSV, in characters; Python's own limit is 128 KiB


class _StorletInput:
    """An object that the function reads.

    :param number: its number, from 1, if there can be several; else 0
    """

    def __init__(self, file: _Any, number: int) -> None:
        self._label = f" of input {number}" if number else ""
        # An engine's file lacks methods of a real one, which it has inside. That of a range reads on after the range.
        self._file = _io.BufferedReader(_StorletRange(file), 65536) if hasattr(file, "point") else file.obj_file
        self._text: _Any = None
        self._heads: list[str] = []
        self.columns: list[str] = []

    def open(self, kind: str) -> _Any:
        """Return what the function gets."""
        if kind in ("BinaryIO", "Iterator[bytes]"):
            return self._file
        if kind == "bytes":
            return self._file.read()
        if self._file.peek(2)[:2] in (b"\x1f\x8b", b"\x1f"):
            self._file = _gzip.GzipFile(fileobj=self._file)
        if kind == "str":
            return self._file.read().decode("utf-8-sig")
        newline = {"TextIO": None, "Iterator[str]": "\n"}.get(kind, "")
        self._text = _io.TextIOWrapper(self._file, "utf-8-sig", newline=newline)
        self._text._CHUNK_SIZE = 65536  # what a pipe holds; by default, it is read in pieces of 8 KiB
        return self._rows() if kind == "rows" else self._text

    def is_json(self) -> bool:
        """Tell whether its rows are JSON lines, by the first character that isn't a blank."""
        while not self._heads or self._heads[-1].isspace():
            try:
                self._heads.append(self._text.readline())
            except UnicodeDecodeError as error:
                raise self._malformed(error, 0, len(self._heads)) from None
        return self._heads[-1].lstrip().startswith("{")

    def read_columns(self, rows: _Any) -> list[str]:
        """Return the header, or an empty list without one; read it if the function has left it unread.

        :param rows: what :meth:`open` returned
        """
        if not self.columns:
            next(rows, None)
        return self.columns

    def _rows(self) -> _Iterator[dict[str, _Any]]:
        if self.is_json():
            yield from self._objects()
            return
        if _re.fullmatch(r"\s*\[\s*([\[{\"].*|\]\s*)?", self._heads[-1], _re.DOTALL):
            raise ValueError(f"line {len(self._heads)}{self._label}: a JSON array, but rows are CSV or JSON lines")
        yield from self._records()

    def _objects(self) -> _Iterator[dict[str, _Any]]:
        row = line = 0
        try:
            for text in _chain(self._heads, self._text):
                line += 1
                if text.isspace():
                    continue
                value = _json.loads(text)
                if not isinstance(value, dict):
                    raise ValueError("not a JSON object")
                row += 1
                yield value
        except ValueError as error:
            raise self._malformed(error, row + 1, line) from None

    def _records(self) -> _Iterator[dict[str, _Any]]:
        _csv.field_size_limit(max(_csv.field_size_limit(), _STORLET_LARGEST_FIELD))
        reader = _csv.reader(_chain(self._heads, self._text), strict=True)
        row = -1
        try:
            names = next(filter(None, reader), [])
            if len(set(names)) < len(names):
                raise ValueError("a column occurs twice")
            self.columns = names
            row = 0
            for values in reader:
                if len(values) == len(names):
                    row += 1
                    yield dict(zip(names, values))
                elif values:
                    raise ValueError(f"{len(values)} fields, but the header has {len(names)}")
        except (ValueError, _csv.Error) as error:
            raise self._malformed(error, row + 1, reader.line_num) from None

    def _malformed(self, error: Exception, row: int, line: int) -> ValueError:
        label = f"row {row}" if row else "header"
        reason = str(error)
        if isinstance(error, _json.JSONDecodeError):
            reason = f"not JSON: {error.msg} at column {error.colno}"
        elif isinstance(error, UnicodeDecodeError):  # the text is decoded in pieces of many rows
            line += 1 + error.object.count(b"\n", 0, error.start)
            return ValueError(f"line {line}{self._label}: not UTF-8: byte 0x{error.object[error.start]:02x}")
        return ValueError(f"{label} (line {line}{self._label}): {reason}")


class _StorletRange(_io.RawIOBase):
    """A range of an object, read through the engine's file."""

    def __init__(self, file: _Any) -> None:
        self._file = file

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: _Any) -> int:
        """Read as much as there is room for."""
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
