"""Queries over several objects give what sqlite3 gives over all rows in one table."""

from __future__ import annotations

from typing import Any

import pytest

from tests.select.oracle import as_csv, as_json, assert_equal, parted, query_parts, query_table
from tests.select.queries import COLUMNS, GROUP_QUERIES, ORDERED_QUERIES, ROW_QUERIES, ROWS, split_lines

UNORDERED = split_lines(ROW_QUERIES) + split_lines(GROUP_QUERIES)
ORDERED = split_lines(ORDERED_QUERIES)
_FAST = 3
"""One query of so many isn't slow."""
OBJECTS = [as_csv(COLUMNS, part) for part in parted(ROWS, 7)]


def sampled(queries: list[str]) -> list[Any]:
    """Return queries as parameters, most of them marked as slow."""
    marks = [() if number % _FAST == 0 else (pytest.mark.slow,) for number in range(len(queries))]
    return [pytest.param(query, marks=mark) for query, mark in zip(queries, marks, strict=True)]


def test_there_are_many_queries() -> None:
    """The list covers the dialect."""
    assert len(set(UNORDERED + ORDERED)) >= 200


@pytest.mark.parametrize("query", sampled(UNORDERED))
def test_rows_are_those_of_sqlite(query: str) -> None:
    """In any order, since the query asks for none."""
    assert_equal(query_parts(query, OBJECTS), query_table(query, COLUMNS, ROWS), ordered=False)


@pytest.mark.parametrize("query", sampled(ORDERED))
def test_order_is_that_of_sqlite(query: str) -> None:
    """So are groups without an order, and the first rows of the listing."""
    assert_equal(query_parts(query, OBJECTS), query_table(query, COLUMNS, ROWS), ordered=True)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT a, n FROM o ORDER BY n",
        "SELECT hex(a), n FROM o WHERE hex(a) > ''",
        "SELECT a, avg(n), total(n), count(*) FROM o GROUP BY a",
        "SELECT count(DISTINCT a), count(*) FROM o",
        "SELECT DISTINCT a FROM o",
    ],
)
def test_rows_of_json_that_sqlite_cannot_store_come_once(query: str) -> None:
    """Integers beyond 64 bits, and texts that aren't Unicode; so do the rows before them, and floats stay floats."""
    table: list[tuple[Any, Any]] = [
        (1, 1),
        (2.0, 2),
        ("x", 3),
        (2**64, 4),
        (-(10**30), 5),
        ("\ud800", 6),
        (3, 7),
        (2**64, 8),
    ]
    objects = [as_json(("a", "n"), part) for part in parted(table, 3)]
    stored = [(float(a) if isinstance(a, int) else a if a != "\ud800" else "?", n) for a, n in table]
    assert_equal(query_parts(query, objects), query_table(query, ("a", "n"), stored), ordered="ORDER" in query)
