"""Groups and aggregates give what SQLite gives, however rows are split."""

from __future__ import annotations

import math
import random
from itertools import pairwise
from typing import Any

import pytest

from storlet_shell.shelf.select.sums import empty_state, exact_parts, finish_state, merge_states, round_parts
from storlet_shell.shelf.select.values import numeric, order_key
from tests.shelf.select.oracle import AWKWARD, Node, Oracle, run, same, table

NAMES = ("count", "sum", "total", "avg", "min", "max")
FIELDS = [field for field in AWKWARD if field not in ("-1e999", "9223372036854775807", "-9223372036854775808")]


def groups(data: bytes, keys: list[Node], aggregates: list[list[Any]], **plan: Any) -> dict[Any, list[Any]]:
    """Run a plan for groups; return the finished aggregates by the typed key."""
    lines = run(data, groups={"keys": keys, "aggregates": aggregates}, **plan)
    assert list(lines[-1]) == ["end"]
    finished: dict[Any, list[Any]] = {}
    for line in lines[:-1]:
        key, states = line["g"]
        pairs = zip(aggregates, states, strict=True)
        finished[tuple(map(numeric, key))] = [finish_state(name, state) for (name, _), state in pairs]
    assert len(finished) == len(lines) - 1
    return finished


def expected(records: list[list[str]], keys: str, aggregates: str) -> dict[Any, list[Any]]:
    """Return the same from SQLite."""
    count = len(keys.split(",")) if keys else 0
    query = f"SELECT {', '.join(filter(None, [keys, aggregates]))} FROM o{' GROUP BY ' + keys if keys else ''}"
    return {row[:count]: list(row[count:]) for row in Oracle(records).query(query)}


def assert_same(ours: dict[Any, list[Any]], theirs: dict[Any, list[Any]]) -> None:
    """Compare the aggregates of each group."""
    assert ours.keys() == theirs.keys()
    for key, values in ours.items():
        assert all(map(same, values, theirs[key])), (key, values, theirs[key])


@pytest.mark.parametrize("argument", ["c1", "c1 * 1.0", "c1 || ''", "c1 + 0"])
def test_aggregates_of_awkward_fields_are_sqlites(argument: str) -> None:
    """Integers, floats, texts, and NULL in one group, and each in a group of its own."""
    node: Node = {
        "c1": ["col", 1],
        "c1 * 1.0": ["*", ["col", 1], ["lit", 1.0]],
        "c1 || ''": ["||", ["col", 1], ["lit", ""]],
        "c1 + 0": ["+", ["col", 1], ["lit", 0]],
    }[argument]
    records = [[str(number % 9), field] for number, field in enumerate(FIELDS)]
    aggregates = [["count", None], *([name, node] for name in NAMES)]
    texts = ", ".join(["count(*)", *(f"{name}({argument})" for name in NAMES)])
    data = table(["a", "b"], records)
    for keys, columns in (([["col", 0]], "c0"), ([["col", 1]], "c1"), ([], "")):
        ours = groups(data, keys, aggregates, columns=["a", "b"])
        assert_same(ours, expected(records, columns, texts))


def test_keys_are_grouped_by_value_and_shown_as_first_spelled() -> None:
    """7, 007 and 7.0 are one group, which goes by its first spelling; an empty field is NULL."""
    data = b"a,b\n007,1\n7,2\n,3\n7.0,4\nx,5\n"
    lines = run(data, columns=["a", "b"], groups={"keys": [["col", 0]], "aggregates": [["sum", ["col", 1]]]})
    assert [line["g"] for line in lines[:-1]] == [
        [["007"], [[3, 7, [], False]]],
        [[None], [[1, 3, [], False]]],
        [["x"], [[1, 5, [], False]]],
    ]
    assert lines[-1]["end"] == {"rows": 5, "kept": 5, "malformed": 0, "samples": []}


def test_computed_keys_and_several_of_them() -> None:
    """Expressions can be keys, next to columns."""
    records = [[field, other] for field in FIELDS for other in ("1", "2.5", "")]
    keys = [["fn", "typeof", [["col", 0]]], ["col", 1], ["<", ["col", 0], ["lit", 5]]]
    ours = groups(table(["a", "b"], records), keys, [["count", None], ["count", ["col", 1]]], columns=["a", "b"])
    assert_same(ours, expected(records, "typeof(c0), c1, c0 < 5", "count(*), count(c1)"))


def test_no_rows_and_no_keys_give_one_group() -> None:
    """As in SQL; with keys there is no group."""
    aggregates = [["count", None], *([name, ["col", 0]] for name in NAMES)]
    for data in (b"", b"a\n", b"\n\n", b"a\n1\n"):
        ours = groups(data, [], aggregates, columns=["a"], where=["<", ["col", 0], ["lit", 0]])
        assert ours == {(): [0, 0, None, 0.0, None, None, None]}
        assert groups(data, [["col", 0]], aggregates, columns=["a"], where=["lit", 0]) == {}


