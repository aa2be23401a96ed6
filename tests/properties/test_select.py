"""Queries and data that are drawn at random give what sqlite3 gives, however the rows are split."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storlet_shell.errors import StorletShellError, UsageError
from storlet_shell.select.statement.binding import bind
from storlet_shell.select.statement.query import parse_query
from storlet_shell.select.statement.rendering import render
from tests.select.oracle import as_csv, assert_equal, parted, query_parts, query_table

pytestmark = pytest.mark.slow

COLUMNS = ("a", "b", "c")

_TEXTS = (
    "",
    "x",
    "X",
    "fog",
    "FOG",
    "50%",
    "a_b",
    'say "so"',
    "two\nlines",
    "a,b",
    "é",
    "É",
    "雨",
    "😀",
    " x ",
    "it's",
)
_NUMBERS = (
    "0",
    "-0",
    "1",
    "2",
    "-3",
    "007",
    " 12 ",
    "+5",
    "1_000",
    "nan",
    "inf",
    "0x10",
    "1e3",
    ".5",
    "5.",
    "-2.5",
    "3.0",
)
_LARGE = ("9223372036854775807", "9223372036854775808", "-9223372036854775808", "1e400", "123456789012345678901")

fields = st.one_of(st.none(), st.sampled_from(_NUMBERS), st.sampled_from(_TEXTS), st.sampled_from(_LARGE))
rows = st.lists(st.tuples(fields, fields, fields), max_size=12)

_literals = st.sampled_from(
    [
        "NULL",
        "0",
        "1",
        "2",
        "-3",
        "0.5",
        "2.5",
        "1e3",
        "'1'",
        "'007'",
        "'fog'",
        "''",
        "'x'",
        "9223372036854775807",
        "TRUE",
    ]
)
_leaves = st.one_of(st.sampled_from(COLUMNS), st.sampled_from(COLUMNS), _literals)


def _larger(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(parts, parts)
    three = st.tuples(parts, parts, parts)
    operators = st.sampled_from(
        ["+", "-", "*", "/", "%", "||", "=", "!=", "<", "<=", ">", ">=", "IS", "IS NOT", "AND", "OR", "LIKE", "GLOB"]
    )
    return st.one_of(
        st.builds("({0[0]} {1} {0[1]})".format, two, operators),
        st.builds("({0} {1})".format, st.sampled_from(["-", "+", "NOT"]), parts),
        st.builds("({0[0]} {1} {0[1]} AND {0[2]})".format, three, st.sampled_from(["BETWEEN", "NOT BETWEEN"])),
        st.builds("({0[0]} {1} ({0[1]}, {0[2]}))".format, three, st.sampled_from(["IN", "NOT IN"])),
        st.builds("({0} {1} NULL)".format, parts, st.sampled_from(["IS", "IS NOT"])),
        st.builds("CAST({0} AS {1})".format, parts, st.sampled_from(["INTEGER", "REAL", "TEXT", "NUMERIC"])),
        st.builds("CASE WHEN {0[0]} THEN {0[1]} ELSE {0[2]} END".format, three),
        st.builds("CASE {0[0]} WHEN {0[1]} THEN 1 WHEN {0[2]} THEN 2 END".format, three),
        st.builds("{0}({1})".format, st.sampled_from(["lower", "upper", "length", "typeof", "trim", "hex"]), parts),
        st.builds("{0}({1[0]}, {1[1]})".format, st.sampled_from(["coalesce", "nullif", "min", "max", "instr"]), two),
        st.builds("substr({0}, {1}, {2})".format, parts, st.integers(-3, 3), st.integers(-3, 3)),
        st.builds("{0}({1[0]}, {1[1]}, {1[2]})".format, st.sampled_from(["iif", "replace"]), three),
    )


expressions = st.recursive(_leaves, _larger, max_leaves=6)
aggregates = st.one_of(
    st.just("count(*)"),
    st.builds("{0}({1})".format, st.sampled_from(["count", "min", "max", "sum", "total", "avg"]), expressions),
    st.builds("count(*) FILTER (WHERE {0})".format, expressions),
    st.builds("count(DISTINCT {0})".format, expressions),
)


class Drawn(NamedTuple):
    """A query, and whether its rows have an order."""

    text: str
    is_ordered: bool = False


def _where(condition: str | None) -> str:
    return "" if condition is None else f" WHERE {condition}"


_conditions = st.none() | expressions
queries = st.one_of(
    st.builds(
        lambda x, y, where: Drawn(f"SELECT {x}, {y} FROM o{_where(where)}"), expressions, expressions, _conditions
    ),
    st.builds(lambda x, where: Drawn(f"SELECT DISTINCT {x} FROM o{_where(where)}"), expressions, _conditions),
    st.builds(lambda x, y, where: Drawn(f"SELECT {x}, {y} FROM o{_where(where)}"), aggregates, aggregates, _conditions),
    st.builds(
        lambda key, x, y, where: Drawn(f"SELECT {key}, {x}, {y} FROM o{_where(where)} GROUP BY {key}"),
        expressions,
        aggregates,
        aggregates,
        _conditions,
    ),
    st.builds(
        lambda x, where, limit: Drawn(
            f"SELECT a, b, c FROM o{_where(where)} ORDER BY {x}, a, b, c LIMIT {limit}", True
        ),
        expressions.filter(lambda text: not text.lstrip("-").isdigit()),
        _conditions,
        st.integers(0, 5),
    ),
    st.builds(
        lambda x, limit, skip: Drawn(f"SELECT {x} FROM o LIMIT {limit} OFFSET {skip}", True),
        expressions,
        st.integers(0, 9),
        st.integers(0, 3),
    ),
)


@settings(max_examples=200)
@given(query=queries, table=rows, count=st.integers(1, 4))
def test_any_query_is_answered_as_by_sqlite(query: Drawn, table: list[tuple[str | None, ...]], count: int) -> None:
    """With the same rows, or an error where SQLite has one."""
    objects = [as_csv(COLUMNS, part) for part in parted(table, count)]
    try:
        expected = query_table(query.text, COLUMNS, table)
    except sqlite3.Error:
        expected = None
    try:
        actual = query_parts(query.text, objects)
    except (StorletShellError, ValueError):
        actual = None
    if expected is None or actual is None:
        assert expected is actual, (expected, actual)
        return
    assert_equal(actual, expected, ordered=query.is_ordered)


_OPERATORS = (
    *("+", "-", "*", "/", "%", "||", "&", "|", "<<", ">>", "=", "==", "!=", "<>", "<", "<=", ">", ">="),
    *(
        "IS",
        "IS NOT",
        "LIKE",
        "NOT LIKE",
        "GLOB",
        "AND",
        "OR",
        "IS DISTINCT FROM",
        "BETWEEN 1 AND",
        "NOT BETWEEN 0 AND",
    ),
)
_operands = st.sampled_from(
    ["0", "1", "2", "3", "-1", "+2", "~1", "NOT 0", "NOT 1", "'1'", "1 IS NULL", "2 IN (1, 2)", "NULL"]
)


@settings(max_examples=500)
@given(first=_operands, rest=st.lists(st.tuples(st.sampled_from(_OPERATORS), _operands), min_size=1, max_size=4))
def test_operators_bind_as_in_sqlite(first: str, rest: list[tuple[str, str]]) -> None:
    """Or parentheses are asked for."""
    text = " ".join([first, *(part for pair in rest for part in pair)])
    try:
        query = parse_query(f"SELECT {text} FROM o")
    except UsageError:
        return
    (output,) = bind(query, ["a"]).outputs
    with closing(sqlite3.connect(":memory:")) as database:
        expected, actual = database.execute(f"SELECT {text}, {render(output.expression, str)}").fetchone()
    assert actual == expected
