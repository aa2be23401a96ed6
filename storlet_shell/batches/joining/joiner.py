"""Join results: CSV with one header, JSON arrays as JSON lines, anything else one after the other."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
from typing import IO, Literal, TypeAlias, get_args

from storlet_shell.batches.joining.arrays import NotAnArrayError, begins_array, is_array, lines_of_array
from storlet_shell.batches.joining.records import (
    BOM,
    CSV,
    TSV,
    field,
    fields_of,
    is_header,
    is_readable,
    kind_of,
    records,
    separator_of,
    split,
)
from storlet_shell.errors import StorletShellError, UsageError
from storlet_shell.values import ObjectPath

Header: TypeAlias = Literal["once", "keep", "none"]
"""Whether the first line of each joined result is kept once, always, or never."""

HEADERS: tuple[str, ...] = get_args(Header)

JSON_LINES = "application/x-ndjson"

_NAMES = {CSV: "CSV", TSV: "tab-separated", JSON_LINES: "JSON"}
_HEAD_BYTES = 64 * 1024


def check_header(header: str | None) -> None:
    """Check a choice of what becomes of headers; None leaves it open.

    :raises UsageError: if it isn't one of :data:`HEADERS`
    """
    if header not in (None, *HEADERS):
        raise UsageError(f"header must be one of {', '.join(HEADERS)}, not {header!r}")


class Joiner:
    """Joins results in the order in which they are added.

    :param file: the file that the joined result is written to
    :param header: one of :data:`HEADERS`; None for ``once`` if the first result of an object whose name ends with
        ``.csv`` or ``.tsv`` begins with a header, else ``keep``
    :param name_column: the name of a column to add in front, with the objects' names; empty for none

    ``size`` is the size of the joined result in bytes.
    """

    def __init__(self, file: IO[bytes], header: str | None = None, name_column: str = "") -> None:
        self._file = file
        self._rule = header
        self._name_column = name_column
        self._header: bytes | None = None
        self._header_source: ObjectPath | None = None
        self._needs_line_end = False
        self._types: set[str] = set()
        self.size = 0

    @property
    def content_type(self) -> str:
        """The content type of the joined result; empty if it is unknown, or the results differ."""
        return next(iter(self._types)) if len(self._types) == 1 else ""

    def add(self, source: ObjectPath, chunks: Iterable[bytes]) -> None:
        """Add a result; of a result that is refused, nothing is written, if the file can be truncated.

        :raises StorletShellError: when it doesn't fit the results before it, or a column can't be added
        """
        state, start = dict(vars(self)), self._file.tell() if self._file.seekable() else None
        try:
            self._add(source, iter(chunks))
        except BaseException as error:
            vars(self).update(state)
            if start is not None:
                with suppress(OSError, ValueError):  # the error says more
                    self._file.seek(start)
                    self._file.truncate()
            if isinstance(error, NotAnArrayError):
                text = f"it begins like a JSON array, but isn't one: {error}"
                raise StorletShellError(text, subject=str(source)) from None
            raise

    def _add(self, source: ObjectPath, pieces: Iterator[bytes]) -> None:
        head = _read(pieces, _HEAD_BYTES)
        if not head:
            return
        if not is_readable(head, kind_of(source.name)):
            self._check_no_column(source)
            self._write(source, chain([head], pieces), "", ends_lines=False)
            return
        marked, head = head, head.removeprefix(BOM)
        if (lines := _array(head, pieces)) is not None:
            self._write(source, self._named_lines(source, lines), JSON_LINES)
        elif head.lstrip()[:1] == b"{":
            body = chain([head], pieces)
            lines = self._named_lines(source, records(body, b"")) if self._name_column else body
            self._write(source, lines, JSON_LINES)
        else:
            keeps_mark = not self.size and not self._name_column
            self._add_text(source, chain([marked if keeps_mark else head], pieces))

    def _add_text(self, source: ObjectPath, pieces: Iterator[bytes]) -> None:
        kind = kind_of(source.name)
        if not kind and self._rule is None:
            self._check_no_column(source)
            self._write(source, pieces, "")
            return
        first, rest = split(pieces)
        while first and not first.strip(b"\r\n"):
            first, rest = split(rest)
        if self._rule is None:
            self._rule = "once" if is_header(first) else "keep"
        ahead = _until_text(rest)
        if self._rule == "once" and self._header is not None and not ahead.strip():
            return  # without rows, another header doesn't matter
        rest = chain([ahead], rest)
        header = self._header_of(source, first) if self._rule == "once" else []
        body: Iterator[bytes] = chain([first], rest) if self._rule == "keep" else rest
        if self._name_column:
            separator = separator_of(first)
            prefix = field(source.name) + separator
            body = (prefix + record for record in records(body, separator) if record.strip(b"\r\n"))
        self._write(source, chain(header, body), kind or CSV)

    def _header_of(self, source: ObjectPath, first: bytes) -> list[bytes]:
        """Return the header if it comes from this result.

        :raises StorletShellError: when it differs from that of the results before it, in more than quotes
        """
        header = first.removeprefix(BOM).rstrip(b"\r\n")
        if self._name_column and self._name_column in fields_of(first):
            raise self._has_column(source)
        if self._header is None:
            self._header, self._header_source = header, source
            return [field(self._name_column), separator_of(first), first] if self._name_column else [first]
        if header != self._header and not _is_same(header, self._header):
            shown, expected = (text[:200].decode("utf-8", "replace") for text in (header, self._header))
            raise StorletShellError(
                f"its header is {shown!r}, but that of {self._header_source} is {expected!r}; "
                "keep all headers, or use a pattern that matches objects of one kind",
                subject=str(source),
            )
        return []

    def _named_lines(self, source: ObjectPath, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Yield lines of JSON with their ends, with the name if that was requested.

        :raises StorletShellError: when a line isn't an object
        """
        if not self._name_column:
            yield from lines
            return
        entry = json.dumps({self._name_column: source.name}, ensure_ascii=False)[:-1].encode()
        key = json.dumps(self._name_column, ensure_ascii=False).encode()
        for line in lines:
            rest = line.lstrip()
            if not rest:
                continue
            if not rest.startswith(b"{"):
                self._check_no_column(source)
            if key in rest and self._name_column in json.loads(rest):
                raise self._has_column(source)
            rest = rest[1:].lstrip()
            yield entry + (b"" if rest.startswith(b"}") else b", ") + rest

    def _has_column(self, source: ObjectPath) -> StorletShellError:
        text = f"can't add the column {self._name_column}: the result has one; choose another name"
        return StorletShellError(text, subject=str(source))

    def _check_no_column(self, source: ObjectPath) -> None:
        if self._name_column:
            raise StorletShellError(
                f"can't add the column {self._name_column}: the result is neither CSV nor JSON lines",
                subject=str(source),
            )

    def _write(self, source: ObjectPath, pieces: Iterable[bytes], kind: str, *, ends_lines: bool = True) -> None:
        last = b""
        for piece in pieces:
            if not last and piece:
                self._check_kind(source, kind)
                if self._needs_line_end and ends_lines:
                    self.size += self._file.write(b"\n")
            self.size += self._file.write(piece)
            last = piece[-1:] or last
        if last:
            self._types = self._types | {kind}
            self._needs_line_end = ends_lines and last != b"\n"

    def _check_kind(self, source: ObjectPath, kind: str) -> None:
        """Check that a table isn't joined with lines of JSON.

        :raises StorletShellError: when it is
        """
        others = [name for name in self._types if name and kind and JSON_LINES in (name, kind) and name != kind]
        if others:
            raise StorletShellError(
                f"it is {_NAMES[kind]}, but results before it are {_NAMES[others[0]]}; "
                "use a pattern that matches objects of one kind",
                subject=str(source),
            )


def _array(head: bytes, pieces: Iterator[bytes]) -> Iterator[bytes] | None:
    """Return the elements of a JSON array as lines; None if it isn't an array, as far as its start tells."""
    if not begins_array(head):
        return None
    if len(head) >= _HEAD_BYTES:
        return lines_of_array(chain([head], pieces)) if is_array(head) else None
    try:
        return iter(list(lines_of_array([head])))
    except NotAnArrayError:
        return None


def _is_same(header: bytes, other: bytes) -> bool:
    """Tell whether two headers have the same fields, however these are quoted."""
    return separator_of(header) == separator_of(other) and fields_of(header) == fields_of(other)


def _until_text(pieces: Iterator[bytes]) -> bytes:
    """Return the pieces up to the first one that isn't blank, or all."""
    ahead = b""
    for piece in pieces:
        ahead += piece
        if piece.strip():
            break
    return ahead


def _read(pieces: Iterator[bytes], size: int) -> bytes:
    """Return at least so many bytes from the start of a result, or all of it."""
    head = next(pieces, b"")
    while head and len(head) < size and (piece := next(pieces, None)) is not None:
        head += piece
    return head