def test_distinct_values_are_groups_without_aggregates() -> None:
    """The rows are only counted."""
    assert groups(b"a\n1\n2\n1.0\n", [["col", 0]], [], columns=["a"]) == {(1,): [], (2,): []}


@pytest.mark.parametrize("scale", [1.0, 1e-300, 1e290])
def test_float_sums_do_not_depend_on_how_rows_are_split(scale: float) -> None:
    """Every split gives the exact sum, rounded once."""
    generator = random.Random(7)
    values = [generator.uniform(-1, 1) * 10.0 ** generator.randrange(-12, 12) * scale for _ in range(600)]
    values += [-value for value in values[:590]]
    generator.shuffle(values)
    data = table(["a"], [[repr(value)] for value in values])
    node = [["sum", ["col", 0]], ["avg", ["col", 0]]]
    whole = groups(data, [], node, columns=["a"])[()]
    assert whole == [math.fsum(values), math.fsum(values) / len(values)]
    for _ in range(3):
        cuts = [0, *sorted(generator.sample(range(len(values)), 7)), len(values)]
        merged = [empty_state("sum"), empty_state("avg")]
        for start, end in pairwise(cuts):
            part = table(["a"], [[repr(value)] for value in values[start:end]])
            states = run(part, columns=["a"], groups={"keys": [], "aggregates": node})[0]["g"][1]
            merged = [merge_states("sum", merged[0], states[0]), merge_states("avg", merged[1], states[1])]
        assert [finish_state("sum", merged[0]), finish_state("avg", merged[1])] == whole


@pytest.mark.parametrize(
    ("values", "total"),
    [
        ([], 0.0),
        ([1e308, 1e308, -1e308], 1e308),
        ([1e308, 1e308], math.inf),
        ([-1.7e308, -1.7e308, 5e-324], -math.inf),
        ([1e308, 1e308, -1e308, -1e308, 5e-324], 5e-324),
        ([1e16, 1.0, -1e16], 1.0),
        ([math.inf, 1.0], math.inf),
        ([-math.inf, 1e308, 1e308], -math.inf),
        ([math.inf, -math.inf], None),
        ([0.1] * 10, 1.0),
    ],
)
def test_sums_survive_the_limits_of_floats(values: list[float], total: float | None) -> None:
    """Too large on the way, cancelling, infinite; the parts have the same sum."""
    parts = exact_parts(values)
    assert round_parts(parts) == total
    half = len(values) // 2
    assert round_parts(exact_parts(exact_parts(values[:half]) + exact_parts(values[half:]))) == total


def test_integers_are_summed_exactly() -> None:
    """Beyond 2 to the 53, and with floats; SQLite's error beyond 64 bits, but only if the end result is."""
    big = str(2**62)
    ours = groups(table(["a"], [[big], ["1"], ["0.5"], [f"-{big}"]]), [], [["sum", ["col", 0]]], columns=["a"])
    assert ours == {(): [1.5]}
    assert groups(table(["a"], [[big], [big], ["-1"]]), [], [["sum", ["col", 0]]], columns=["a"]) == {(): [2**63 - 1]}
    with pytest.raises(ValueError, match=r"^integer overflow$"):
        groups(table(["a"], [[big], [big]]), [], [["sum", ["col", 0]]], columns=["a"])
    assert groups(table(["a"], [[big], [big]]), [], [["avg", ["col", 0]]], columns=["a"]) == {(): [2.0**62]}


def test_states_of_extremes_merge_in_the_order_of_sqlite() -> None:
    """NULL counts for nothing; numbers are before texts."""
    assert merge_states("min", None, "a") == "a"
    assert merge_states("min", "a", 2) == 2
    assert merge_states("max", 2, "a") == "a"
    assert merge_states("max", 2, 2.5) == 2.5
    assert merge_states("count", 2, 3) == 5
    values = ["b", 2, None, -1.5, "a", "Z", 10**18]
    assert sorted(values, key=order_key) == [None, -1.5, 2, 10**18, "Z", "a", "b"]


def test_many_groups_come_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """So memory doesn't grow with their number; a key can occur in each portion."""
    monkeypatch.setattr("storlet_shell.shelf.select.grouping._MOST_GROUPS", 200)
    monkeypatch.setattr("storlet_shell.shelf.select.grouping._LEAST_ROWS", 100)
    monkeypatch.setattr("storlet_shell.shelf.select.grouping._ROWS_PER_GROUP", 0)
    data = table(["a"], [[str(number % 600)] for number in range(1800)])
    lines = run(data, columns=["a"], groups={"keys": [["col", 0]], "aggregates": [["count", None]]})
    counts: dict[str, int] = {}
    for line in lines[:-1]:
        (key,), (count,) = line["g"]
        counts[key] = counts.get(key, 0) + count
    assert counts == {str(number): 3 for number in range(600)}
    assert len(lines) - 1 > 600
    assert lines[-1]["end"]["kept"] == 1800
