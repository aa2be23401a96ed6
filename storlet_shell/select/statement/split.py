"""Split a query: what runs next to the data, and what is left to do here.

- ``groups``: objects return partial aggregates by group, which are merged here
- ``rows``: objects return finished rows, which are passed on as they come
- ``table``: objects return reduced rows, over which the rest of the query runs here

The rest of the query runs in SQLite, over a table of what came back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.select.statement.binding import Bound, column
from storlet_shell.select.statement.encoding import NotForDataError, encode, is_encodable
from storlet_shell.select.statement.query import Term
from storlet_shell.select.statement.rendering import render, select
from storlet_shell.select.statement.tree import (
    AGGREGATES,
    Call,
    Case,
    Cast,
    Column,
    Expression,
    Ordinal,
    columns_in,
    conjunction,
    conjuncts,
    has_aggregate,
    rebuild,
)
from storlet_shell.select.statement.tree import Literal as Constant

Kind = Literal["groups", "rows", "table"]


@typed_equality
class Local(NamedTuple):
    """The rest of a query, over a table ``t`` of what came back.

    :param types: the types of its columns ``c0``, ``c1``, …; empty for expressions, which have no affinity
    :param copies: the columns whose values are also kept as they came, as ``r0``, ``r1``, …
    :param sql: the rest of the query
    :param clauses: its clauses, for people
    """

    types: tuple[str, ...]
    copies: tuple[int, ...]
    sql: str
    clauses: tuple[str, ...]


@typed_equality
class Split(NamedTuple):
    """A query in two parts.

    :param where: the encoded condition that runs next to the data; None for none
    :param rows: the encoded expressions that objects return for each row; empty for groups
    :param keys: the encoded expressions that rows are grouped by
    :param aggregates: names of aggregates, each with its encoded argument, or None
    :param limit: how many rows are enough; None if all are needed
    :param as_is: for each result column, whether it is a column of the objects, as it is there
    :param local: the rest; None if nothing is left
    :param offset: without a rest: how many rows to skip
    """

    kind: Kind
    columns: tuple[str, ...]
    names: tuple[str, ...]
    as_is: tuple[bool, ...]
    where: list[Any] | None = None
    rows: tuple[list[Any], ...] = ()
    keys: tuple[list[Any], ...] = ()
    aggregates: tuple[tuple[str, list[Any] | None], ...] = ()
    limit: int | None = None
    offset: int = 0
    local: Local | None = None

    def plan(self) -> dict[str, Any]:
        """Return the storlet's plan, without the format of the objects."""
        work: dict[str, Any] = {"rows": list(self.rows)}
        if self.kind == "groups":
            pairs = [list(aggregate) for aggregate in self.aggregates]
            work = {"groups": {"keys": list(self.keys), "aggregates": pairs}}
        return {"columns": list(self.columns), "where": self.where, "limit": self.limit, **work}


def split(query: Bound) -> Split:
    """Split a query."""
    is_grouped = bool(query.group) or query.having is not None or any(map(has_aggregate, _results(query)))
    if (is_grouped or query.is_distinct) and is_encodable(query.where):
        try:
            return _Groups(query, is_grouped=is_grouped).split()
        except NotForDataError:
            return _table(query, is_whole=False)
    is_plain = not is_grouped and not query.is_distinct and not query.order
    if is_plain and is_encodable(query.where, *(output.expression for output in query.outputs)):
        return _rows(query)
    return _table(query, is_whole=is_plain)


def _results(query: Bound) -> list[Expression]:
    return [output.expression for output in query.outputs] + [term.expression for term in query.order]


def _rows(query: Bound) -> Split:
    """Split a query whose rows are finished next to the data."""
    expressions = [output.expression for output in query.outputs]
    return Split(
        "rows",
        query.columns,
        tuple(output.name for output in query.outputs),
        tuple(isinstance(node, Column) for node in expressions),
        None if query.where is None else encode(query.where),
        tuple(map(encode, expressions)),
        limit=None if query.limit is None else query.limit + query.offset,
        offset=query.offset,
    )


def _table(query: Bound, *, is_whole: bool) -> Split:
    """Split a query that runs here, over the columns and rows that it needs.

    :param is_whole: whether the first rows are enough if it has a limit
    """
    conditions = conjuncts(query.where)
    where = conjunction([condition for condition in conditions if is_encodable(condition)])
    rest = conjunction([condition for condition in conditions if not is_encodable(condition)])
    parts = [*_results(query), rest, query.having, *query.group]
    used = sorted(columns_in(*parts))
    query = query._replace(where=rest)
    stored = _Stored(("NUMERIC",) * len(used) or ("",))
    local, as_is = _rest(query, stored, lambda node: _moved(node, used), _clauses(query))
    is_enough = is_whole and rest is None and query.limit is not None
    return Split(
        "table",
        query.columns,
        tuple(output.name for output in query.outputs),
        as_is,
        None if where is None else encode(where),
        tuple(["col", index] for index in used) or (["lit", 1],),
        limit=(query.limit or 0) + query.offset if is_enough else None,
        local=local,
    )


def _moved(node: Expression, used: list[int]) -> Expression:
    return rebuild(node, lambda part: Column(used.index(part.number)) if isinstance(part, Column) else None)


