"""Render expressions as SQL for the SQLite of this process, with every operand in parentheses."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing

from storlet_shell.errors import UsageError
from storlet_shell.select.statement.query import Term
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
    Name,
    Ordinal,
    Truth,
    Unary,
    Value,
)

_OPERATORS = {"isnot": "IS NOT"}


def render(node: Expression, column: Callable[[int], str]) -> str:
    """Return an expression as SQL.

    :param column: spells a column
    """

    def sql(part: Expression) -> str:
        return render(part, column)

    match node:
        case Column(index):
            return column(index)
        case Literal(value):
            return _constant(value)
        case Ordinal(number):
            return str(number)
        case Unary(op, x):
            return f"({op} {sql(x)})"
        case Binary(op, x, y):
            return f"({sql(x)} {_OPERATORS.get(op, op)} {sql(y)})"
        case Between(x, low, high):
            return f"({sql(x)} BETWEEN {sql(low)} AND {sql(high)})"
        case In(x, items):
            return f"({sql(x)} IN ({', '.join(map(sql, items))}))"
        case Like(x, pattern, escape):
            end = "" if escape is None else f" ESCAPE {sql(escape)}"
            return f"({sql(x)} LIKE {sql(pattern)}{end})"
        case Case(x, whens, otherwise):
            start = "" if x is None else f" {sql(x)}"
            pairs = "".join(f" WHEN {sql(when)} THEN {sql(then)}" for when, then in whens)
            end = "" if otherwise is None else f" ELSE {sql(otherwise)}"
            return f"(CASE{start}{pairs}{end} END)"
        case Cast(x, type):
            return f"CAST({sql(x)} AS {type})"
        case Call(name, args, is_star, is_distinct, condition):
            inner = "*" if is_star else ", ".join(map(sql, args))
            end = "" if condition is None else f" FILTER (WHERE {sql(condition)})"
            return f"{quoted(name)}({'DISTINCT ' if is_distinct else ''}{inner}){end}"
        case Name() | Truth():
            raise AssertionError(f"{node} isn't bound")


def quoted(name: str) -> str:
    """Quote an identifier."""
    return '"' + name.replace('"', '""') + '"'


def _constant(value: Value) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        text = value.replace("'", "''")
        return f"'{text}'" if "\0" not in text else "CAST(x'" + value.encode().hex() + "' AS TEXT)"
    if isinstance(value, float):
        return {"inf": "9e999", "-inf": "-9e999"}.get(repr(value), repr(value))
    return f"({value})" if value < 0 else str(value)


def select(
    items: Sequence[str],
    table: str,
    column: Callable[[int], str],
    *,
    is_distinct: bool = False,
    where: Expression | None = None,
    group: Sequence[Expression] = (),
    having: Expression | None = None,
    order: Sequence[Term] = (),
    limit: int | None = None,
    offset: int = 0,
) -> str:
    """Return a whole query as SQL.

    :param items: the result columns, as SQL
    :param column: spells a column in the other parts
    """

    def term(node: Expression) -> str:
        text = render(node, column)
        return f"ifnull({text}, NULL)" if _may_be_integer(node) else text

    def ordered(part: Term) -> str:
        nulls = f" NULLS {part.nulls}" if part.nulls else ""
        return f"{term(part.expression)}{' DESC' if part.is_descending else ''}{nulls}"

    parts = [f"SELECT {'DISTINCT ' if is_distinct else ''}{', '.join(items)} FROM {table}"]  # noqa: S608  rendered from checked nodes
    parts += [f"WHERE {render(where, column)}"] if where is not None else []
    parts += [f"GROUP BY {', '.join(map(term, group))}"] if group else []
    parts += [f"HAVING {render(having, column)}"] if having is not None else []
    parts += [f"ORDER BY {', '.join(map(ordered, order))}"] if order else []
    if limit is not None or offset:
        parts.append(f"LIMIT {-1 if limit is None else limit} OFFSET {offset}")
    return " ".join(parts)


def _may_be_integer(node: Expression) -> bool:
    """Tell whether SQLite may read a term as the number of a result column: signs and ``0 AND x`` are integers, too."""
    return isinstance(node, Literal | Unary) or (isinstance(node, Binary) and node.op in ("and", "or"))


def check(sql: str, columns: Sequence[str]) -> None:
    """Let SQLite check a query over an empty table ``t``: its functions, their arguments, and where aggregates are.

    :param columns: the table's columns
    :raises UsageError: if it refuses the query
    """
    with closing(sqlite3.connect(":memory:")) as database:
        try:
            database.execute(f"CREATE TABLE t ({', '.join(f'{name} NUMERIC' for name in columns)})")
            database.execute(f"EXPLAIN {sql}")
        except sqlite3.Error as error:
            raise UsageError(f"SQLite can't run the query: {error}") from None
