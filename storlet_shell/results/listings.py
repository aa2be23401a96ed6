"""Listings on the page of a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from storlet_shell.results.fields import Field
from storlet_shell.results.formats import is_number
from storlet_shell.results.page.grid import Cell, Column, block_cell, folded_cell, grid, sized_cell
from storlet_shell.text import printable

SHOWN_ROWS = 200
"""The number of rows that a page shows."""

_VOID = ("", "-")


def bundle(
    text: Sequence[str], fields: Sequence[tuple[int, Field]], rows: Sequence[Sequence[Any]], remark: str
) -> dict[str, str]:
    """Return a table as plain text, HTML, and Markdown: the columns in which there is something.

    :param text: the lines of the plain text
    :param fields: the columns, each behind its place in the rows
    :param remark: stands below the rows
    """
    columns: list[tuple[Column, list[Cell]]] = []
    for at, field in fields:
        values = [row[at] for row in rows]
        cells = [_cell(field, value) for value in values]
        if field.is_data or not rows or any(cell not in _VOID for cell in cells):
            to_the_right = field.is_number or any(map(is_number, values))
            columns.append((Column(field.heading, is_number=to_the_right), cells))
    cells_of_rows = list(zip(*(cells for _, cells in columns), strict=True))
    page = grid([column for column, _ in columns], cells_of_rows).noted(remark)
    return {"text/plain": "\n".join(map(printable, text)), "text/html": page.html, "text/markdown": page.markdown}


def cut(count: int, total: int | None) -> str:
    """Return the remark on a table that isn't shown whole.

    :param count: the number of rows that are shown
    :param total: the number of all rows; None if unknown
    """
    return f"the first {count} rows; there are more" if total is None else f"{count} of {total:,} rows"


def _cell(field: Field, value: Any) -> Cell:
    if field.is_size and isinstance(value, int):
        return sized_cell(value)
    text = field.spell(value)
    if field.is_block:
        return block_cell(text)
    return folded_cell(text) if field.is_transaction else Cell(text)
