"""Encode expressions for the storlet: the closed set of nodes that it knows, as JSON.

The storlet knows nothing of SQLite's affinities, by which operands are converted before they are compared
(https://sqlite.org/datatype3.html): an encoded expression has the nodes ``num`` and ``text`` where they apply.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from storlet_shell.select.statement.tree import (
    Between,
    Binary,
    Call,
    Case,
    Cast,
    Column,
    Expression,
    In,
    Like,
    Literal,
    Unary,
)

_COMPARISONS = frozenset({"=", "!=", "<", "<=", ">", ">=", "is", "isnot"})
_OPERATORS = frozenset({"+", "-", "*", "/", "%", "||", "and", "or"})
_MANY = 100
_FUNCTIONS = {
    "abs": (1, 1),
    "coalesce": (2, _MANY),
    "ifnull": (2, 2),
    "iif": (3, 3),
    "instr": (2, 2),
    "length": (1, 1),
    "lower": (1, 1),
    "ltrim": (1, 2),
    "max": (2, _MANY),
    "min": (2, _MANY),
    "nullif": (2, 2),
    "replace": (3, 3),
    "round": (1, 2),
    "rtrim": (1, 2),
    "sign": (1, 1),
    "substr": (2, 3),
    "trim": (1, 2),
    "typeof": (1, 1),
    "upper": (1, 1),
}
"""The storlet's functions, with how many arguments they take."""

_NUMERIC, _TEXT = "num", "text"
"""Affinities, by the nodes that apply them."""


class NotForDataError(Exception):
    """The storlet can't compute an expression; SQLite has to, here."""


def encode(node: Expression) -> list[Any]:
    """Encode an expression.

    :raises NotForDataError: if the storlet can't compute it
    """
    match node:
        case Column(index):
            return ["col", index]
        case Literal(value):
            if value in (float("inf"), float("-inf")):  # JSON has no such numbers
                raise NotForDataError
            return ["lit", value]
        case Unary("-", x):
            return ["neg", encode(x)]
        case Unary("+", x):  # a column by itself would be its text
            return ["num", encode(x)] if isinstance(x, Column) else encode(x)
        case Unary("not", x):
            return ["not", encode(x)]
        case Binary(op, x, y) if op in _COMPARISONS:
            return _comparison(op, x, y)
        case Binary(op, x, y) if op in _OPERATORS:
            return [op, encode(x), encode(y)]
        case Binary("glob", x, pattern):
            return ["glob", encode(x), encode(pattern)]
        case Between(x, low, high):
            return ["and", _comparison(">=", x, low), _comparison("<=", x, high)]
        case In(x, items):
            kind = _affinity(x)
            return ["in", _applied(kind, x), [_applied(kind, item) for item in items]]
        case Like(x, pattern, escape):
            return ["like", encode(x), encode(pattern), None if escape is None else encode(escape)]
        case Cast(x, type):
            return ["cast", encode(x), type]
        case Case():
            return _case(node)
        case Call(name, args) if _is_known(node):
            return ["fn", name, [encode(arg) for arg in args]]
        case _:
            raise NotForDataError


def is_encodable(*nodes: Expression | None) -> bool:
    """Tell whether the storlet can compute all of some expressions."""
    try:
        for node in nodes:
            if node is not None:
                encode(node)
    except NotForDataError:
        return False
    return True


def _is_known(call: Call) -> bool:
    low, high = _FUNCTIONS.get(call.name, (1, 0))
    return low <= len(call.args) <= high and not call.is_aggregate


def _comparison(op: str, x: Expression, y: Expression) -> list[Any]:
    kind = _compared(x, y)
    return [op, _applied(kind, x), _applied(kind, y)]


def _applied(kind: str, node: Expression) -> list[Any]:
    encoded = encode(node)
    return [kind, encoded] if kind and not _is_needless(kind, node) else encoded


def _case(node: Case) -> list[Any]:
    conditions: Iterable[list[Any]] = (
        encode(when) if node.x is None else _comparison("=", node.x, when) for when, _ in node.whens
    )
    results = (encode(then) for _, then in node.whens)
    pairs = [list(pair) for pair in zip(conditions, results, strict=True)]
    return ["case", pairs, None if node.otherwise is None else encode(node.otherwise)]


def _affinity(node: Expression) -> str:
    """Return an expression's affinity; empty for none.

    Every column has NUMERIC affinity. INTEGER and REAL convert operands of comparisons as NUMERIC does.
    """
    match node:
        case Column():
            return _NUMERIC
        case Cast(_, type):
            return _TEXT if type == "TEXT" else _NUMERIC
        case _:
            return ""


def _compared(x: Expression, y: Expression) -> str:
    """Return the affinity that is applied to both operands of a comparison (3.2, 4.2); empty for none."""
    of_x, of_y = _affinity(x), _affinity(y)
    if of_x and of_y:
        return _NUMERIC if _NUMERIC in (of_x, of_y) else ""
    return of_x or of_y


def _is_needless(kind: str, node: Expression) -> bool:
    """Tell whether applying an affinity changes nothing."""
    if isinstance(node, Literal):
        return node.value is None or isinstance(node.value, str) == (kind == _TEXT)
    return _affinity(node) == kind
