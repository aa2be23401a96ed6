"""What a file does to its constants and classes besides defining them: such statements aren't deployed."""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module

from storlet_shell.storlets.functions.units import Unit

_SCOPES = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda


def check_is_unchanged(unit: Unit, name: str, statement: ast.stmt) -> None:
    """Check that the value of a constant or a class is what its definition says.

    :param statement: the definition
    :raises UsageError: if another statement at the top level may change it: ``X["a"] = 1``, ``X.append(1)``
    """
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return
    other = next((other for other in _changes(unit).get(name, []) if other is not statement), None)
    if other is not None:
        reason = f"{name} may be changed here, but only its definition in line {statement.lineno} would be deployed"
        raise unit.refusal(other, f"{reason}; define it in one statement")


def setting_of(unit: Unit, name: str) -> ast.stmt | None:
    """Return the first statement at the top level that calls or changes a module: ``locale.setlocale("C")``.

    :param name: the module's name
    """
    return next(iter(_changes(unit).get(name, [])), None)


def check_star_imports(unit: Unit, name: str) -> None:
    """Check that a built-in name isn't replaced by ``from MODULE import *``.

    :raises UsageError: if it is, or if that is unknown, since the module isn't in the standard library
    """
    if not hasattr(builtins, name):
        return
    for node in unit.tree.body:
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*" and _may_export(node, name):
            text = f"{name} may be that of {ast.unparse(node)}, which isn't deployed; import each name instead of *"
            raise unit.refusal(node, text)


def _may_export(node: ast.ImportFrom, name: str) -> bool:
    module = node.module or ""
    if node.level or module.partition(".")[0] not in sys.stdlib_module_names:
        return True
    imported = import_module(module)
    return name in getattr(imported, "__all__", [item for item in vars(imported) if not item.startswith("_")])


def _is_for_programs(node: ast.stmt) -> bool:
    """Tell whether a statement is ``if __name__ == "__main__"``, which a module skips."""
    return isinstance(node, ast.If) and any(
        isinstance(part, ast.Name) and part.id == "__name__" for part in ast.walk(node.test)
    )


def _parts(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a statement, except in scopes within it."""
    if not isinstance(node, _SCOPES):
        yield node
        for child in ast.iter_child_nodes(node):
            yield from _parts(child)


@lru_cache(8)
def _changes(unit: Unit) -> dict[str, list[ast.stmt]]:
    """Return the statements at the top level that may change the value of each name, or call a member of it."""
    changes: dict[str, list[ast.stmt]] = {}
    for statement in unit.tree.body:
        if not _is_for_programs(statement):
            for name in {_root(value) for part in _parts(statement) for value in _values_changed(part)}:
                changes.setdefault(name, []).append(statement)
    return changes


def _values_changed(part: ast.AST) -> Iterator[ast.expr]:
    """Yield the values that a part of a statement may change by an assignment to a member, or by a call of one."""
    if isinstance(part, ast.Attribute | ast.Subscript) and not isinstance(part.ctx, ast.Load):
        yield part.value
    elif isinstance(part, ast.Expr) and isinstance(part.value, ast.Call) and isinstance(part.value.func, ast.Attribute):
        yield part.value.func


def _root(node: ast.AST) -> str:
    """Return the name that attributes and items are taken of; empty if it isn't a name."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
