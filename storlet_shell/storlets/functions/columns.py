"""The columns of a function's rows, where its code shows them: so that a table without rows has a header, too."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TypeGuard

_CHANGING = {"clear", "pop", "popitem", "setdefault", "update", "__delitem__", "__ior__", "__setitem__"}
_SCOPES = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda

Columns = tuple[str | None, ...]
"""Names of columns; None stands for all columns of the input."""


def columns_of(node: ast.FunctionDef) -> Columns:
    """Return the columns of the rows that a function yields or returns; empty if its code doesn't show them.

    Shown are rows of the input that it doesn't change, and dicts with literal keys: ``row``, ``{**row, "hot": True}``.
    Rows that are passed to other functions count as unchanged if these return something.
    """
    finder = _Finder(node)
    alternatives = {columns for value in finder.results() if (columns := finder.columns_of_rows(value)) != ()}
    if len(alternatives) != 1:
        return ()
    return alternatives.pop() or ()


class _Finder:
    """Reads the statements of one function, without those of functions in it.

    :param node: the function
    """

    def __init__(self, node: ast.FunctionDef) -> None:
        self._parts = list(_own_parts(node))
        self._input = node.args.args[0].arg
        self._is_generator = any(isinstance(part, ast.Yield | ast.YieldFrom) for part in self._parts)
        loops = [part for part in self._parts if isinstance(part, ast.For | ast.comprehension)]
        targets = [loop.target for loop in loops if self._is_input(loop.iter)]
        self._rows = {target.id for target in targets if isinstance(target, ast.Name)}
        self._changed = set(self._names_changed(targets))

    def results(self) -> Iterator[ast.expr | None]:
        """Yield what the function yields or returns: rows of a generator as lists of one."""
        for part in self._parts:
            if isinstance(part, ast.Yield):
                yield ast.List([part.value or ast.Constant(None)])
            elif isinstance(part, ast.YieldFrom) or (isinstance(part, ast.Return) and not self._is_generator):
                yield part.value

    def columns_of_rows(self, rows: ast.expr | None) -> Columns | None:
        """Return the columns of a list or an iterator of rows; empty if it is empty, None if they aren't known."""
        if rows is not None and self._is_input(rows):
            return (None,)
        if isinstance(rows, ast.ListComp | ast.GeneratorExp):
            return self._columns_of_row(rows.elt)
        if not isinstance(rows, ast.List | ast.Tuple):
            return None
        alternatives = {self._columns_of_row(row) for row in rows.elts}
        return alternatives.pop() if len(alternatives) == 1 else None if alternatives else ()

    def _columns_of_row(self, row: ast.expr) -> Columns | None:
        if self._is_row(row):
            return (None,)
        if not isinstance(row, ast.Dict) or not row.keys:
            return None
        columns: list[str | None] = []
        for key, value in zip(row.keys, row.values, strict=True):
            if key is None and self._is_row(value):
                columns.append(None)
            elif isinstance(key, ast.Constant) and isinstance(key.value, str):
                columns.append(key.value)
            else:
                return None
        return tuple(columns)

    def _is_input(self, value: ast.expr) -> bool:
        return isinstance(value, ast.Name) and value.id == self._input

    def _is_row(self, value: ast.expr) -> bool:
        if not isinstance(value, ast.Name) or value.id not in self._rows:
            return False
        return self._changed.isdisjoint((value.id, self._input))

    def _names_changed(self, targets: list[ast.expr]) -> Iterator[str]:
        """Yield names that are bound otherwise than as loop targets over the input, and those of changed values."""
        for part in self._parts:
            if isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Load) and part not in targets:
                yield part.id
            elif _changes_value(part):
                yield from _names(part.value)
            elif isinstance(part, ast.Expr) and isinstance(part.value, ast.Call):
                yield from (name for argument in part.value.args for name in _names(argument))


def _changes_value(part: ast.AST) -> TypeGuard[ast.Subscript | ast.Attribute]:
    """Tell whether a part of a statement changes its ``value``."""
    if isinstance(part, ast.Attribute):
        return part.attr in _CHANGING
    return isinstance(part, ast.Subscript) and not isinstance(part.ctx, ast.Load)


def _own_parts(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes in a function, except in scopes within it other than comprehensions."""
    for part in ast.iter_child_nodes(node):
        if not isinstance(part, _SCOPES):
            yield part
            yield from _own_parts(part)


def _names(value: ast.expr) -> list[str]:
    return [value.id] if isinstance(value, ast.Name) else []
