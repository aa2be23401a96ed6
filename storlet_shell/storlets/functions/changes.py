"""What a file does to its constants and classes besides defining them: such statements aren't deployed."""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterator
from importlib import import_module

from storlet_shell.storlets.functions.units import Unit

_SCOPES = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda


def check_is_unchanged(unit: Unit, name: str, statement: ast.stmt) -> None:
    """Check that the value of a constant or a class is what its definition says.

    :param statement: the definition
    :raises UsageError: if another statement at the top level changes it: ``X["a"] = 1``, ``X.append(1)``
    """
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return
    for other in unit.tree.body:
        if other is statement or _is_for_programs(other):
            continue
        if any(_changes(name, part) for part in _parts(other)):
            reason = f"{name} may be changed here, but only its definition in line {statement.lineno} would be deployed"
            raise unit.refusal(other, f"{reason}; define it in one statement")


def settings_of(unit: Unit, name: str) -> ast.stmt | None:
    """Return the first statement at the top level that calls or changes a module: ``locale.setlocale("C")``.

    :param name: the module's name
    """
    for other in unit.tree.body:
        call = other.value if isinstance(other, ast.Expr) else None
        is_call = isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and _root(call.func) == name
        if is_call or any(_is_stored(name, part) for part in _parts(other)):
            return other
    return None


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


def _changes(name: str, part: ast.AST) -> bool:
    is_call = isinstance(part, ast.Expr) and isinstance(part.value, ast.Call)
    if is_call and isinstance(part.value.func, ast.Attribute):  # type: ignore[attr-defined]
        return _root(part.value.func) == name  # type: ignore[attr-defined]
    return _is_stored(name, part)


def _is_stored(name: str, part: ast.AST) -> bool:
    is_part = isinstance(part, ast.Attribute | ast.Subscript) and not isinstance(part.ctx, ast.Load)
    return is_part and _root(part) == name


def _root(node: ast.AST) -> str:
    """Return the name that attributes and items are taken of; empty if it isn't a name."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
