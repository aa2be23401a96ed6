"""The standard storlet ``head``."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO

from storlet_shell.shelf.parameters import check_minimum, parse_delimiter
from storlet_shell.shelf.reading import decompressed, encoded, read_lines
from storlet_shell.shelf.records import detect_json, split_records


def head(
    file: BinaryIO, lines: int | None = None, rows: int | None = None, delimiter: str = ",", header: bool = True
) -> Iterator[bytes]:
    """Return the first lines, or the first rows of CSV or JSON lines.

    The rest isn't read. Lines and rows stay as they are; compressed objects are decompressed.

    :param lines: the number of lines (default: 10, unless rows are requested)
    :param rows: the number of rows; the header of CSV comes on top, and a row may have line ends in quotes
    :param delimiter: the character between the fields of CSV; or ``tab``
    :param header: whether CSV has a header
    :raises ValueError: if a number is negative, or both are passed
    """
    check_minimum("lines", lines)
    check_minimum("rows", rows)
    if rows is None:
        yield from _first_lines(decompressed(file), 10 if lines is None else lines)
    elif lines is not None:
        raise ValueError("parameter lines: pass lines or rows, not both")
    else:
        is_json, texts = detect_json(read_lines(file, ""))
        records = split_records(texts, is_json, parse_delimiter(delimiter))
        yield from map(encoded, islice(records, rows + (header and not is_json)))


def _first_lines(file: BinaryIO, count: int) -> Iterator[bytes]:
    while count:
        piece = file.readline(65536)
        if not piece:
            return
        yield piece
        count -= piece.endswith(b"\n")
