"""JSON Schema of results, made from their declarations in :mod:`storlet_shell.results.schemas`."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NotRequired, TypeVar, Union

from storlet_shell.results.schemas import SCHEMAS

_NAMES = {str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null"}


def results_of(command: str) -> dict[str, Any] | None:
    """Return the schema of a command's results; of one with actions, theirs by their names.

    :returns: None if nothing is declared
    """
    if command in SCHEMAS:
        return schema_of(SCHEMAS[command])
    actions = {name: kind for name, kind in SCHEMAS.items() if name.startswith(f"{command} ")}
    return {name.removeprefix(f"{command} "): schema_of(kind) for name, kind in actions.items()} or None


def columns_of(command: str) -> list[str] | None:
    """Return the columns that a command's results can have; None if nothing is declared, or their keys are data."""
    schema = results_of(command)
    if schema is None:
        return None
    columns: dict[str, None] = {}
    for choice in schema.get("anyOf", [schema]):
        if "properties" not in choice:
            return None
        fields = choice["properties"]
        if "rows" in fields:
            fields = fields["rows"]["items"].get("properties")
            if fields is None:  # those of a query
                return None
        columns.update(dict.fromkeys(fields))
    return list(columns)


def schema_of(kind: Any, bound: Mapping[TypeVar, Any] | None = None) -> dict[str, Any]:
    """Return the JSON Schema of a type.

    :param kind: a declaration, or what a key of one is annotated with
    :param bound: what the type variables of a generic declaration stand for
    """
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return {}
    if isinstance(kind, TypeVar):
        return schema_of((bound or {})[kind])
    if origin is NotRequired:
        return schema_of(arguments[0], bound)
    if origin is Annotated:
        return {**schema_of(arguments[0], bound), "description": arguments[1]}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, UnionType):
        return _either([schema_of(argument, bound) for argument in arguments])
    if origin is list:
        return {"type": "array", "items": schema_of(arguments[0], bound)}
    if origin is dict:
        return {"type": "object", "additionalProperties": schema_of(arguments[1], bound)}
    if typing.is_typeddict(origin or kind):
        return _object(origin or kind, dict(zip(getattr(origin, "__parameters__", ()), arguments, strict=True)))
    return {"type": _NAMES[kind]}


def _either(schemas: list[dict[str, Any]]) -> dict[str, Any]:
    if all(set(schema) == {"type"} for schema in schemas):
        return {"type": [schema["type"] for schema in schemas]}
    return {"anyOf": schemas}


def _object(kind: Any, bound: Mapping[TypeVar, Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(kind, include_extras=True)
    return {
        "type": "object",
        "title": kind.__name__,
        "description": " ".join(kind.__doc__.split()),
        "properties": {name: schema_of(hint, bound) for name, hint in hints.items()},
        "required": [name for name, hint in hints.items() if typing.get_origin(hint) is not NotRequired],
        "additionalProperties": False,
    }
