"""Units of source, a file or a cell: their statements, the names that these bind, and those that they use."""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from textwrap import dedent
from typing import NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import UsageError
from storlet_shell.storlets.functions.signature import is_marker

_FUTURE = "from __future__ import annotations\n"

_PURE_CALLS = {"bool", "bytes", "complex", "dict", "float", "frozenset", "int", "len", "list", "max", "min", "range"}
_PURE_CALLS |= {"set", "sorted", "str", "sum", "tuple"}
_PURE_MODULES = {"collections", "datetime", "decimal", "enum", "fractions", "math", "operator", "re", "string"}
_PURE_MODULES |= {"struct", "typing"}
"""Calls that make the same value wherever they run, so that a constant may be the result of one."""


@typed_equality
class Piece(NamedTuple):
    """Some lines of a unit.

    :param line: the first one's number, from 1; 0 if they aren't a user's own
    """

    label: str
    line: int
    text: str


@dataclass(frozen=True, eq=False)
class Unit:
    """A file or a cell.

    :param label: its name in messages and in tracebacks
    """

    text: str
    label: str

    @classmethod
    def of(cls, text: str, label: str) -> Unit:
        """Return the unit of a text with any kind of line ends."""
        return cls(text.replace("\r\n", "\n").replace("\r", "\n"), label)

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax tree."""
        return ast.parse(self.text)

    @cached_property
    def _bindings(self) -> dict[str, list[ast.stmt]]:
        bindings: dict[str, list[ast.stmt]] = {}
        for statement in self.tree.body:
            for name in dict.fromkeys(_bound(statement)):
                bindings.setdefault(name, []).append(statement)
        return bindings

    def statement(self, name: str) -> ast.stmt | None:
        """Return the statement at the top level that binds a name; None if the unit doesn't bind it.

        :raises UsageError: if several do
        """
        statements = self._bindings.get(name, [])
        if len(statements) > 1:
            first, second, *_ = statements
            raise self.refusal(second, f"{name} is defined again, after line {first.lineno}, so what runs isn't clear")
        return statements[0] if statements else None

    def has_star_import(self) -> bool:
        """Tell whether it imports all names of a module."""
        return any(isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in self.tree.body)

    def refusal(self, node: ast.stmt | ast.expr, reason: str) -> UsageError:
        """Return the error about a part of its code."""
        return UsageError(f"{self.label}:{node.lineno}: {reason}")

    def piece(self, node: ast.stmt) -> Piece:
        """Return the lines of a statement, without the decorator ``@storlet``."""
        decorators = [item for item in getattr(node, "decorator_list", []) if not is_marker(item)]
        first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
        text = "\n".join(self.text.split("\n")[first - 1 : node.end_lineno])
        return Piece(self.label, first, dedent(text) if node.col_offset else text)

    def names_used(self, node: ast.stmt) -> set[str]:
        """Return the global names that a statement uses, in all its scopes, except in annotations."""
        return set(_global_names(symtable.symtable(_FUTURE + self.piece(node).text, self.label, "exec")))

    @staticmethod
    def names_annotated(node: ast.stmt) -> set[str]:
        """Return the names in a statement's annotations."""
        annotations: list[ast.AST | None] = []
        for part in ast.walk(node):
            annotations += [getattr(part, "annotation", None), getattr(part, "returns", None)]
        parts = [part for annotation in annotations if annotation is not None for part in ast.walk(annotation)]
        return {part.id for part in parts if isinstance(part, ast.Name)}

    def check_can_be_shipped(self, name: str, node: ast.stmt) -> None:
        """Check that a statement means the same wherever it runs: a function, a class, or a plain constant.

        :raises UsageError: if it may not
        """
        if not self._can_be_shipped(node):
            reason = "isn't a function, a class or a plain constant; create it in the function"
            raise self.refusal(node, f"{name} can't be shipped: it {reason}")
        lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
        if any(other is not node and other.lineno in lines for other in self.tree.body):
            raise self.refusal(node, f"{name} can't be shipped: another statement is on the same line")

    def _can_be_shipped(self, node: ast.stmt) -> bool:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom):
            return True
        if isinstance(node, ast.Assign | ast.AnnAssign):
            return node.value is not None and self._is_plain(node.value)
        if isinstance(node, ast.Try):
            blocks = [node.body, node.orelse, node.finalbody, *(handler.body for handler in node.handlers)]
            return all(self._can_be_shipped(item) for block in blocks for item in block)
        return isinstance(node, ast.Pass)

    def _is_plain(self, value: ast.expr) -> bool:
        for part in ast.walk(value):
            if isinstance(part, ast.Call) and not self._is_pure(part.func):
                return False
            if isinstance(part, ast.Await | ast.Yield | ast.YieldFrom | ast.NamedExpr | ast.Lambda):
                return False
            if isinstance(part, ast.Attribute) and not self._is_pure(part):
                return False
        return True

    def _is_pure(self, function: ast.expr) -> bool:
        root = function
        while isinstance(root, ast.Attribute):
            root = root.value
        if not isinstance(root, ast.Name):
            return isinstance(root, ast.Constant)  # a method of a text
        statements = self._bindings.get(root.id, [])
        if not statements:
            return root.id in _PURE_CALLS
        return all(modules_of(statement, root.id) <= _PURE_MODULES for statement in statements)


def modules_of(statement: ast.stmt, name: str) -> set[str]:
    """Return the top-level modules that a statement imports as a name.

    :returns: a set with an empty text if the statement isn't an import
    """
    if isinstance(statement, ast.Import):
        return {alias.name.partition(".")[0] for alias in statement.names if name_of(alias) == name}
    if isinstance(statement, ast.ImportFrom) and not statement.level:
        return {(statement.module or "").partition(".")[0]}
    return {""}


def name_of(alias: ast.alias) -> str:
    """Return the name that an import binds."""
    return alias.asname or alias.name.partition(".")[0]


def _bound(statement: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement binds, but not those in the scopes within it."""
    nodes: list[ast.AST] = [statement]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from map(name_of, node.names)
        elif isinstance(node, ast.AnnAssign) and node.value is None:
            continue
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif not isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            nodes += ast.iter_child_nodes(node)


def _global_names(table: symtable.SymbolTable) -> Iterator[str]:
    is_module = table.get_type() == "module"
    for symbol in table.get_symbols():
        if symbol.is_referenced() if is_module else symbol.is_global():
            yield symbol.get_name()
    for inner in table.get_children():
        yield from _global_names(inner)
