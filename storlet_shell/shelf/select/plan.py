"""The plan of a run: JSON of a closed set of nodes, checked before anything is built from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from storlet_shell.shelf.select.functions import CALLS, LAZY_CALLS

PLAN_VERSION = 1
FORMATS = {"csv": "CSV", "jsonl": "JSON lines", "parquet": "Parquet"}
AGGREGATES = ("count", "sum", "total", "avg", "min", "max")
COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")
CASTS = ("INTEGER", "REAL", "TEXT", "NUMERIC")

_MOST_BYTES = 2**20
_MOST_NODES = 20_000
_MOST_DEPTH = 150
_UNARY = ("num", "text", "neg", "not")
CHAINS = ("+", "-", "*", "/", "%", "||", "and", "or")
"""Operators that many operands can be joined by, so that the first operand may be a long chain."""

_BINARY = (*CHAINS, *COMPARISONS, "is", "isnot", "glob")


class Plan:
    """A checked plan.

    :param text: JSON
    :raises ValueError: if it isn't a plan, in one line
    """

    def __init__(self, text: str) -> None:
        fields = _parsed_plan(text)
        if fields.get("v") != PLAN_VERSION:
            raise ValueError(
                f"plan: version {_shown(fields.get('v'))}, but this storlet reads version {PLAN_VERSION}; "
                "deploy std:select again, or update the client"
            )
        self.format = _choice(fields, "format", (None, *FORMATS))
        self.has_header, self.delimiter, self.quote = _csv_options(_present(fields, "csv", {}))
        self.columns: list[str] = _texts(_present(fields, "columns", []))
        self.limit = _limit(fields.get("limit"))
        self.is_strict = _choice(fields, "strict", (None, False, True)) is True
        self.condition: Any = fields.get("where")
        self.rows: Any = fields.get("rows")
        groups = fields.get("groups")
        self.has_groups = groups is not None
        self.keys, self.aggregates = _groups(groups) if self.has_groups else ([], [])
        self.is_probe = _choice(fields, "probe", (None, False, True)) is True
        if (self.rows is not None) + self.has_groups + self.is_probe != 1:
            raise ValueError("plan: needs one of rows, groups, and probe")
        if self.has_groups and self.limit is not None:
            raise ValueError("plan: groups can't have a limit")
        _check_nodes(list(self._expressions()), len(self.columns))

    def _expressions(self) -> Iterator[Any]:
        if self.condition is not None:
            yield self.condition
        if self.rows is not None:
            yield from _listed(self.rows, "rows")
        yield from self.keys
        yield from (argument for _, argument in self.aggregates if argument is not None)


def chain_operands(node: Any) -> list[Any]:
    """Return the operands of nodes of the same operator that are each other's first operand, in their order."""
    operands = []
    name = node[0]
    while isinstance(node, list) and len(node) == 3 and node[0] == name:
        operands.append(node[2])
        node = node[1]
    return [node, *reversed(operands)]


def _parsed_plan(text: str) -> dict[str, Any]:
    if len(text) > _MOST_BYTES:
        raise ValueError(f"plan: longer than {_MOST_BYTES} characters")
    try:
        fields = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("plan: nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"plan: not JSON: {error}") from None
    if not isinstance(fields, dict):
        raise ValueError("plan: not a JSON object")
    allowed = ("v", "format", "csv", "columns", "where", "limit", "strict", "rows", "groups", "probe")
    unknown = sorted(set(fields) - set(allowed))
    if unknown:
        raise ValueError(f"plan: unknown field {_shown(unknown[0])}")
    return fields


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} isn't a number")


def _present(fields: dict[str, Any], name: str, default: Any) -> Any:
    value = fields.get(name)
    return default if value is None else value


def _choice(fields: dict[str, Any], name: str, choices: tuple[Any, ...]) -> Any:
    value = fields.get(name)
    if not any(value is choice or (isinstance(choice, str) and value == choice) for choice in choices):
        raise ValueError(f"plan: {name} can't be {_shown(value)}")
    return value


def _csv_options(options: Any) -> tuple[bool, str, str]:
    if not isinstance(options, dict) or not set(options) <= {"header", "delimiter", "quote"}:
        raise ValueError(f"plan: csv can't be {_shown(options)}")
    has_header = _choice(options, "header", (None, False, True)) is not False
    delimiter, quote = options.get("delimiter", ","), options.get("quote", '"')
    for name, text in (("delimiter", delimiter), ("quote", quote)):
        is_empty_quote = name == "quote" and text == ""
        if not isinstance(text, str) or (not is_empty_quote and (len(text) != 1 or text in "\r\n\0")):
            raise ValueError(f"plan: {name} must be one character, not {_shown(text)}")
    if delimiter == quote:
        raise ValueError("plan: delimiter and quote must differ")
    return has_header, delimiter, quote


