"""``%select`` and ``%%select``: a query on a line, and one that is the cell."""

from __future__ import annotations

import pytest

from tests.notebook.cells import Cells
from tests.support.lines import Runner


@pytest.fixture
def queried(cell: Cells, selecting: Runner, container: str) -> Cells:
    """Store two objects; run cells that may query them."""
    for name in "ab":
        selecting("upload", f"{container}/{name}.csv", stdin=f"x,y\n{name},007\n".encode())
    cell.shell.user_ns["c"] = container
    return cell


def test_query_is_the_line_or_the_cell(queried: Cells) -> None:
    """The value is a table, which ``-o`` keeps."""
    table = queried.good("%select 'SELECT x, y FROM o ORDER BY x DESC' {c}/*.csv").value
    assert [tuple(row) for row in table] == [("b", 7), ("a", 7)]
    assert queried.good("%%select {c}/*.csv -o kept\nSELECT sum(y) AS total\nFROM o").value is None
    assert queried.shell.user_ns["kept"][0].total == 14
    assert queried.shell.user_ns["kept"].dataframe("pandas")["total"].tolist() == [14]


def test_error_is_one_line(queried: Cells) -> None:
    """With the place in the cell's own lines."""
    ended = queried("%%select {c}/*.csv\nSELECT x\nFROM o\nWHERE y > >")
    assert "unexpected > (line 3, column 11)" in str(ended.error)
