"""The formats that a table can be shown in. A new one is one function here, and its line in :data:`FORMATS`."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Protocol

_BLOCK_ROWS = 1000
"""How many rows are aligned together, so that a table of any length takes the same memory."""


class Tabular(Protocol):
    """What a format needs to know of a table.

    :ivar columns: the names of the columns
    :ivar is_headed: whether people read the names above the rows
    :ivar separator: written between two rows of a JSON document
    :ivar total: a last line that sums the rows up, asked for after the last of them; None for none
    """

    columns: tuple[str, ...]
    is_headed: bool
    separator: str
    total: Callable[[], str] | None

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Yield the rows, in constant memory."""

    def figures(self) -> Mapping[str, Any]:
        """Return what is known of all rows together, after the last of them."""


Format = Callable[[Tabular], Iterator[str]]


def text_lines(table: Tabular) -> Iterator[str]:
    """Yield a line for each row, the columns as wide as the widest value so far in a block of rows."""
    heading = [list(map(_heading, table.columns))] if table.is_headed and len(table.columns) > 1 else []
    columns = range(len(table.columns))
    for number, block in enumerate(_blocks(table.rows())):
        cells = heading + [["" if value is None else str(value) for value in row] for row in block]
        widths = [max(len(row[column]) for row in cells) for column in columns]
        numeric = [any(isinstance(row[column], int) for row in block) for column in columns]
        for row in cells[len(heading) if number else 0 :]:
            yield "  ".join(_aligned(*cell) for cell in zip(row, widths, numeric, strict=True)).rstrip()
    if table.total is not None:
        yield table.total()


def json_document(table: Tabular) -> Iterator[str]:
    """Yield one JSON document, in pieces: the rows as they come, and then the figures."""
    yield '{"rows": ['
    for number, row in enumerate(table.rows()):
        fields = dict(zip(table.columns, row, strict=True))
        yield (table.separator if number else "") + json.dumps(fields, ensure_ascii=False)
    figures = table.figures()
    yield f"], {json.dumps(figures, ensure_ascii=False)[1:]}" if figures else "]}"


FORMATS: Mapping[str, Format] = MappingProxyType({"text": text_lines, "json": json_document})
"""Every format: its name, and the function that turns a table into pieces of text; those of ``text`` are lines."""


def _heading(column: str) -> str:
    return column.replace("_", " ").upper()


def _blocks(rows: Iterator[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    while block := list(itertools.islice(rows, _BLOCK_ROWS)):
        yield block


def _aligned(text: str, width: int, right: bool) -> str:
    return text.rjust(width) if right else text.ljust(width)
