"""Expressions of plans give what SQLite gives, value and type."""

from __future__ import annotations

import itertools
import random
import sqlite3
from typing import Any

import pytest

from tests.shelf.select.oracle import AWKWARD, Node, Oracle, rows, same, table

A: Node = ["col", 0]
B: Node = ["col", 1]
PAIRS = [*zip(AWKWARD, AWKWARD[7:] + AWKWARD[:7], strict=True), *zip(AWKWARD, AWKWARD, strict=True)]
PAIRS += itertools.product(["7", "-2.5", "0", "", "abc", "9223372036854775807", "1e999"], repeat=2)


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    """Return SQLite with the awkward pairs."""
    return Oracle(PAIRS)


def lit(value: Any) -> Node:
    """Return a literal."""
    return ["lit", value]


def call(name: str, *arguments: Node) -> Node:
    """Return a call of a function."""
    return ["fn", name, list(arguments)]


BINARY = ["+", "-", "*", "/", "%", "||", "=", "!=", "<", "<=", ">", ">=", "is", "isnot", "and", "or"]
LITERALS = [0, 3, -2, 2**63 - 1, -(2**63), 2.5, -0.5, 1e300, "7", "abc", "ABC", "1.5x", "", None]
EXPRESSIONS: list[Node] = [
    A,
    *([name, A, B] for name in BINARY),
    *([name, A, lit(value)] for name in BINARY for value in LITERALS),
    *([name, lit(value), B] for name in ("-", "/", "%", "<", ">=", "is") for value in LITERALS),
    *([name, A] for name in ("neg", "not", "text")),
    *(["cast", A, name] for name in ("INTEGER", "REAL", "TEXT", "NUMERIC")),
    *(["cast", ["text", A], name] for name in ("INTEGER", "REAL", "TEXT", "NUMERIC")),
    *(["cast", ["*", A, lit(1.0)], name] for name in ("INTEGER", "REAL", "TEXT", "NUMERIC")),
    *(["in", A, [lit(value) for value in values]] for values in ([], [7, "abc"], [7, None], ["7", 2.5, "ä"])),
    ["in", A, [B, lit(0)]],
    ["not", ["in", A, [B, lit(None)]]],
    *(
        ["like", A, lit(pattern), None]
        for pattern in (
            "abc",
            "A%",
            "%b%",
            "_",
            "%",
            "",
            "a_b",
            "%a%b%",
            "7%",
            "%.%",
            "1_0%",
            "ä",
            None,
            7,
            "[a]",
            "%.0",
        )
    ),
    ["like", A, B, None],
    *(["like", A, lit(pattern), lit(escape)] for pattern in (r"a\%b", r"a\_b", "%", "a\\", "%%%") for escape in "\\%_"),
    ["like", A, lit("a"), lit(None)],
    *(
        ["glob", A, lit(pattern)]
        for pattern in (
            "a*",
            "*",
            "?",
            "[a-c]*",
            "[^a]*",
            "[]a]*",
            "[a",
            "*[0-9]",
            "a?b",
            "[[]a]",
            "[c-a]",
            "[a-]b",
            None,
        )
    ),
    ["glob", A, B],
    ["case", [[["<", A, lit(5)], lit("low")], [["<", A, lit(50)], B]], lit("high")],
    ["case", [[A, lit(1)]], None],
    ["case", [[["not", ["=", A, B]], A]], ["neg", B]],
    *(
        call(name, A)
        for name in ("abs", "length", "lower", "upper", "sign", "trim", "ltrim", "rtrim", "typeof", "round")
    ),
    *(call(name, A, B) for name in ("coalesce", "ifnull", "instr", "max", "min", "nullif", "trim", "ltrim", "rtrim")),
    call("coalesce", A, B, lit("none")),
    call("iif", ["<", A, B], A, lit("no")),
    *(call("max", A, lit(value), B) for value in (7, 7.0, "b", None)),
    *(call("min", A, lit(value), B) for value in (7, 7.0, "b", None)),
    *(call("round", A, lit(digits)) for digits in (0, 1, 2, -1, "1", None)),
    *(call("substr", A, lit(start)) for start in (-3, -1, 0, 1, 2, 9, 2.9, "2", None)),
    *(call("substr", A, lit(start), lit(size)) for start in (-9, -2, 0, 1, 3) for size in (-2, 0, 1, 5, None)),
    *(call("replace", A, lit(part), lit(other)) for part in ("a", "", "7", 7, None) for other in ("xy", "", 1, None)),
    *(call("trim", A, lit(characters)) for characters in ("a7", "", 1, None)),
    *(call("instr", A, lit(part)) for part in ("b", "", 0, "ä", None)),
    call("typeof", ["+", A, B]),
    ["and", ["or", ["<", A, B], ["not", A]], ["isnot", B, lit(None)]],
    ["||", ["||", A, lit("/")], ["+", B, lit(0.5)]],
    ["+", ["+", ["+", A, B], lit(1)], lit(0.25)],
]


