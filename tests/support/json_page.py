"""The tables of docs/json.md, rendered from the declarations of results."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NotRequired, TypeVar, Union

from storlet_shell.results.schemas import SCHEMAS
from storlet_shell.results.schemas.shared import Answer, Failure, Listing, Plan

MARK = "<!-- Rendered from storlet_shell/results/schemas/; update: UPDATE_JSON=1 pytest tests/test_json_page.py -->"

_NAMES = {str: "text", int: "integer", float: "number", bool: "boolean", NoneType: "null"}
_COMMON = (Failure, Plan, Answer)


def rendered() -> str:
    """Return the part of the page below :data:`MARK`."""
    shown: list[Any] = []
    lines = ["## Results of several commands", ""]
    for kind in _COMMON:
        lines += _section(kind, shown)
    for command, kind in SCHEMAS.items():
        lines += [f"## {command}", "", f"{_sentence(kind)}.", ""]
        for record in _records(kind):
            if record not in shown:
                lines += _section(record, shown)
    return "\n".join(lines).rstrip() + "\n"


def _sentence(kind: Any) -> str:
    names = [_result(choice) for choice in _choices(kind)]
    text = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
    return text[0].upper() + text[1:]


def _result(kind: Any) -> str:
    if typing.get_origin(kind) is Listing:
        return f"rows, each {_spelled(typing.get_args(kind)[0])}"
    return "the value of a variable, as its own result shows it" if kind is Any else _spelled(kind)


def _choices(kind: Any) -> tuple[Any, ...]:
    return typing.get_args(kind) if typing.get_origin(kind) in (Union, UnionType) else (kind,)


def _records(kind: Any) -> Iterator[Any]:
    """Yield the declarations that a type consists of, outer ones first."""
    if typing.is_typeddict(kind):
        yield kind
        for hint in typing.get_type_hints(kind, include_extras=True).values():
            yield from _records(hint)
        return
    for argument in typing.get_args(kind):
        yield from _records(argument)


def _section(kind: Any, shown: list[Any]) -> list[str]:
    """Return a declaration's table, and those of the declarations in it."""
    shown.append(kind)
    hints = typing.get_type_hints(kind, include_extras=True)
    lines = [f"### {kind.__name__}", "", _sentence_of(kind), "", "| key | type | |", "| --- | --- | --- |"]
    lines += [_row(name, hint) for name, hint in hints.items()]
    lines.append("")
    for record in (record for hint in hints.values() for record in _records(hint)):
        if record not in shown:
            lines += _section(record, shown)
    return lines


def _sentence_of(kind: Any) -> str:
    return " ".join(kind.__doc__.split())


def _row(name: str, hint: Any) -> str:
    optional = typing.get_origin(hint) is NotRequired
    if optional:
        hint = typing.get_args(hint)[0]
    text = ""
    if typing.get_origin(hint) is Annotated:
        hint, text = typing.get_args(hint)
    words = _spelled(hint).replace("|", "\\|")
    return f"| `{name}`{' (may be missing)' if optional else ''} | {words} | {text} |"


def _spelled(kind: Any) -> str:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, UnionType):
        return " or ".join(_spelled(argument) for argument in arguments)
    if origin is Literal:
        return " or ".join(f"`{argument}`" for argument in arguments)
    if origin is list:
        return f"list of {_spelled(arguments[0])}"
    if origin is dict:
        return f"object of {_spelled(arguments[1])}"
    if typing.is_typeddict(kind):
        return f"[{kind.__name__}](#{kind.__name__.lower()})"
    return "anything" if kind is Any or isinstance(kind, TypeVar) else _NAMES[kind]
