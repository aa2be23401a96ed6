"""The checked syntax tree of a query: a closed set of nodes, whose names of columns are numbers once they are bound."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

from storlet_shell.equality import typed_equality

Value: TypeAlias = "int | float | str | None"

AGGREGATES = frozenset({"count", "sum", "total", "avg", "min", "max"})
"""The aggregates that objects can compute in parts."""

_FURTHER_AGGREGATES = frozenset({"group_concat", "string_agg", "json_group_array", "json_group_object"})


@typed_equality
class Name(NamedTuple):
    """A name that isn't bound yet.

    :param table: the qualifier in front of it; empty for none
    :param start: its offset in the query
    """

    name: str
    table: str = ""
    start: int = 0


@typed_equality
class Truth(NamedTuple):
    """``TRUE`` or ``FALSE``: a name if a column has it, otherwise 1 or 0."""

    is_true: bool


@typed_equality
class Column(NamedTuple):
    """A column of the objects, by its number among the columns used."""

    number: int


@typed_equality
class Ordinal(NamedTuple):
    """A result column, by its number from 1; only in ORDER BY."""

    number: int


@typed_equality
class Literal(NamedTuple):
    """A constant."""

    value: Value


@typed_equality
class Unary(NamedTuple):
    """``-``, ``+``, ``~``, or ``not``."""

    op: str
    x: Expression


@typed_equality
class Binary(NamedTuple):
    """An operator of two operands, as SQLite spells it in lower case."""

    op: str
    x: Expression
    y: Expression


@typed_equality
class Between(NamedTuple):
    """``x BETWEEN low AND high``."""

    x: Expression
    low: Expression
    high: Expression


@typed_equality
class In(NamedTuple):
    """``x IN (…)``."""

    x: Expression
    items: tuple[Expression, ...]


@typed_equality
class Like(NamedTuple):
    """``x LIKE pattern``, perhaps with an escape."""

    x: Expression
    pattern: Expression
    escape: Expression | None = None


@typed_equality
class Case(NamedTuple):
    """``CASE``: conditions, or values that ``x`` is compared with, each with its result."""

    x: Expression | None
    whens: tuple[tuple[Expression, Expression], ...]
    otherwise: Expression | None


@typed_equality
class Cast(NamedTuple):
    """``CAST``: to INTEGER, REAL, TEXT or NUMERIC."""

    x: Expression
    type: str


@typed_equality
class Call(NamedTuple):
    """A function, or an aggregate.

    :param name: in lower case
    :param is_star: ``count(*)``
    :param condition: of ``FILTER (WHERE …)``
    """

    name: str
    args: tuple[Expression, ...]
    is_star: bool = False
    is_distinct: bool = False
    condition: Expression | None = None

    @property
    def is_aggregate(self) -> bool:
        """Whether it combines rows."""
        if self.is_star or self.is_distinct or self.condition is not None or self.name in _FURTHER_AGGREGATES:
            return True
        return self.name in AGGREGATES and (self.name not in ("min", "max") or len(self.args) == 1)


Expression: TypeAlias = (
    "Name | Truth | Column | Ordinal | Literal | Unary | Binary | Between | In | Like | Case | Cast | Call"
)


def children(node: Expression) -> Iterator[Expression]:
    """Yield the operands of a node."""
    match node:
        case Name() | Truth() | Column() | Ordinal() | Literal():
            return
        case Case(x, whens, otherwise):
            parts = (x, *(part for when in whens for part in when), otherwise)
        case In(x, items):
            parts = (x, *items)
        case Call(_, args, _, _, condition):
            parts = (*args, condition)
        case Cast(x):
            parts = (x,)
        case Unary(_, x):
            parts = (x,)
        case Binary(_, x, y):
            parts = (x, y)
        case _:
            parts = tuple(node)
    yield from (part for part in parts if part is not None)


def walk(node: Expression) -> Iterator[Expression]:
    """Yield a node and everything below it."""
    yield node
    for child in children(node):
        yield from walk(child)


def rebuild(node: Expression, change: Callable[[Expression], Expression | None]) -> Expression:
    """Return a tree with some nodes replaced.

    :param change: returns what stands for a node; None to look below it
    """
    changed = change(node)
    if changed is not None:
        return changed

    def again(part: Expression) -> Expression:
        return rebuild(part, change)

    def perhaps(part: Expression | None) -> Expression | None:
        return None if part is None else again(part)

    match node:
        case Unary(op, x):
            return Unary(op, again(x))
        case Binary(op, x, y):
            return Binary(op, again(x), again(y))
        case Between(x, low, high):
            return Between(again(x), again(low), again(high))
        case In(x, items):
            return In(again(x), tuple(map(again, items)))
        case Like(x, pattern, escape):
            return Like(again(x), again(pattern), perhaps(escape))
        case Case(x, whens, otherwise):
            pairs = tuple((again(when), again(then)) for when, then in whens)
            return Case(perhaps(x), pairs, perhaps(otherwise))
        case Cast(x, type):
            return Cast(again(x), type)
        case Call():
            return node._replace(args=tuple(map(again, node.args)), condition=perhaps(node.condition))
        case _:
            return node


def has_aggregate(node: Expression) -> bool:
    """Tell whether an expression combines rows."""
    return any(isinstance(part, Call) and part.is_aggregate for part in walk(node))


def columns_in(*nodes: Expression | None) -> set[int]:
    """Return the numbers of the columns in some expressions."""
    return {part.number for node in nodes if node is not None for part in walk(node) if isinstance(part, Column)}


def conjuncts(condition: Expression | None) -> list[Expression]:
    """Return the conditions that AND combines."""
    if condition is None:
        return []
    if isinstance(condition, Binary) and condition.op == "and":
        return [*conjuncts(condition.x), *conjuncts(condition.y)]
    return [condition]


def conjunction(conditions: list[Expression]) -> Expression | None:
    """Combine conditions with AND; None for none."""
    whole: Expression | None = None
    for condition in conditions:
        whole = condition if whole is None else Binary("and", whole, condition)
    return whole
