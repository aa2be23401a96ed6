"""Plans are data: each is checked, and nothing in one is ever executed."""

from __future__ import annotations

import ast
import io
import json
import sys
from typing import Any

import pytest

from storlet_shell.shelf.select import loop as loop_module
from storlet_shell.shelf.select.entry import select
from storlet_shell.shelf.select.plan import PLAN_VERSION
from tests.shelf.select.oracle import Node, Oracle, rows, run, table

A: Node = ["col", 0]


def refusal(plan: Any, data: bytes = b"a\n1\n") -> str:
    """Return the message that refuses a plan."""
    with pytest.raises(ValueError, match=r"^plan: ") as caught:
        list(select([io.BytesIO(data)], plan if isinstance(plan, str) else json.dumps(plan)))
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 300
    return message


def expression(node: Any) -> dict[str, Any]:
    """Return a plan with one expression."""
    return {"v": 1, "columns": ["a"], "rows": [node]}


def nested(depth: int) -> Node:
    """Return an expression of many levels."""
    node = A
    for _ in range(depth):
        node = ["neg", node]
    return node


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        ("", "not JSON: Expecting value: line 1 column 1 (char 0)"),
        ("nope", "not JSON: Expecting value: line 1 column 1 (char 0)"),
        ("[]", "not a JSON object"),
        ("[" * 100_000, "nested too deeply"),
        ('{"v": 1, "rows": ' + "[" * 500_000 + "]" * 500_000 + "}", "nested too deeply"),
        ('{"v": NaN}', "not JSON: NaN isn't a number"),
        ("x" * 2_000_000, "longer than 1048576 characters"),
        ({}, "version null, but this storlet reads version 1; deploy std:select again, or update the client"),
        ({"v": 2}, "version 2, but this storlet reads version 1; deploy std:select again, or update the client"),
        ({"v": 1}, "needs one of rows, groups, and probe"),
        ({"v": 1, "rows": [], "probe": True}, "needs one of rows, groups, and probe"),
        ({"v": 1, "rows": [], "code": "import os"}, 'unknown field "code"'),
        ({"v": 1, "rows": {}}, "rows can't be {}"),
        ({"v": 1, "rows": [], "format": "xml"}, 'format can\'t be "xml"'),
        ({"v": 1, "rows": [], "format": ["csv"]}, 'format can\'t be ["csv"]'),
        ({"v": 1, "rows": [], "strict": 1}, "strict can't be 1"),
        ({"v": 1, "rows": [], "limit": -1}, "limit can't be -1"),
        ({"v": 1, "rows": [], "limit": True}, "limit can't be true"),
        ({"v": 1, "rows": [], "columns": [1]}, "columns can't be [1]"),
        ({"v": 1, "rows": [], "columns": "a"}, 'columns can\'t be "a"'),
        ({"v": 1, "rows": [], "csv": []}, "csv can't be []"),
        ({"v": 1, "rows": [], "csv": {"escape": "x"}}, 'csv can\'t be {"escape": "x"}'),
        ({"v": 1, "rows": [], "csv": {"delimiter": ",,"}}, 'delimiter must be one character, not ",,"'),
        ({"v": 1, "rows": [], "csv": {"delimiter": "\n"}}, 'delimiter must be one character, not "\\n"'),
        ({"v": 1, "rows": [], "csv": {"quote": ","}}, "delimiter and quote must differ"),
        ({"v": 1, "rows": [], "csv": {"header": "no"}}, 'header can\'t be "no"'),
        ({"v": 1, "groups": []}, "groups needs keys and aggregates"),
        ({"v": 1, "groups": {"keys": [], "aggregates": [["median", A]]}}, 'unknown aggregate ["median", ["col", 0]]'),
        ({"v": 1, "groups": {"keys": [], "aggregates": [["sum", None]]}}, "sum needs an argument"),
        ({"v": 1, "groups": {"keys": [], "aggregates": []}, "limit": 1}, "groups can't have a limit"),
        (expression("a"), 'not an expression: "a"'),
        (expression([]), "not an expression: []"),
        (expression([["col"]]), 'not an expression: [["col"]]'),
        (expression({"col": 0}), 'not an expression: {"col": 0}'),
        (expression(None), "not an expression: null"),
        (expression(["exec", "import os"]), 'unknown node ["exec", "import os"]'),
        (expression(["__import__", "os"]), 'unknown node ["__import__", "os"]'),
        (expression(["col", 1]), 'unknown node ["col", 1]'),
        (expression(["col", -1]), 'unknown node ["col", -1]'),
        (expression(["col", True]), 'unknown node ["col", true]'),
        (expression(["col", "0] + exit()"]), 'unknown node ["col", "0] + exit()"]'),
        (expression(["lit", True]), 'unknown node ["lit", true]'),
        (expression(["lit", [1]]), 'unknown node ["lit", [1]]'),
        (expression(["lit", 2**63]), "an integer exceeds 64 bits: 9223372036854775808"),
        (expression(["lit", 10**4000]), "an integer exceeds 64 bits: 1000"),
        (expression(["+", A]), 'unknown node ["+", ["col", 0]]'),
        (expression(["+", A, A, A]), 'unknown node ["+", '),
        (expression(["in", A, A]), "not an expression: "),
        (expression(["in", A, 7]), "in can't be 7"),
        (expression(["like", A, A]), "unknown node "),
        (expression(["cast", A, "BLOB"]), 'unknown node ["cast", ["col", 0], "BLOB"]'),
        (expression(["case", [[A]], None]), 'a case needs conditions and values, not [["col", 0]]'),
        (expression(["case", A, None]), 'a case needs conditions and values, not "col"'),
        (expression(["fn", "system", []]), 'unknown function "system"'),
        (expression(["fn", "__class__", [A]]), 'unknown function "__class__"'),
        (expression(["fn", ["abs"], [A]]), "unknown node "),
        (expression(["fn", "abs", []]), "wrong number of arguments to function abs: 0"),
        (expression(["fn", "abs", A]), "wrong number of arguments to function abs: 2"),
        (expression(["fn", "coalesce", [A]]), "wrong number of arguments to function coalesce: 1"),
        (expression(nested(200)), "an expression has more than 150 levels"),
        (expression(["in", A, [["lit", 1]] * 20_000]), "an expression has more than 20000 nodes"),
        ({"v": 1, "columns": ["a"], "rows": [], "where": ["or", A]}, 'unknown node ["or", ["col", 0]]'),
    ],
)
def test_bad_plans_are_refused_in_one_line(plan: Any, reason: str) -> None:
    """Each says what is wrong, and shows a piece of the plan at most."""
    assert refusal(plan).startswith(f"plan: {reason}")


