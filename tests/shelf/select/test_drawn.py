"""Drawn expressions over drawn fields give what SQLite gives."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storlet_shell.shelf.select.plan import CASTS, CHAINS, COMPARISONS
from tests.shelf.select.oracle import AWKWARD, Node, Oracle, rows, same, table

CHARACTERS = st.sampled_from("aAbB%_*?[]^-.+0127 eäÄ日\t\n\x00\x1c\xa0٣\"',")
NUMBERS = st.one_of(
    st.integers(-1000, 1000),
    st.integers(-(2**63), 2**63 - 1),
    st.decimals(-1000, 1000, places=3, allow_nan=False).map(float),
    st.sampled_from([0.5, -2.5, 1e15, 1e300]),
)
FIELDS = st.one_of(st.sampled_from(AWKWARD), NUMBERS.map(repr), st.text(CHARACTERS, max_size=6))
LITERALS = st.one_of(NUMBERS, st.none(), st.text(CHARACTERS, max_size=4).filter(lambda text: "\x00" not in text))
SAFE = ("coalesce", "ifnull", "iif", "instr", "length", "lower", "ltrim", "max", "min", "nullif", "replace", "rtrim")
SIZES = {"coalesce": 3, "iif": 3, "replace": 3, "length": 1, "lower": 1, "upper": 1, "sign": 1, "typeof": 1}


def calls(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    """Draw calls of functions, except those whose results depend on the version of SQLite."""
    return st.sampled_from((*SAFE, "sign", "trim", "typeof", "upper")).flatmap(
        lambda name: st.tuples(
            st.just("fn"), st.just(name), st.lists(inner, min_size=SIZES.get(name, 2), max_size=SIZES.get(name, 2))
        )
    )


def larger(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    """Draw expressions of others."""
    return st.one_of(
        st.tuples(st.sampled_from((*CHAINS, *COMPARISONS, "is", "isnot")), inner, inner),
        st.tuples(st.sampled_from(("neg", "not", "text")), inner),
        st.tuples(st.just("in"), inner, st.lists(inner, max_size=3)),
        st.tuples(st.just("like"), inner, inner, st.none()),
        st.tuples(st.just("glob"), inner, inner),
        st.tuples(st.just("case"), st.lists(st.tuples(inner, inner), min_size=1, max_size=2), st.none() | inner),
        st.tuples(st.just("cast"), inner, st.sampled_from(CASTS)),
        calls(inner),
    )


COLUMNS = st.tuples(st.just("col"), st.integers(0, 1))
EXPRESSIONS = st.recursive(st.one_of(COLUMNS, COLUMNS, st.tuples(st.just("lit"), LITERALS)), larger, max_leaves=8)
RECORDS = st.lists(st.tuples(FIELDS, FIELDS), min_size=1, max_size=12)


def listed(node: Any) -> Any:
    """Return lists for tuples, as JSON has them."""
    return [listed(part) for part in node] if isinstance(node, (list, tuple)) else node


def check(node: Node, records: list[tuple[str, str]]) -> None:
    """Compare the values of an expression, and the rows for which it is true."""
    data, oracle = table(["a", "b"], records), Oracle(records)
    ours = rows(data, columns=["a", "b"], rows=[["fn", "ifnull", [node, ["lit", None]]]])
    for (our,), their in zip(ours, oracle.values(node), strict=True):
        assert same(our, their), (node, our, their)
    selected = rows(data, columns=["a", "b"], where=node, rows=[["col", 0], ["col", 1]])
    assert selected == [[field or None for field in records[number]] for number in oracle.kept(node)]


@pytest.mark.slow
@settings(max_examples=60)
@given(EXPRESSIONS.map(listed), RECORDS)
def test_drawn_expressions_give_the_values_of_sqlite(node: Node, records: list[tuple[str, str]]) -> None:
    """Values, types, and which rows are kept."""
    check(node, records)


@pytest.mark.slow
@settings(max_examples=1000)
@given(EXPRESSIONS.map(listed), RECORDS)
def test_many_drawn_expressions_give_the_values_of_sqlite(node: Node, records: list[tuple[str, str]]) -> None:
    """The same, for longer."""
    check(node, records)
