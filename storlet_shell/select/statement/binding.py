"""Bind the names of a query to the columns of the objects, as SQLite binds them to those of a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import UsageError
from storlet_shell.select.statement.dialect import place
from storlet_shell.select.statement.query import Query, Term
from storlet_shell.select.statement.rendering import check, render, select
from storlet_shell.select.statement.tree import (
    Binary,
    Case,
    Column,
    Expression,
    Literal,
    Name,
    Ordinal,
    Truth,
    Unary,
    rebuild,
)
from storlet_shell.text import counted

_MOST_NAMED = 30
_LARGEST_ORDINAL = 2**31 - 1
"""SQLite sorts and groups by a larger number as by any other constant."""


@typed_equality
class Output(NamedTuple):
    """A column of the result.

    :param name: unique among those of the result
    """

    expression: Expression
    name: str


@typed_equality
class Bound(NamedTuple):
    """A query over known columns.

    :param columns: the names of the columns used, as the objects spell them; nodes refer to them by number
    :param is_everything: whether these are all columns of the objects
    """

    columns: tuple[str, ...]
    is_everything: bool
    outputs: tuple[Output, ...]
    is_distinct: bool
    where: Expression | None
    group: tuple[Expression, ...]
    having: Expression | None
    order: tuple[Term, ...]
    limit: int | None
    offset: int

    def check(self) -> None:
        """Let SQLite check the query.

        :raises UsageError: if it refuses it
        """
        items = [render(output.expression, column) for output in self.outputs]
        sql = select(
            items,
            "t",
            column,
            is_distinct=self.is_distinct,
            where=self.where,
            group=self.group,
            having=self.having,
            order=self.order,
            limit=self.limit,
            offset=self.offset,
        )
        check(sql, [column(index) for index in range(len(self.columns))] or ["c"])


def column(index: int) -> str:
    """Return the name of a column in SQLite, where the objects' own names could clash."""
    return f"c{index}"


def bind(query: Query, names: Sequence[str]) -> Bound:
    """Bind a query to columns.

    :param names: the objects' columns
    :raises UsageError: if a name is unknown or ambiguous, or SQLite refuses the query
    """
    bound = _Binder(query, names).bound()
    bound.check()
    return bound


def check_early(query: Query) -> None:
    """Check what can be checked before the columns are known.

    :raises UsageError: if SQLite refuses the query, whatever the columns are
    """
    if None not in query.items:
        bind(query, list({name.name.casefold(): name.name for name in _names_in(query)}.values()))


def names_in(query: Query) -> tuple[str, ...]:
    """Return the names that a query uses, without those of its result columns."""
    aliases = {item.alias for item in query.items if item is not None}
    return tuple(dict.fromkeys(name.name for name in _names_in(query) if name.name not in aliases))


def _names_in(query: Query) -> list[Name]:
    names: list[Name] = []

    def note(node: Expression) -> Expression | None:
        if isinstance(node, Name):
            names.append(node)
        return None

    items = [item.expression for item in query.items if item is not None]
    others = [part for part in (query.where, query.having) if part is not None]
    for node in (*items, *others, *query.group, *(term.expression for term in query.order)):
        rebuild(node, note)
    return names