class _Groups:
    """Splits a query into partial aggregates and the rest.

    :raises NotForDataError: if objects can't compute the aggregates, or a column is neither grouped nor aggregated
    """

    def __init__(self, query: Bound, *, is_grouped: bool) -> None:
        self._query = query
        self._is_grouped = is_grouped
        keys = query.group if is_grouped else tuple(output.expression for output in query.outputs)
        self._keys = list({repr(key): key for key in keys}.values())
        self._places = {repr(key): Column(index) for index, key in enumerate(self._keys)}
        self._aggregates: dict[str, tuple[str, list[Any] | None]] = {}

    def split(self) -> Split:
        """Return the plan for the objects, and the query over their groups."""
        query = self._query
        keys = tuple(map(encode, self._keys))
        rest = query._replace(where=query.having, group=(), having=None)
        if self._is_grouped:  # in the order of SQLite's groups
            rest = rest._replace(order=(*query.order, *map(Term, self._keys)))
        else:
            rest = rest._replace(is_distinct=False)
        for node in (*_results(rest), *([] if rest.where is None else [rest.where])):
            self._over(node)
        types = ["NUMERIC" if isinstance(key, Column) else "" for key in self._keys] + [""] * len(self._aggregates)
        casts = {number: key.type for number, key in enumerate(self._keys) if isinstance(key, Cast)}
        clauses = [name for name in _clauses(query) if name in ("HAVING", "ORDER BY", "LIMIT")]
        local, as_is = _rest(rest, _Stored(tuple(types or [""]), casts), self._over, clauses)
        return Split(
            "groups",
            query.columns,
            tuple(output.name for output in query.outputs),
            as_is,
            None if query.where is None else encode(query.where),
            keys=keys,
            aggregates=tuple(self._aggregates.values()),
            local=local,
        )

    def _over(self, node: Expression) -> Expression:
        """Return an expression over the columns of the merged groups."""
        return rebuild(node, self._replaced)

    def _replaced(self, node: Expression) -> Expression | None:
        if repr(node) in self._places:
            return self._places[repr(node)]
        if isinstance(node, Column):
            raise NotForDataError
        if isinstance(node, Call) and node.is_aggregate:
            self._aggregates.setdefault(repr(node), _encoded(node))
            return Column(len(self._keys) + list(self._aggregates).index(repr(node)))
        return None


def _encoded(call: Call) -> tuple[str, list[Any] | None]:
    """Encode an aggregate; one with a condition is one over CASE."""
    if call.name not in AGGREGATES or call.is_distinct or any(map(has_aggregate, call.args)):
        raise NotForDataError
    argument = call.args[0] if call.args else None
    if call.condition is not None:
        argument = Case(None, ((call.condition, Constant(1) if argument is None else argument),), None)
    return call.name, None if argument is None else encode(argument)


@typed_equality
class _Stored(NamedTuple):
    """What comes back from the objects, as columns of a table.

    :param types: see :class:`Local`
    :param casts: the types of the columns whose values are results of CAST, by their numbers
    """

    types: tuple[str, ...]
    casts: dict[int, str] = {}  # noqa: RUF012  of a named tuple, whose default nobody changes

    def spelled(self, number: int) -> str:
        """Return a column as SQL, with the affinity of the expression that it stands for."""
        if number in self.casts:  # it changes nothing else
            return f"CAST({column(number)} AS {self.casts[number]})"
        return column(number) if self.types[number] else f"(+{column(number)})"


def _rest(
    query: Bound, stored: _Stored, over: Callable[[Expression], Expression], clauses: Sequence[str]
) -> tuple[Local, tuple[bool, ...]]:
    """Return the rest of a query, and which of its result columns are shown as they came.

    :param over: replaces the columns of the objects by those of the table
    """
    outputs = [over(output.expression) for output in query.outputs]
    shown = [
        node.number if isinstance(node, Column) and stored.types[node.number] and not query.is_distinct else None
        for node in outputs
    ]

    def ordered(term: Term) -> Term:
        node = term.expression
        if isinstance(node, Ordinal) and shown[node.number - 1] is not None:  # its copy would be sorted as text
            return term._replace(expression=outputs[node.number - 1])
        return term._replace(expression=over(node))

    sql = select(
        [
            render(node, stored.spelled) if number is None else f"r{number}"
            for node, number in zip(outputs, shown, strict=True)
        ],
        "t",
        stored.spelled,
        is_distinct=query.is_distinct,
        where=None if query.where is None else over(query.where),
        group=[over(node) for node in query.group],
        having=None if query.having is None else over(query.having),
        order=list(map(ordered, query.order)),
        limit=query.limit,
        offset=query.offset,
    )
    copies = tuple(sorted({number for number in shown if number is not None}))
    return Local(stored.types, copies, sql, tuple(clauses)), tuple(number is not None for number in shown)


def _clauses(query: Bound) -> tuple[str, ...]:
    """Return the clauses of a query after SELECT, for people."""
    aggregates = any(map(has_aggregate, _results(query)))
    clauses = {
        "WHERE": query.where is not None,
        "GROUP BY": bool(query.group),
        "aggregates": aggregates,
        "HAVING": query.having is not None,
        "DISTINCT": query.is_distinct,
        "ORDER BY": bool(query.order),
        "LIMIT": query.limit is not None or query.offset > 0,
    }
    return tuple(name for name, is_there in clauses.items() if is_there)