def test_many_expressions_give_the_values_of_sqlite(oracle: Oracle) -> None:
    """Each is computed over pairs of awkward fields, as part of one projection."""
    nodes = [node for node in EXPRESSIONS if node[:2] != ["fn", "abs"]]
    assert len(nodes) > 350
    ours = rows(
        table(["a", "b"], PAIRS), columns=["a", "b"], rows=[["fn", "ifnull", [node, ["lit", None]]] for node in nodes]
    )
    for number, node in enumerate(nodes):
        check(node, [row[number] for row in ours], oracle.values(node), PAIRS)


@pytest.mark.slow
def test_conditions_keep_the_rows_that_sqlite_keeps(oracle: Oracle) -> None:
    """An expression is true, false, or NULL; the fast forms of comparisons decide as the general ones."""
    data = table(["a", "b"], PAIRS)
    conditions = [node for node in EXPRESSIONS if node[0] in (*BINARY[6:], "in", "like", "not", "case")]
    conditions += [["not", node] for node in conditions]
    for node in conditions:
        selected = [tuple(row) for row in rows(data, columns=["a", "b"], where=node, rows=[A, B])]
        expected = [tuple(field or None for field in PAIRS[number]) for number in oracle.kept(node)]
        assert selected == expected, node


def test_several_conditions_are_all_required(oracle: Oracle) -> None:
    """Cheap ones are decided first, whatever their order."""
    condition = ["and", ["and", ["like", A, lit("%a%"), None], ["!=", A, lit("abc")]], ["<", A, B]]
    selected = rows(table(["a", "b"], PAIRS), columns=["a", "b"], where=condition, rows=[A, B])
    assert selected == [[field or None for field in PAIRS[number]] for number in oracle.kept(condition)]
    assert selected


def test_affinity_is_applied_where_the_plan_says(oracle: Oracle) -> None:
    """NUMERIC affinity gives the value that a NUMERIC column stores."""
    stored = oracle.values(A)
    texts = [["num", ["lit", text]] for text in AWKWARD if text]
    ours = rows(b"a\n1\n", columns=["a"], rows=texts)[0]
    for text, value in zip([text for text in AWKWARD if text], ours, strict=True):
        assert same(value, stored[AWKWARD.index(text)]), text


def test_least_integer_has_no_absolute_value() -> None:
    """SQLite refuses it, too."""
    with pytest.raises(ValueError, match="integer overflow"):
        rows(b"a\n-9223372036854775808\n", columns=["a"], rows=[call("abs", A)])
    with pytest.raises(sqlite3.OperationalError, match="integer overflow"):
        Oracle([["-9223372036854775808"]]).values(call("abs", A))
    values = [text for text in AWKWARD if text != "-9223372036854775808"]
    ours = rows(table(["a"], [[text] for text in values]), columns=["a"], rows=[call("abs", A), A])
    check(call("abs", A), [row[0] for row in ours], Oracle([[text] for text in values]).values(call("abs", A)), values)


@pytest.mark.parametrize("pattern", ["%" * 20 + "b", "%a" * 30 + "%b", "_" * 50 + "%a%b"])
def test_patterns_take_no_exponential_time(pattern: str) -> None:
    """Wildcards in a row, and a text that matches until its end."""
    data = table(["a"], [["a" * 20_000]])
    assert rows(data, columns=["a"], where=["like", A, lit(pattern), None], rows=[A]) == []


def check(node: Node, ours: list[Any], theirs: list[Any], fields: list[Any]) -> None:
    """Compare the values of an expression."""
    for our, their, field in zip(ours, theirs, fields, strict=True):
        assert same(our, their), (node, field, our, their)


def test_floats_are_rounded_and_shown_as_by_sqlite() -> None:
    """Half away from zero. Versions differ where only the digits of a float are in the middle; none is drawn."""
    generator = random.Random(5)
    numbers = [generator.uniform(-1, 1) * 10.0 ** generator.randrange(-7, 12) for _ in range(500)]
    numbers += [generator.randrange(-9999, 9999) / 8 for _ in range(500)] + [-2833655671809.625, 123456789012345.5]
    records = [[repr(number)] for number in numbers]
    nodes: list[Node] = [call("round", A), call("round", A, lit(2)), ["||", A, lit("")]]
    ours = rows(table(["a"], records), columns=["a"], rows=nodes)
    for number, node in enumerate(nodes):
        check(node, [row[number] for row in ours], Oracle(records).values(node), records)