@pytest.mark.parametrize("level", [148, 100, 40])
def test_deep_expressions_within_the_limit_run(level: int) -> None:
    """Python's parser takes fewer levels than SQL's."""
    nodes: list[Node] = [nested(level - level % 2)]
    case, coalesce, joined = A, A, A
    for number in range(level):
        case = ["case", [[["=", A, ["lit", -number]], ["lit", number]]], case]
        coalesce = ["fn", "coalesce", [["lit", None], coalesce]]
        joined = ["||", ["lit", "x"], joined]
    nodes += [case, coalesce, joined]
    assert rows(b"a\n7\n", columns=["a"], rows=nodes)[0][:4] == [7, 7, 7, "x" * level + "7"]


def test_long_chains_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of operands of the same operator, as generated queries have them; they aren't levels."""
    for name, value in (("+", 307), ("||", "7" + "1" * 300), ("or", 1), ("and", 1)):
        node = A
        for _ in range(300):
            node = [name, node, ["lit", 1]]
        assert rows(b"a\n7\n", columns=["a"], rows=[node]) == [[value]]
        assert rows(b"a\n7\n", columns=["a"], where=node, rows=[A]) == [["7"]]
    branches = [[["=", A, ["lit", number]], ["lit", number * 2]] for number in range(1000)]
    assert rows(b"a\n7\n999\n1000\n", columns=["a"], rows=[["case", branches, None]]) == [[14], [1998], [None]]
    nulls = [["lit", None]] * 99
    assert rows(b"a\n7\n", columns=["a"], rows=[["fn", "coalesce", [*nulls, A]]]) == [[7]]
    chosen = ["in", A, [["lit", number] for number in range(15_000)]]
    assert rows(b"a\n7\nx\n", columns=["a"], where=chosen, rows=[A]) == [["7"]]


