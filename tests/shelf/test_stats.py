"""``stats``: figures of columns, by SQLite's rules for numbers."""

from __future__ import annotations

import gzip
import random
import sqlite3
from typing import Any

import pytest

from storlet_shell.shelf.distinct import EXACT, Distinct
from storlet_shell.shelf.stats import stats
from tests.shelf.calls import opened

CSV = b'n,x,t,m,e\n7,1.5,"b,c",1,\n007,-2,a,z,\n,1e3,a,,\n'


def described(data: bytes, **parameters: Any) -> dict[str, dict[str, object]]:
    """Return the figures of each column by its name."""
    return {str(row.pop("column")): row for row in stats(opened(data), **parameters)}


def figures(*values: object) -> dict[str, object]:
    """Return the figures of a column as they are expected."""
    return dict(zip(("type", "count", "null", "min", "max", "mean", "distinct", "exact"), (*values, True), strict=True))


def test_columns_of_csv() -> None:
    """In their order; a number is one however it is written, and a mixture is ordered as in SQLite."""
    result = described(CSV)
    assert list(result) == ["n", "x", "t", "m", "e"]
    assert result["n"] == figures("integer", 2, 1, 7, 7, 7.0, 1)
    assert result["x"] == figures("real", 3, 0, -2, 1000, 333.1666666666667, 3)
    assert result["t"] == figures("text", 3, 0, "a", "b,c", None, 2)
    assert result["m"] == figures("mixed", 2, 1, 1, "z", 1.0, 2)
    assert result["e"] == figures("null", 0, 3, None, None, None, 0)


def test_columns_of_json_lines() -> None:
    """True is 1, nested values are their JSON, and a missing key is null."""
    lines = b'{"a": 1, "b": [1, 2]}\n{"a": true, "c": "x"}\n{"a": 2.5, "b": null}\n{"a": "3"}\n'
    result = described(lines)
    assert result["a"] == figures("real", 4, 0, 1, 3, 1.875, 3)
    assert result["b"] == figures("text", 1, 3, "[1,2]", "[1,2]", None, 1)
    assert result["c"] == figures("text", 1, 3, "x", "x", None, 1)


@pytest.mark.parametrize(
    ("data", "parameters", "columns"),
    [
        (CSV, {"columns": "x, n"}, ["x", "n"]),
        (b"1;2\n", {"header": False, "delimiter": ";"}, ["_1", "_2"]),
        (b'{"a": 1, "b": 2}\n', {"columns": "b"}, ["b"]),
        (b"a,b\n", {}, ["a", "b"]),
        (b"", {}, []),
        (b"", {"columns": "a"}, []),
        (gzip.compress(b"a\n1\n", mtime=0), {}, ["a"]),
    ],
)
def test_columns_can_be_chosen(data: bytes, parameters: dict[str, object], columns: list[str]) -> None:
    """Even without rows, CSV has columns."""
    assert list(described(data, **parameters)) == columns


@pytest.mark.parametrize(
    "text",
    ["7", " 7 ", "007", "1_000", "0x10", "nan", "inf", "1e999", "-0.0", "9223372036854775808", "١٢", "1.", ".5e1"],
)
def test_values_have_the_types_of_sqlite(text: str) -> None:
    """In a NUMERIC column."""
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE o (a NUMERIC)")
    database.execute("INSERT INTO o VALUES (?)", [text])
    kind, value = database.execute("SELECT typeof(a), a FROM o").fetchone()
    database.close()
    result = described(f"a,b\n{text},\n".encode())["a"]
    assert (result["type"], result["min"]) == (kind, str(value) if value == float("inf") else value)


@pytest.mark.slow
def test_sums_of_large_integers_are_exact() -> None:
    """Also of more than one chunk of rows."""
    data = b"a\n" + b"9007199254740993\n" * 20_000
    assert described(data)["a"]["mean"] == 9007199254740993 / 1
    assert described(b"a\n" + b"0.1\n0.2\n" * 10_000)["a"]["mean"] == pytest.approx(0.15, rel=1e-15)


@pytest.mark.parametrize("count", [10, EXACT, EXACT + 1, 5_000, 40_000])
def test_distinct_values_are_counted_or_estimated(count: int) -> None:
    """Exactly up to a limit, and then within four standard errors; repetition changes nothing."""
    distinct = Distinct()
    values = [f"value {number}" if number % 2 else number for number in range(count)]
    random.Random(1).shuffle(values)
    for start in range(0, count, 300):
        distinct.update(values[max(0, start - 100) : start + 300])
    assert distinct.is_exact == (count <= EXACT)
    assert distinct.count() == (count if distinct.is_exact else pytest.approx(count, rel=0.033))


@pytest.mark.parametrize(
    ("data", "parameters", "message"),
    [
        (CSV, {"columns": "y"}, "no column y; there are: n, x, t, m, e"),
        (b'{"a": 1}\n', {"columns": "y"}, "no column y; there are: a"),
        (CSV, {"delimiter": ""}, "parameter delimiter: must be one character, or tab, not ''"),
        (b"a,b\n1\n", {}, "row 1 (line 2): 1 fields, but the header has 2"),
        (b"a\n\xff\n", {}, "line 2: not UTF-8: byte 0xff"),
        (b"a,a\n", {}, "header: a column occurs twice"),
        (
            b"".join(b'{"k%d": 1}\n' % number for number in range(10_001)),
            {},
            "more than 10000 columns; name those to describe: parameter columns",
        ),
        (b'{"a": 1}\n3\n', {}, "row 2 (line 2): not a JSON object"),
    ],
)
def test_bad_parameters_and_rows_are_named(data: bytes, parameters: dict[str, object], message: str) -> None:
    """In one line."""
    with pytest.raises(ValueError, match=r"\A[^\n]+\Z") as caught:
        described(data, **parameters)
    assert str(caught.value) == message
