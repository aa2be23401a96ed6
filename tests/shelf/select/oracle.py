"""SQLite as the oracle: plans as SQL over one table of NUMERIC columns."""

from __future__ import annotations

import csv
import io
import json
import math
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from storlet_shell.shelf.select.entry import select

Node = list[Any]

AWKWARD = [
    *("", "0", "7", "007", "-3", "+5", " 12 ", "\t8\n", "1.0", "1.5", "-2.25", ".5", "1.", "1e3", "1e-3", "-0.0", "-0"),
    *("9223372036854775807", "-9223372036854775808", "9223372036854775808", "123456789012345678901234567890"),
    *("1e999", "-1e999", "1e18", "1e19", "9007199254740993", "4503599627370495.5", "0.1", "2.5", "-2.5", "1e15"),
    *("abc", "ABC", "aBc def", "a%b", "a_b", "[a]", "ä", "Ä", "日本", "12abc", "1.5x", "1e", "-", ".", "+"),
    *("1_000", "nan", "inf", "Infinity", "0x10", "٣", "\x1c5", "\xa05", "5\x00", "a\x00b", 'q"q', "x\ny", "x,y", "  "),
    *("0" * 30 + "7", "9" * 400, "0.1" + "0" * 40, "2026-11-29"),
]
"""Fields that type in surprising ways."""


def run(data: bytes, **plan: Any) -> list[Any]:
    """Run a plan over an object, and return the lines of the result."""
    return [json.loads(line) for line in select([io.BytesIO(data)], json.dumps({"v": 1, **plan}))]


def rows(data: bytes, **plan: Any) -> list[Any]:
    """Run a plan for rows, and return them."""
    *lines, _end = run(data, **plan)
    return [row for line in lines for row in line]


def table(columns: Sequence[str], records: Iterable[Sequence[str]]) -> bytes:
    """Return CSV with a header."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(records)
    return text.getvalue().encode()


class Oracle:
    """SQLite with one table of NUMERIC columns ``c0``, ``c1`` and so on."""

    def __init__(self, records: Sequence[Sequence[str]]) -> None:
        width = len(records[0]) if records else 1
        self._database = sqlite3.connect(":memory:")
        self._database.execute(f"CREATE TABLE o ({', '.join(f'c{number} NUMERIC' for number in range(width))})")
        marks = ", ".join("?" * width)
        fields = [[field or None for field in record] for record in records]
        self._database.executemany(f"INSERT INTO o VALUES ({marks})", fields)

    def values(self, node: Node) -> list[Any]:
        """Return the value of an expression for each row."""
        arguments: list[Any] = []
        query = f"SELECT {sql(node, arguments)} FROM o ORDER BY rowid"
        return [value for (value,) in self._database.execute(query, arguments)]

    def kept(self, condition: Node) -> list[int]:
        """Return the numbers of the rows, from 0, for which a condition is true."""
        arguments: list[Any] = []
        query = f"SELECT rowid - 1 FROM o WHERE {sql(condition, arguments)} ORDER BY rowid"
        return [number for (number,) in self._database.execute(query, arguments)]

    def query(self, text: str) -> list[Any]:
        """Return the rows of a query."""
        return self._database.execute(text).fetchall()


def sql(node: Node, arguments: list[Any]) -> str:
    """Return SQL for an expression without affinity, and add what is bound to it."""
    name, *parts = node
    if name == "col":
        return f"+c{parts[0]}"  # a plus takes away the affinity: plans have none
    if name == "lit":
        arguments.append(parts[0])
        return "?"
    if name in ("neg", "not", "text", "cast"):
        inner = sql(parts[0], arguments)
        templates = {"neg": "(-({}))", "not": "(NOT {})", "text": "+CAST({} AS TEXT)"}
        return (f"+CAST({{}} AS {parts[1]})" if name == "cast" else templates[name]).format(inner)
    if name == "in":
        return f"({sql(parts[0], arguments)} IN ({', '.join(sql(part, arguments) for part in parts[1])}))"
    if name == "like":
        value, pattern = sql(parts[0], arguments), sql(parts[1], arguments)
        return f"({value} LIKE {pattern}{'' if parts[2] is None else ' ESCAPE ' + sql(parts[2], arguments)})"
    if name == "case":
        branches = "".join(f" WHEN {sql(test, arguments)} THEN {sql(value, arguments)}" for test, value in parts[0])
        return f"(CASE{branches}{'' if parts[1] is None else ' ELSE ' + sql(parts[1], arguments)} END)"
    if name == "fn":
        return f"{parts[0]}({', '.join(sql(part, arguments) for part in parts[1])})"
    sign = {"isnot": "IS NOT"}.get(name, name.upper())
    return f"({sql(parts[0], arguments)} {sign} {sql(parts[1], arguments)})"


def same(ours: Any, theirs: Any) -> bool:
    """Tell whether two values have the same type and are equal; floats may differ in the last digits."""
    if type(ours) is not type(theirs):
        return False
    if isinstance(ours, float) and isinstance(theirs, float):
        return math.isclose(ours, theirs, rel_tol=1e-12, abs_tol=5e-324)
    return bool(ours == theirs)
