"""Join results: CSV with one header, JSON arrays as JSON lines, anything else one after the other."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import IO

from storlet_shell.errors import StorletShellError
from storlet_shell.results.decoding import COMPRESSIONS
from storlet_shell.text import is_text
from storlet_shell.values import ObjectPath

HEADERS = ("once", "keep", "none")
"""Whether the first line of each result is kept once, always, or never."""

CSV, TSV, JSON_LINES = "text/csv", "text/tab-separated-values", "application/x-ndjson"

_HEAD_BYTES = 64 * 1024
_HEADER_BYTES = 1024 * 1024
_BOM = b"\xef\xbb\xbf"
_ARRAY = re.compile(rb"\s*\[\s*(?:[{\[\"\]]|-?\d[\d.eE+-]*\s*[,\]]|(?:true|false|null)\s*[,\]])")
_BLANKS = re.compile(r"[ \t\r\n]*")
_LINE_BREAK = re.compile(r"[ \t]*[\r\n]+[ \t]*")
_SEPARATORS = re.compile(rb"[,;\t|]")
_NUMBER = re.compile(rb"[+-]?[\d.,]+(?:[eE][+-]?\d+)?|(?i:nan|inf|null|none)|\d+[-/:.]\d+.*")


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
        """Add a result; of a result that is refused, nothing is written.

        :raises StorletShellError: when its header isn't that of the results before it, or a column can't be added
        """
        pieces = iter(chunks)
        head = _read(pieces, _HEAD_BYTES)
        if not head:
            return
        if not is_text(head):
            self._check_no_column(source)
            self._write(chain([head], pieces), "", ends_lines=False)
            return
        head = head.removeprefix(_BOM) if self.size else head
        if _ARRAY.match(head):
            content = head + b"".join(pieces)
            if (lines := _lines_of_array(content)) is not None:
                self._write(self._named_lines(source, lines), JSON_LINES)
                return
            head, pieces = content, iter(())
        if head.removeprefix(_BOM).lstrip()[:1] == b"{":
            body = chain([head], pieces)
            self._write(self._named_lines(source, _records(body, b"")) if self._name_column else body, JSON_LINES)
            return
        self._add_text(source, head, pieces)

    def _add_text(self, source: ObjectPath, head: bytes, pieces: Iterator[bytes]) -> None:
        kind = _kind_of(source.name)
        if not kind and self._rule is None:
            self._check_no_column(source)
            self._write(chain([head], pieces), "")
            return
        first, rest = _split(chain([head], pieces))
        if self._rule is None:
            self._rule = "once" if _is_header(first) else "keep"
        header = self._header_of(source, first) if self._rule == "once" else []
        body = chain([first], rest) if self._rule == "keep" else rest
        if self._name_column:
            prefix = _field(source.name) + _separator(first)
            body = (prefix + record for record in _records(body, b'"'))
        self._write(chain(header, body), kind or CSV)

    def _header_of(self, source: ObjectPath, first: bytes) -> list[bytes]:
        """Return the header if it comes from this result.

        :raises StorletShellError: when it differs from that of the results before it
        """
        header = first.removeprefix(_BOM).rstrip(b"\r\n")
        if self._header is None:
            self._header, self._header_source = header, source
            if self._name_column:
                return [_field(self._name_column), _separator(first), first]
            return [first]
        if header != self._header:
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
        for line in lines:
            rest = line.lstrip()
            if not rest:
                continue
            if not rest.startswith(b"{"):
                self._check_no_column(source)
            rest = rest[1:].lstrip()
            yield entry + (b"" if rest.startswith(b"}") else b", ") + rest

    def _check_no_column(self, source: ObjectPath) -> None:
        if self._name_column:
            raise StorletShellError(
                f"can't add the column {self._name_column}: the result is neither CSV nor JSON lines",
                subject=str(source),
            )

    def _write(self, pieces: Iterable[bytes], kind: str, *, ends_lines: bool = True) -> None:
        last = b""
        for piece in pieces:
            if not last and piece and self._needs_line_end and ends_lines:
                self.size += self._file.write(b"\n")
            self.size += self._file.write(piece)
            last = piece[-1:] or last
        if last:
            self._types.add(kind)
            self._needs_line_end = ends_lines and last != b"\n"


def _read(pieces: Iterator[bytes], size: int) -> bytes:
    """Return at least so many bytes from the start of a result, or all of it."""
    head = next(pieces, b"")
    while head and len(head) < size and (piece := next(pieces, None)) is not None:
        head += piece
    return head


def _records(pieces: Iterable[bytes], quote: bytes) -> Iterator[bytes]:
    """Yield records with their line ends; a line end between quotes belongs to a record.

    :param quote: the quotation mark; empty if every line is a record
    """
    rest = record = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            record += line + b"\n"
            if not quote or record.count(quote) % 2 == 0:
                yield record
                record = b""
    if record + rest:
        yield record + rest


def _split(pieces: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Return the first record of a result and the rest; a record whose quotes don't end soon is a line."""
    buffer, at = b"", 0
    for piece in pieces:
        buffer += piece
        while end := buffer.find(b"\n", at) + 1:
            if buffer.count(b'"', 0, end) % 2 == 0:
                return buffer[:end], chain([buffer[end:]], pieces)
            at = end
        if len(buffer) > _HEADER_BYTES:
            break
    end = buffer.find(b"\n") + 1 or len(buffer)
    return buffer[:end], chain([buffer[end:]], pieces)


def _lines_of_array(content: bytes) -> list[bytes] | None:
    """Return the elements of a JSON array as lines, spelled as they are there; None if it isn't an array."""
    try:
        text = content.decode("utf-8")
        decode, lines, at = json.JSONDecoder().raw_decode, [], _blanks(text, text.index("[") + 1)
        while text[at] != "]":
            _, end = decode(text, at)
            lines.append(f"{_LINE_BREAK.sub(' ', text[at:end])}\n".encode())  # strings contain no line breaks
            at = _blanks(text, end)
            if text[at] == ",":
                at = _blanks(text, at + 1)
            elif text[at] != "]":
                return None
        return lines if not text[at + 1 :].strip() else None
    except (ValueError, IndexError):  # text that begins like an array
        return None


def _blanks(text: str, at: int) -> int:
    """Return the position after blanks."""
    match = _BLANKS.match(text, at)
    return match.end() if match else at


def _field(text: str) -> bytes:
    """Return a text as a field of CSV."""
    doubled = text.replace('"', '""')
    needs_quotes = any(character in text for character in ',;\t|"\r\n')
    return (f'"{doubled}"' if needs_quotes else text).encode()


def _separator(record: bytes) -> bytes:
    """Return the separator of a record's fields: its most frequent one, or a comma."""
    return max(b",", b";", b"\t", b"|", key=record.count)


def _is_header(record: bytes) -> bool:
    """Tell whether a record looks like a header: several different names, and no numbers or dates."""
    fields = [field.strip(b'" ') for field in _SEPARATORS.split(record.removeprefix(_BOM).rstrip(b"\r\n"))]
    return len(set(fields)) == len(fields) and all(field and not _NUMBER.fullmatch(field) for field in fields)


def _kind_of(name: str) -> str:
    """Return the content type that an object's name stands for, if it is a table's; empty otherwise."""
    name = name.lower()
    for compression in COMPRESSIONS:
        name = name.removesuffix(compression.suffix)
    return {"csv": CSV, "tsv": TSV}.get(name.rpartition(".")[2], "")
