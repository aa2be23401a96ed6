"""Recognize code that runs only under conditions, from its syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Collection

_CATCH_ALL = frozenset({"", "BaseException", "Exception"})

_ENVIRONMENT = frozenset({"PY2", "PY3", "find_spec", "hexversion", "platform", "system", "version_info"})
"""Names in a test that asks which Python or system runs the code."""


def identifiers(node: ast.AST) -> set[str]:
    """Return the names and the attributes that an expression mentions."""
    names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    return names | {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)}


def depends_on_environment(test: ast.expr) -> bool:
    """Tell whether a condition asks which Python or system runs the code."""
    return bool(identifiers(test) & _ENVIRONMENT)


def outcome(test: ast.expr) -> bool | None:
    """Return the value that a condition has whenever the code runs; None if unknown."""
    if isinstance(test, ast.Constant):
        return bool(test.value)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        value = outcome(test.operand)
        return None if value is None else not value
    is_for_type_checkers = isinstance(test, ast.Name | ast.Attribute) and "TYPE_CHECKING" in identifiers(test)
    return False if is_for_type_checkers else None


def catches(handler: ast.ExceptHandler, errors: Collection[str]) -> bool:
    """Tell whether a handler catches errors by one of these names, or all errors, and doesn't raise at its end."""
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    names = {_last_name(kind) for kind in types}
    return bool(names & (_CATCH_ALL | set(errors))) and not isinstance(handler.body[-1], ast.Raise)


def suppresses(node: ast.With | ast.AsyncWith, errors: Collection[str]) -> bool:
    """Tell whether a ``with`` statement suppresses errors by one of these names, or all errors."""
    calls = [item.context_expr for item in node.items if isinstance(item.context_expr, ast.Call)]
    return any(
        _last_name(call.func) == "suppress" and {_last_name(kind) for kind in call.args} & (_CATCH_ALL | set(errors))
        for call in calls
    )


def _last_name(node: ast.expr | None) -> str:
    """Return the last component of a dotted name; empty for no expression, and for others an impossible name."""
    if node is None:
        return ""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else "?"
