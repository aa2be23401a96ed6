"""Queries: the checked syntax tree of one SELECT, made of what sqlglot has parsed; anything unknown is refused by name.

The tree is as SQLite reads the text: where sqlglot reads operators in another order, parentheses are asked for.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from sqlglot import exp

from storlet_shell.equality import typed_equality
from storlet_shell.errors import UsageError
from storlet_shell.select.statement.dialect import item_texts, parse, place, tokens
from storlet_shell.select.statement.operators import BINARY, UNARY, misplaced_operand
from storlet_shell.select.statement.tree import (
    Between,
    Binary,
    Call,
    Case,
    Cast,
    Expression,
    In,
    Like,
    Literal,
    Name,
    Truth,
    Unary,
    Value,
)

_OPERANDS = frozenset({"this", "expression"})
_PARTS: dict[type[exp.Expression], frozenset[str]] = {
    exp.Anonymous: frozenset({"this", "expressions"}),
    exp.Between: frozenset({"this", "low", "high"}),
    exp.Case: frozenset({"this", "ifs", "default"}),
    exp.Cast: frozenset({"this", "to"}),
    exp.Column: frozenset({"this", "table"}),
    exp.Div: _OPERANDS | {"typed", "safe"},  # of no meaning in SQLite
    exp.DPipe: _OPERANDS | {"safe"},
    exp.In: frozenset({"this", "expressions"}),
    exp.Like: _OPERANDS | {"negate"},
    exp.Literal: frozenset({"this", "is_string"}),
}
"""What nodes may have other than operands: sqlglot keeps more of some than is converted here."""

_REFUSED: dict[type[exp.Expression], str] = {
    exp.Window: "window functions (OVER)",
    exp.Subquery: "subqueries",
    exp.Select: "subqueries",
    exp.Exists: "subqueries",
    exp.Join: "joins",
    exp.Collate: "COLLATE",
    exp.Placeholder: "parameters",
    exp.Parameter: "parameters",
    exp.HexString: "blobs",
    exp.Tuple: "row values",
    exp.RegexpLike: "REGEXP",
    exp.Match: "MATCH",
    exp.JSONExtract: "the operator ->",
    exp.JSONExtractScalar: "the operator ->>",
}
_REFUSED_PARTS = {
    "with_": "WITH",
    "joins": "joins",
    "windows": "windows",
    "laterals": "joins",
    "qualify": "QUALIFY",
    "into": "INTO",
    "hint": "hints",
    "locks": "locks",
}
_SELECT_PARTS = frozenset({"expressions", "distinct", "from_", "where", "group", "having", "order", "limit", "offset"})
_WORDS = {
    "joins": ("JOIN",),
    "window functions (OVER)": ("OVER",),
    "windows": ("WINDOW",),
    "COLLATE": ("COLLATE",),
    "REGEXP": ("REGEXP",),
    "MATCH": ("MATCH",),
}
"""The words that show the place of what is refused."""

_CLOCKS = {"CURRENT_DATE": "date", "CURRENT_TIME": "time", "CURRENT_TIMESTAMP": "datetime"}
"""Words that are the time now, with the functions that return it."""

_INTEGER_LIMIT = 2**63


@typed_equality
class Item(NamedTuple):
    """A column of the result.

    :param alias: empty for none
    :param text: its text in the query
    """

    expression: Expression
    alias: str
    text: str


@typed_equality
class Term(NamedTuple):
    """A term of ORDER BY.

    :param nulls: ``first`` or ``last`` if that isn't as usual: first in ascending order; else empty
    """

    expression: Expression
    is_descending: bool = False
    nulls: str = ""


@typed_equality
class Query(NamedTuple):
    """A query whose names aren't bound yet.

    :param tables: what may qualify a column: the name in FROM, or its alias
    :param items: the columns of the result; None stands for ``*``
    :param limit: None for no limit
    """

    text: str
    tables: tuple[str, ...]
    items: tuple[Item | None, ...]
    is_distinct: bool = False
    where: Expression | None = None
    group: tuple[Expression, ...] = ()
    having: Expression | None = None
    order: tuple[Term, ...] = ()
    limit: int | None = None
    offset: int = 0


def parse_query(text: str) -> Query:
    """Parse a query.

    :raises UsageError: if it isn't one SELECT over one set of objects, or has something that isn't supported; with the
        place, if it is known
    """
    try:
        return _Converter(text).query(parse(text))
    except RecursionError:
        raise UsageError("the query is nested too deeply") from None


class _Converter:
    """Converts sqlglot's tree."""

    def __init__(self, text: str) -> None:
        self._text = text

    def query(self, tree: exp.Select) -> Query:
        """Convert the whole."""
        parts = {name for name, value in tree.args.items() if value}
        for part in sorted(parts - _SELECT_PARTS):
            value = tree.args[part]
            node = value[0] if isinstance(value, list) else value
            raise self._unsupported(_REFUSED_PARTS.get(part, part.strip("_").upper()), node)
        distinct = tree.args.get("distinct")
        if distinct is not None and distinct.args.get("on"):
            raise self._unsupported("DISTINCT ON", distinct)
        group = tree.args.get("group")
        if group is not None and {name for name, value in group.args.items() if value} != {"expressions"}:
            raise self._unsupported("this form of GROUP BY", group)
        having, order = tree.args.get("having"), tree.args.get("order")
        tables = self._tables(tree.args.get("from_"))
        return Query(
            self._text,
            tables,
            self._items(tree, tables),
            distinct is not None,
            self._condition(tree.args.get("where")),
            tuple(self.expression(term) for term in group.expressions) if group else (),
            self._condition(having),
            tuple(self._term(term) for term in order.expressions) if order else (),
            self._count(tree.args.get("limit"), "LIMIT"),
            self._count(tree.args.get("offset"), "OFFSET") or 0,
        )

    def _tables(self, source: exp.From | None) -> tuple[str, ...]:
        if source is None:
            raise UsageError('FROM is missing; name the objects as you like: "SELECT … FROM o"')
        table = source.this
        is_plain = isinstance(table, exp.Table) and isinstance(table.this, exp.Identifier)
        if isinstance(table, exp.Subquery):
            raise self._unsupported("subqueries", table)
        if not is_plain or {name for name, value in table.args.items() if value} - {"this", "alias"}:
            raise UsageError("FROM takes one name, which you choose; the objects are those of the pattern")
        return (table.alias or table.name,)

    def _items(self, tree: exp.Select, tables: tuple[str, ...]) -> tuple[Item | None, ...]:
        texts = item_texts(self._text)
        items: list[Item | None] = []
        for node, text in zip(tree.expressions, texts, strict=True):
            value = node.this if isinstance(node, exp.Alias) else node
            is_star = isinstance(value, exp.Star) or (
                isinstance(value, exp.Column) and isinstance(value.this, exp.Star)
            )
            if is_star:
                items.append(None)
                self._check_star(value, tables)
                continue
            alias = node.alias if isinstance(node, exp.Alias) else ""
            items.append(Item(self.expression(value), alias, text))
        return tuple(items)

    def _check_star(self, star: exp.Expression, tables: tuple[str, ...]) -> None:
        if {name for name, value in star.args.items() if value} - {"this", "table"}:
            raise self._unsupported("* with changes", star)
        table = star.table if isinstance(star, exp.Column) else ""
        if table and table.casefold() not in map(str.casefold, tables):
            raise UsageError(f"{table}.*: FROM names {tables[0]}{self._at(star)}")

    def _condition(self, node: exp.Expression | None) -> Expression | None:
        return None if node is None else self.expression(node.this)

    def _term(self, node: exp.Expression) -> Term:
        is_descending = bool(node.args.get("desc"))
        nulls_first = bool(node.args.get("nulls_first"))
        nulls = "" if nulls_first != is_descending else ("first" if nulls_first else "last")
        return Term(self.expression(node.this), is_descending, nulls)

    def _count(self, node: exp.Expression | None, name: str) -> int | None:
        if node is None:
            return None
        value = self.expression(node.expression)
        if isinstance(value, Unary) and value.op == "-":
            return None  # no limit
        if not isinstance(value, Literal) or not isinstance(value.value, int):
            raise UsageError(f"{name} takes a number")
        return None if value.value < 0 else value.value

    def expression(self, node: exp.Expression) -> Expression:
        """Convert an expression."""
        for kind, name in _REFUSED.items():
            if type(node) is kind:
                raise self._unsupported(name, node)
        self._check_order(node)
        if {name for name, value in node.args.items() if value} - _PARTS.get(type(node), _OPERANDS):
            raise self._unsupported_form(node)
        if type(node) in BINARY:
            return Binary(BINARY[type(node)][0], self.expression(node.this), self.expression(node.expression))
        if type(node) in UNARY:
            return self._unary(UNARY[type(node)][0], node)
        match node:
            case exp.Paren():
                return self.expression(node.this)
            case exp.Column():
                return self._name(node)
            case exp.Boolean():
                return Truth(bool(node.this))
            case exp.Literal() | exp.Null():
                return Literal(self._literal(node))
            case exp.Anonymous() | exp.Filter():
                return self._call(node)
            case exp.Cast():
                return Cast(self.expression(node.this), self._type(node))
            case exp.Case():
                return self._case(node)
        return self._comparison(node)

    def _comparison(self, node: exp.Expression) -> Expression:
        match node:
            case exp.Between():
                bounds = node.args["low"], node.args["high"]
                return Between(self.expression(node.this), *map(self.expression, bounds))
            case exp.In():
                return In(self.expression(node.this), tuple(map(self.expression, node.expressions)))
            case exp.Like():
                like = Like(self.expression(node.this), self.expression(node.expression))
                return Unary("not", like) if node.args.get("negate") else like
            case exp.Escape():
                match self.expression(node.this), self.expression(node.expression):
                    case Like() as like, escape:
                        return like._replace(escape=escape)
                    case Unary("not", Like() as like), escape:
                        return Unary("not", like._replace(escape=escape))
        raise self._unsupported(node.key.upper(), node)

    def _unary(self, op: str, node: exp.Expression) -> Expression:
        inner = node.this
        if op == "-" and isinstance(inner, exp.Literal) and inner.this == str(_INTEGER_LIMIT):
            return Literal(-_INTEGER_LIMIT)
        value = self.expression(inner)
        if (
            op == "not"
            and isinstance(value, Binary)
            and value.op in ("is", "isnot")
            and not isinstance(inner, exp.Paren)
        ):
            return value._replace(op="isnot" if value.op == "is" else "is")
        return Unary(op, value)

    def _name(self, node: exp.Column) -> Expression:
        if isinstance(node.this, exp.Star):
            raise self._unsupported("* in an expression", node)
        clock = None if node.table or node.this.args.get("quoted") else _CLOCKS.get(node.name.upper())
        if clock is not None:
            return Call(clock, (Literal("now"),))
        return Name(node.name, node.table, _start(node) or 0)

    def _literal(self, node: exp.Expression) -> Value:
        if isinstance(node, exp.Null):
            return None
        if node.is_string:
            return str(node.this)
        if not re.fullmatch(r"\d+|(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", node.this):
            raise UsageError(f"{node.this}: not a number")
        if node.this.isdigit() and int(node.this) < _INTEGER_LIMIT:
            return int(node.this)
        return float(node.this)

    def _type(self, node: exp.Cast) -> str:
        """Return what a type means to SQLite, by its name (https://sqlite.org/datatype3.html, 3.1)."""
        to = node.args["to"]
        name = to.this.value if isinstance(to, exp.DataType) and isinstance(to.this, exp.DataType.Type) else ""
        rules = (("INT", "INTEGER"), ("CHAR|CLOB|TEXT", "TEXT"), ("BLOB|BINARY", ""), ("REAL|FLOA|DOUB", "REAL"))
        kind = next((kind for pattern, kind in rules if re.search(pattern, name)), "NUMERIC")
        if not kind or not name:
            raise UsageError(f"CAST to {to.sql('sqlite')} isn't supported; use INTEGER, REAL, TEXT or NUMERIC")
        return kind

    def _case(self, node: exp.Case) -> Case:
        whens = tuple((self.expression(part.this), self.expression(part.args["true"])) for part in node.args["ifs"])
        operand, default = node.this, node.args.get("default")
        return Case(operand and self.expression(operand), whens, default and self.expression(default))

    def _call(self, node: exp.Expression) -> Call:
        if isinstance(node, exp.Filter):
            call = self.expression(node.this)
            assert isinstance(call, Call)
            return call._replace(condition=self.expression(node.expression.this))
        name, args = str(node.this).lower(), list(node.expressions)
        if len(args) == 1 and isinstance(args[0], exp.Star):
            return Call(name, (), is_star=True)
        is_distinct = len(args) == 1 and isinstance(args[0], exp.Distinct)
        if is_distinct:
            args = args[0].expressions
        return Call({"substring": "substr"}.get(name, name), tuple(map(self.expression, args)), False, is_distinct)

    def _check_order(self, node: exp.Expression) -> None:
        operand = misplaced_operand(node)
        if operand is not None:
            operator, _ = {**BINARY, **UNARY}.get(type(operand), (operand.key, 0))
            raise UsageError(
                f"put the part with {operator.upper()} in parentheses: without them, SQLite reads it otherwise"
                f"{self._at(operand)}"
            )

    def _unsupported_form(self, node: exp.Expression) -> UsageError:
        if isinstance(node, exp.Column):
            return UsageError(f"{node.name}: only the name in FROM can qualify a column{self._at(node)}")
        if isinstance(node, exp.In):
            name = "subqueries" if node.args.get("query") else "IN without a list in parentheses"
            return self._unsupported(name, node)
        return self._unsupported(f"this form of {node.key.upper()}", node)

    def _unsupported(self, name: str, node: exp.Expression) -> UsageError:
        words = _WORDS.get(name, ())
        token = next((token for token in tokens(self._text) if token.word in words), None)
        at = f" ({place(self._text, token.start)})" if token else self._at(node)
        return UsageError(f"select doesn't support {name}{at}")

    def _at(self, node: exp.Expression) -> str:
        start = _start(node)
        return "" if start is None else f" ({place(self._text, start)})"


def _start(node: exp.Expression) -> int | None:
    """Return the offset of the first name below a node."""
    starts = [name.meta["start"] for name in node.find_all(exp.Identifier) if "start" in name.meta]
    return min(starts, default=None)
