"""Records of tables as bytes: where they end, their fields, and whether one of them looks like a header."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from itertools import chain

from storlet_shell.results.page.decoding import COMPRESSIONS
from storlet_shell.text import is_text

CSV, TSV = "text/csv", "text/tab-separated-values"

BOM = b"\xef\xbb\xbf"

_HEADER_BYTES = 1024 * 1024
_QUOTED = re.compile(rb'"[^"]*"')
_NUMBER = re.compile(r"[+-]?[\d.,]+(?:[eE][+-]?\d+)?|(?i:nan|inf|null|none)|\d+[-/:.]\d+.*")


def kind_of(name: str) -> str:
    """Return the content type that an object's name stands for, if it is a table's; empty otherwise."""
    name = name.lower()
    for compression in COMPRESSIONS:
        name = name.removesuffix(compression.suffix)
    return {"csv": CSV, "tsv": TSV}.get(name.rpartition(".")[2], "")


def is_readable(head: bytes, kind: str) -> bool:
    """Tell whether a result can be joined line by line: text, or a table in another charset that extends ASCII.

    :param head: its start
    :param kind: see :func:`kind_of`
    """
    if is_text(head):
        return True
    is_compressed = any(head.startswith(compression.magic) for compression in COMPRESSIONS)
    return bool(kind) and not is_compressed and b"\0" not in head.partition(b"\n")[0]


def records(pieces: Iterable[bytes], separator: bytes) -> Iterator[bytes]:
    """Yield records with their line ends; a line end in a quoted field belongs to the record.

    :param separator: of fields; empty if every line is a record
    """
    rest = b""
    record: list[bytes] = []
    is_open = False
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            record.append(line + b"\n")
            is_open = bool(separator) and _ends_open(line, separator, is_open=is_open)
            if not is_open:
                yield b"".join(record)
                record.clear()
    if last := b"".join([*record, rest]):
        yield last


def split(pieces: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Return the first record of a result and the rest; a record whose quotes don't end soon is a line."""
    remaining = iter(pieces)
    buffer, at, is_open = b"", 0, False
    for piece in remaining:
        buffer += piece
        while end := buffer.find(b"\n", at) + 1:
            is_open = _ends_open(buffer[at : end - 1], separator_of(buffer[:end]), is_open=is_open)
            if not is_open:
                return buffer[:end], chain([buffer[end:]], remaining)
            at = end
        if len(buffer) > _HEADER_BYTES:
            break
    end = buffer.find(b"\n") + 1 or len(buffer)
    return buffer[:end], chain([buffer[end:]], remaining)


def _ends_open(line: bytes, separator: bytes, *, is_open: bool) -> bool:
    """Tell whether a line ends within a quoted field: quotes count at the start of a field, as for ``csv``.

    :param is_open: whether it starts within one
    """
    at = 0
    while True:
        if is_open or line[at : at + 1] == b'"':
            at = _end_of_quotes(line, at if is_open else at + 1)
            if at < 0:
                return True
            is_open = False
        at = line.find(separator, at) + 1
        if not at:
            return False


def _end_of_quotes(line: bytes, at: int) -> int:
    """Return the position after a quoted field; -1 if it doesn't end in this line."""
    while end := line.find(b'"', at) + 1:
        if line[end : end + 1] != b'"':
            return end
        at = end + 1
    return -1


def separator_of(record: bytes) -> bytes:
    """Return the separator of a record's fields: its most frequent one outside quotes, or a comma."""
    return max(b",", b";", b"\t", b"|", key=_QUOTED.sub(b"", record).count)


def field(text: str) -> bytes:
    """Return a text as a field of CSV."""
    doubled = text.replace('"', '""')
    needs_quotes = any(character in text for character in ',;\t|"\r\n')
    return (f'"{doubled}"' if needs_quotes else text).encode()


def fields_of(record: bytes) -> list[str]:
    """Return the fields of a record, without quotes around them."""
    text = record.removeprefix(BOM).rstrip(b"\r\n").decode("utf-8", "surrogateescape")
    try:
        return next(csv.reader([text], delimiter=separator_of(record).decode()), [])
    except csv.Error:
        return [text]


def is_header(record: bytes) -> bool:
    """Tell whether a record looks like a header: several different names, and no numbers or dates.

    One name may be empty, as that of an index is.
    """
    names = [name.strip() for name in fields_of(record)]
    return any(names) and len(set(names)) == len(names) and not any(map(_NUMBER.fullmatch, names))
