"""The first rows of a table, whatever it is stored as."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.results.page.grid import Column, View, grid, void_cell
from storlet_shell.results.page.head import Head, short
from storlet_shell.text import size

ROWS = 20
"""The number of rows that a preview shows."""

_COLUMNS = 30
_CELL = 80


@typed_equality
class Sample(NamedTuple):
    """The first rows of a table.

    :param columns: the names and types of its columns; a type may be empty
    :param rows: as many values as there are columns, or fewer
    :param total: the number of rows of the whole table; None if unknown
    :param has_names: whether the columns have names
    """

    columns: Sequence[tuple[str, str]]
    rows: Sequence[Sequence[Any]]
    total: int | None
    has_names: bool = True


def sample_view(sample: Sample, head: Head) -> View:
    """Show the first rows of a table."""
    columns = [
        Column(short(name, _CELL), kind, is_number=_are_numbers(row[at] for row in sample.rows if at < len(row)))
        for at, (name, kind) in enumerate(sample.columns[:_COLUMNS])
    ]
    rows = [[_cell(value) for value in row[:_COLUMNS]] for row in sample.rows]
    shown = grid(columns, rows, has_names=sample.has_names)
    return shown.noted("; ".join(_remarks(sample, head)))


def _remarks(sample: Sample, head: Head) -> Iterable[str]:
    count = len(sample.rows)
    if sample.total is None:
        whole = size(head.length) if head.length is not None else "a body of unknown size"
        yield f"the first {count} rows of {whole}"
    elif sample.total > count:
        yield f"{count} of {sample.total:,} rows"
    if len(sample.columns) > _COLUMNS:
        yield f"{_COLUMNS} of {len(sample.columns):,} columns"


def is_number(value: Any) -> bool:
    """Tell whether a value, or its text, is a number."""
    if isinstance(value, bool | None):
        return False
    try:
        float(value)
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def _are_numbers(values: Iterable[Any]) -> bool:
    present = [value for value in values if value is not None and value != ""]
    return bool(present) and all(map(is_number, present))


def _cell(value: Any) -> str:
    if value is None:
        return void_cell("null")
    if isinstance(value, str):
        return short(value, _CELL)
    if isinstance(value, bytes):
        return short(value[:_CELL].hex(" "), _CELL)
    if isinstance(value, bool | list | dict):
        return short(json.dumps(value, ensure_ascii=False, default=str), _CELL)
    return short(str(value), _CELL)