class _Binder:
    def __init__(self, query: Query, names: Sequence[str]) -> None:
        self._query = query
        self._names = names
        self._counts = Counter(names)
        self._used: dict[str, int] = {}
        self._aliases: dict[str, tuple[int, Expression]] = {}
        """The names of result columns that others may refer to, with their numbers from 1."""

    def bound(self) -> Bound:
        """Return the query with its columns by number.

        :raises UsageError: if a column doesn't exist or is ambiguous
        """
        query = self._query
        outputs = self._outputs()
        return Bound(
            outputs=outputs,
            is_distinct=query.is_distinct,
            where=self._optional(query.where),
            group=tuple(self._grouped(term, outputs) for term in query.group),
            having=self._optional(query.having),
            order=tuple(self._ordered(term, outputs) for term in query.order),
            limit=query.limit,
            offset=query.offset,
            columns=tuple(self._used),
            is_everything=len(self._used) == len(self._names),
        )

    def _outputs(self) -> tuple[Output, ...]:
        outputs: list[Output] = []
        aliases: list[tuple[str, int, Expression]] = []
        for item in self._query.items:
            if item is None:
                columns = [Output(self._column(name), name) for name in self._names]
                aliases += [
                    (column.name, number, column.expression) for number, column in enumerate(columns, len(outputs) + 1)
                ]
                outputs += columns
                continue
            expression = self._expression(item.expression)
            name = item.alias or item.text
            if isinstance(expression, Column) and not item.alias:
                name = [*self._used][expression.number]
            outputs.append(Output(expression, name))
            aliases += [(item.alias, len(outputs), expression)] if item.alias else []
        if not outputs:
            raise UsageError("the objects have no columns, so * stands for nothing")
        for alias, number, expression in aliases:  # known from here on: result columns can't refer to each other
            self._aliases.setdefault(alias.casefold(), (number, expression))
        return _with_unique_names(outputs)

    def _column(self, name: str) -> Column:
        if self._counts[name] > 1:
            raise UsageError(
                f'column "{name}" occurs {self._counts[name]} times in the header; only the other columns can be '
                "selected, by their names"
            )
        return Column(self._used.setdefault(name, len(self._used)))

    def _optional(self, node: Expression | None) -> Expression | None:
        return None if node is None else self._expression(node)

    def _expression(self, node: Expression) -> Expression:
        return rebuild(node, self._replaced)

    def _replaced(self, node: Expression) -> Expression | None:
        match node:
            case Name():
                return self._named(node)
            case Truth(is_true):
                return self._named_truth(node) or Literal(int(is_true))
            case Binary("is" | "isnot" as op, x, Truth(is_true) as truth) if self._named_truth(truth) is None:
                return _is_truth(self._expression(x), is_true=is_true, wanted=op == "is")
            case _:
                return None

    def _named_truth(self, node: Truth) -> Expression | None:
        """Return what TRUE or FALSE stands for as a name; None if nothing has this name."""
        word = str(node.is_true).casefold()
        column = next((name for name in self._names if name.casefold() == word), None)
        if column is not None:
            return self._column(column)
        return self._aliases[word][1] if word in self._aliases else None

    def _named(self, name: Name) -> Expression:
        """Return what a name stands for: a column, or else a result column."""
        if name.table and name.table.casefold() not in {table.casefold() for table in self._query.tables}:
            raise UsageError(f"{name.table}.{name.name}: FROM names {self._query.tables[0]}{self._at(name)}")
        if name.name in self._counts:
            return self._column(name.name)
        matches = [other for other in self._counts if other.casefold() == name.name.casefold()]
        if len(matches) > 1:
            spellings = ", ".join(f'"{match}"' for match in matches)
            raise UsageError(f"column {name.name} could be any of {spellings}; spell it as there{self._at(name)}")
        if matches:
            return self._column(matches[0])
        alias = self._aliases.get(name.name.casefold())
        if alias is not None and not name.table:
            return alias[1]
        raise self._unknown(name)

    def _unknown(self, name: Name) -> UsageError:
        listed = ", ".join(self._names[:_MOST_NAMED]) + (", …" if len(self._names) > _MOST_NAMED else "")
        quoted = self._query.text[name.start : name.start + 1] == '"'
        hint = f"; text needs single quotes: '{name.name}'" if quoted else ""
        return UsageError(f"no column {name.name}; there are: {listed}{hint}{self._at(name)}")

    def _at(self, name: Name) -> str:
        return f" ({place(self._query.text, name.start)})"

    def _grouped(self, node: Expression, outputs: tuple[Output, ...]) -> Expression:
        number = _ordinal(node)
        if number is not None:
            self._check_number(number, outputs, "GROUP BY")
            return outputs[number - 1].expression
        return self._expression(node)

    def _ordered(self, term: Term, outputs: tuple[Output, ...]) -> Term:
        node = term.expression
        number = _ordinal(node)
        if number is not None:
            self._check_number(number, outputs, "ORDER BY")
        elif isinstance(node, Name) and not node.table and node.name.casefold() in self._aliases:
            number = self._aliases[node.name.casefold()][0]
        return term._replace(expression=self._expression(node) if number is None else Ordinal(number))

    def _check_number(self, number: int, outputs: tuple[Output, ...], clause: str) -> None:
        if not 1 <= number <= len(outputs):
            raise UsageError(f"{clause} {number}: the result has {counted(len(outputs), 'column')}")


def _ordinal(node: Expression) -> int | None:
    """Return the number of a result column in GROUP BY or ORDER BY, which may have signs; None for an expression."""
    match node:
        case Literal(int(number)) if abs(number) <= _LARGEST_ORDINAL:
            return number
        case Unary("+" | "-" as sign, x):
            inner = _ordinal(x)
            return -inner if inner is not None and sign == "-" else inner
        case _:
            return None


def _is_truth(node: Expression, *, is_true: bool, wanted: bool) -> Expression:
    """Return ``x IS TRUE``, or one of its kind, which is never NULL and isn't a comparison."""
    condition = node if is_true else Unary("not", node)
    return Case(None, ((condition, Literal(int(wanted))),), Literal(int(not wanted)))


def _with_unique_names(outputs: list[Output]) -> tuple[Output, ...]:
    """Make repeated names unique, as SQLite does in a table that is made of a query: ``a``, ``a:1``."""
    unique: dict[str, Output] = {}
    for output in outputs:
        name, count = output.name, 0
        while name in unique:
            count += 1
            name = f"{output.name}:{count}"
        unique[name] = output._replace(name=name)
    return tuple(unique.values())