def _texts(names: Any) -> list[str]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"plan: columns can't be {_shown(names)}")
    return names


def _limit(limit: Any) -> Any:
    if limit is not None and (type(limit) is not int or limit < 0):
        raise ValueError(f"plan: limit can't be {_shown(limit)}")
    return limit


def _groups(groups: Any) -> tuple[list[Any], list[tuple[str, Any]]]:
    if not isinstance(groups, dict) or set(groups) != {"keys", "aggregates"}:
        raise ValueError("plan: groups needs keys and aggregates")
    keys, aggregates = _listed(groups["keys"], "keys"), _listed(groups["aggregates"], "aggregates")
    for aggregate in aggregates:
        if not isinstance(aggregate, list) or len(aggregate) != 2 or aggregate[0] not in AGGREGATES:
            raise ValueError(f"plan: unknown aggregate {_shown(aggregate)}")
        if aggregate[1] is None and aggregate[0] != "count":
            raise ValueError(f"plan: {aggregate[0]} needs an argument")
    return keys, [(name, argument) for name, argument in aggregates]


def _listed(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"plan: {name} can't be {_shown(value)}")
    return value


def _check_nodes(nodes: list[Any], columns: int) -> None:
    """Check expressions without recursion, so that no depth can break it."""
    pending = [(node, 1) for node in nodes]
    count = 0
    while pending:
        node, depth = pending.pop()
        count += 1
        if count > _MOST_NODES or depth > _MOST_DEPTH:
            limit = f"{_MOST_NODES} nodes" if count > _MOST_NODES else f"{_MOST_DEPTH} levels"
            raise ValueError(f"plan: an expression has more than {limit}")
        if not isinstance(node, list) or not node or not isinstance(node[0], str):
            raise ValueError(f"plan: not an expression: {_shown(node)}")
        if node[0] in CHAINS and len(node) == 3:
            operands = chain_operands(node)
            count += len(operands) - 2
            pending += [(operand, depth + 1) for operand in operands]
        else:
            pending += [(child, depth + 1) for child in _children(node, columns)]


def _children(node: list[Any], columns: int) -> list[Any]:
    """Check a node, and return its operands."""
    name, *arguments = node
    count = len(arguments)
    if name == "col" and count == 1 and type(arguments[0]) is int and 0 <= arguments[0] < columns:
        return []
    if name == "lit" and count == 1 and type(arguments[0]) in (int, float, str, type(None)):
        if type(arguments[0]) is int and not -(2**63) <= arguments[0] < 2**63:
            raise ValueError(f"plan: an integer exceeds 64 bits: {_shown(arguments[0])}")
        return []
    if (name in _UNARY and count == 1) or (name in _BINARY and count == 2):
        return arguments
    if name == "in" and count == 2:
        return [arguments[0], *_listed(arguments[1], "in")]
    if name == "like" and count == 3:
        return [argument for argument in arguments if argument is not None]
    if name == "case" and count == 2:
        return _branches(*arguments)
    if name == "cast" and count == 2 and isinstance(arguments[1], str) and arguments[1] in CASTS:
        return arguments[:1]
    if name == "fn" and count == 2 and isinstance(arguments[0], str):
        return _arguments(*arguments)
    raise ValueError(f"plan: unknown node {_shown(node)}")


def _branches(branches: Any, default: Any) -> list[Any]:
    children = [] if default is None else [default]
    for branch in _listed(branches, "case"):
        if not isinstance(branch, list) or len(branch) != 2:
            raise ValueError(f"plan: a case needs conditions and values, not {_shown(branch)}")
        children += branch
    return children


def _arguments(name: str, arguments: Any) -> list[Any]:
    limits = CALLS[name][1:] if name in CALLS else LAZY_CALLS.get(name)
    if limits is None:
        raise ValueError(f"plan: unknown function {_shown(name)}")
    if not limits[0] <= len(_listed(arguments, name)) <= limits[1]:
        raise ValueError(f"plan: wrong number of arguments to function {name}: {len(arguments)}")
    return arguments  # type: ignore[no-any-return]  # _listed has checked it


def _shown(value: Any) -> str:
    """Return a part of a plan for a message: short, in one line."""
    try:
        text = json.dumps(value)
    except (RecursionError, ValueError):
        text = f"a {type(value).__name__}"
    return text if len(text) <= 80 else text[:77] + "..."
