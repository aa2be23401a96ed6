"""Run a query over several objects without a server, and the same query by sqlite3 over all rows in one table."""

from __future__ import annotations

import csv
import io
import json
import math
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import Any, NamedTuple

from storlet_shell.select import storlet
from storlet_shell.select.joining.parts import Parts
from storlet_shell.select.options import SelectOptions
from storlet_shell.select.statement.binding import bind, check_early
from storlet_shell.select.statement.query import parse_query
from storlet_shell.select.statement.rendering import quoted
from storlet_shell.select.statement.split import split
from storlet_shell.shelf.select.entry import select
from storlet_shell.values import ObjectPath

Row = tuple[Any, ...]
TOLERANCE = 1e-12


class Result(NamedTuple):
    """The result of a query."""

    columns: tuple[str, ...]
    rows: list[Row]


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[str | None]]) -> bytes:
    """Write rows as CSV; None becomes an empty field."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(columns)
    writer.writerows(["" if value is None else value for value in row] for row in rows)
    return file.getvalue().encode()


def as_json(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """Write rows as JSON lines."""
    return "".join(f"{json.dumps(dict(zip(columns, row, strict=True)))}\n" for row in rows).encode()


def parted(rows: Sequence[Any], count: int) -> list[Sequence[Any]]:
    """Deal rows to so many parts, in order."""
    step = max(1, math.ceil(len(rows) / count))
    return [rows[start : start + step] for start in range(0, max(1, len(rows)), step)]


def run_storlet(plan: str, content: bytes) -> list[bytes]:
    """Run the storlet's function over an object."""
    return list(select([io.BytesIO(content)], plan))


def query_parts(text: str, objects: Sequence[bytes], options: SelectOptions | None = None) -> Result:
    """Run a query over objects as the client does: split it, run its part over each, and join the results."""
    options = options or SelectOptions()
    query = parse_query(text)
    check_early(query)
    asked = storlet.complete({"probe": True}, options)
    (answer,) = (json.loads(line)["probe"] for line in b"".join(run_storlet(asked, objects[0])).splitlines()[:1])
    bound = bind(query, answer["columns"])
    sides = split(bound)
    plan = storlet.complete(sides.plan(), options, answer["format"])
    parts = Parts(sides)
    rows: list[Row] = []
    for number, content in enumerate(objects):
        if not parts.is_enough:
            rows += parts.join(ObjectPath("c", f"{number}.csv"), run_storlet(plan, content))
    rows += parts.finish()
    return Result(sides.names, rows)


def query_table(text: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Result:
    """Run a query by sqlite3 over a table ``o`` of NUMERIC columns."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute(f"CREATE TABLE o ({', '.join(f'{quoted(name)} NUMERIC' for name in columns)})")
        marks = ", ".join("?" * len(columns))
        database.executemany(
            f"INSERT INTO o VALUES ({marks})",
            [[value or None if isinstance(value, str) else value for value in row] for row in rows],
        )
        cursor = database.execute(text)
        return Result(tuple(column[0] for column in cursor.description), cursor.fetchall())


def assert_equal(actual: Result, expected: Result, *, ordered: bool) -> None:
    """Compare the rows, with their types; floats may differ in their last digits."""
    assert len(actual.rows[:1] and actual.rows[0]) == len(expected.rows[:1] and expected.rows[0])
    mine, theirs = actual.rows, expected.rows
    if not ordered:
        mine, theirs = sorted(mine, key=_key), sorted(theirs, key=_key)
    assert len(mine) == len(theirs), (mine, theirs)
    for one, other in zip(mine, theirs, strict=True):
        assert all(map(_is_same, one, other)), (one, other)


def _key(row: Row) -> list[tuple[int, Any]]:
    return [
        (0, 0) if value is None else (2, value) if isinstance(value, str) else (1, _rounded(value)) for value in row
    ]


def _rounded(value: float) -> float:
    return float(f"{value:.9e}")


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return one == other or math.isclose(one, other, rel_tol=TOLERANCE)
    kinds = [int if isinstance(value, int) else type(value) for value in (one, other)]
    return kinds[0] is kinds[1] and one == other


def counts(rows: Iterable[Row]) -> Counter[str]:
    """Count rows, by their spelling."""
    return Counter(map(repr, rows))
