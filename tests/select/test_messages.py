"""Results of another storlet that has the name of select's are refused in one line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from storlet_shell.errors import StorletShellError
from storlet_shell.select.joining.messages import parse_probe
from storlet_shell.select.joining.parts import Parts
from storlet_shell.select.statement.binding import bind
from storlet_shell.select.statement.query import parse_query
from storlet_shell.select.statement.split import split
from storlet_shell.values import ObjectPath

END = {"end": {"rows": 1, "kept": 1, "malformed": 0, "samples": []}}
ANY = [None, 1, True, "x", {}, {"g": 1}, {"g": [[]]}, {"g": [[], []]}, [1], [[]], [["a", 1, 2]], [[{}, 1]], [[True, 1]]]
SUMS = [1, [1], [1, 2, 3, 4], [None, 1, [], False], [1, 1, ["x"], True], [1, 1, [0.5], "x"], [1, 1, [], False, 5]]
QUERIES: dict[str, list[Any]] = {
    "SELECT a, b FROM o": [{"g": [["x", 1], []]}],
    "SELECT a FROM o ORDER BY b": [{"g": [["x", 1], []]}],
    "SELECT a, sum(b) FROM o GROUP BY a": [[["x", 1]], *({"g": [["x"], [state]]} for state in SUMS)],
    "SELECT a, max(b) FROM o GROUP BY a": [{"g": [["x"], [[1]]]}, {"g": [["x"], [{}]]}, {"g": [[[]], [1]]}],
    "SELECT a, count(b) FROM o GROUP BY a": [{"g": [["x"], [state]]} for state in (None, 1.5, "1", True)],
}
BAD_ENDS = [1, None, {}, {"rows": 1}, {"rows": "x", "malformed": 0}, {"rows": 1, "malformed": float("inf")}]


def join(query: str, *lines: bytes) -> list[Any]:
    """Join the result of one object."""
    parts = Parts(split(bind(parse_query(query), ["a", "b"])))
    return [*parts.join(ObjectPath("c", "o"), [b"".join(line + b"\n" for line in lines)]), *parts.finish()]


@pytest.mark.parametrize("query", QUERIES)
def test_unknown_results_are_refused(query: str) -> None:
    """Whatever their lines are."""
    for message in [*ANY, *QUERIES[query]]:
        with pytest.raises(StorletShellError, match=r"^path:/c/o: not a result of the storlet: unknown \w+$"):
            join(query, json.dumps(message).encode(), json.dumps(END).encode())
    for end in BAD_ENDS:
        with pytest.raises(StorletShellError, match="not a result of the storlet: unknown end"):
            join(query, json.dumps({"end": end}).encode())
    for line in (b"\xff", b"[1", b"[" * 100_000, b"9" * 5000):
        with pytest.raises(StorletShellError, match=r"not a result of the storlet: [^\n]*$"):
            join(query, line)


def test_result_must_end_with_its_end() -> None:
    """What follows the end isn't part of it."""
    for lines in ([], [END, [["x", 1]]]):
        with pytest.raises(StorletShellError, match="the result has no end"):
            join("SELECT a, b FROM o", *(json.dumps(line).encode() for line in lines))


def test_answers_to_probes_are_checked() -> None:
    """Format and columns."""
    for probe in (
        1,
        {},
        {"format": "xml", "columns": []},
        {"format": "csv", "columns": "ab"},
        {"format": "csv", "columns": [1]},
    ):
        with pytest.raises(ValueError, match="unknown answer"):
            parse_probe(json.dumps({"probe": probe}).encode())