HOSTILE = [
    "'",
    '"',
    '"""',
    "\\",
    "\n",
    "\r\nimport os\n",
    "__import__('os')._exit(3)",
    "]+__import__('os').getcwd()+[",
    "{raw}",
    "{__class__}",
    "%s%n",
    "#",
    "row[0]",
    "k1",
    "\x00",
    "\ud800",
    "a" * 1000,
]


def test_no_text_of_a_plan_becomes_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """The texts in every source that runs are those of its templates, and its names are our own."""
    sources: list[str] = []

    def record(code: str, namespace: dict[str, Any]) -> None:
        sources.append(code)
        exec(code, namespace)

    monkeypatch.setattr(loop_module, "exec", record, raising=False)
    text: Any
    for text in HOSTILE:
        lit = ["lit", text]
        nodes: list[Node] = [
            *([name, A, lit] for name in ("=", "<", "||", "+", "is", "glob", "and")),
            ["like", A, lit, ["lit", text[:1]]],
            ["like", A, ["col", 1], lit] if len(text) == 1 else A,
            ["in", A, [lit, ["lit", "x"]]],
            ["case", [[["=", A, lit], lit]], lit],
            ["fn", "replace", [A, lit, lit]],
            ["fn", "coalesce", [["lit", None], lit]],
            ["num", lit],
        ]
        nodes = [node for node in nodes if node is not A]
        data = table([text.replace("\ud800", "?"), "b"], [["x", "y"]])
        columns = [text.replace("\ud800", "?"), "b"]
        run(data, columns=columns, rows=nodes, where=["or", nodes[0], ["!=", A, lit]])
        aggregates = [["count", None], *(["max", node] for node in nodes)]
        run(data, columns=columns, groups={"keys": [A, *nodes], "aggregates": aggregates}, where=["=", A, ["lit", "x"]])
    assert len(sources) == 2 * len(HOSTILE)
    for source in sources:
        tree = ast.parse(source)
        constants = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
        assert {value for value in constants if not isinstance(value, int)} <= {".", ":", "", None}
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert not {name for name in names if name.startswith("_")}
    assert "os" not in dir(loop_module)


def test_texts_of_a_plan_are_compared_as_they_are() -> None:
    """Also as the name of a column, and as a pattern."""
    texts = [text for text in HOSTILE if "\x00" not in text and "\ud800" not in text]
    data = table(["n"], [[text] for text in texts])
    for number, text in enumerate(texts):
        for node in (["=", A, ["lit", text]], ["in", A, [["lit", text]]], ["is", A, ["lit", text]]):
            assert rows(data, columns=["n"], where=node, rows=[A]) == [[text]]
        like = ["like", A, ["lit", text], None]
        matches = Oracle([[other] for other in texts]).kept(like)
        assert number in matches or "\\" in text
        assert rows(data, columns=["n"], where=like, rows=[A]) == [[texts[match]] for match in matches]
        assert rows(table([text], [["x"]]), columns=[text], rows=[A]) == [["x"]]


def test_a_long_plan_comes_as_a_second_input() -> None:
    """A parameter has at most 8 KiB."""
    plan = {"v": PLAN_VERSION, "columns": ["a"], "rows": [["lit", "x" * 100_000]]}
    lines = list(select([io.BytesIO(b"a\n1\n"), io.BytesIO(json.dumps(plan).encode())]))
    assert json.loads(lines[0]) == [["x" * 100_000]]
    with pytest.raises(ValueError, match=r"^plan: not UTF-8$"):
        list(select([io.BytesIO(b"a\n1\n"), io.BytesIO(b"\xff")]))
    assert sys.getrecursionlimit() < 100_000
