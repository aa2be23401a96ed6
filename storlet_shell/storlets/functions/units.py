"""Units of source, a file or a cell: their statements, the names that these bind, and those that they use."""

from __future__ import annotations

import ast
import symtable
from collections.abc import Container, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import Hint, UsageError
from storlet_shell.storlets.functions.signature import is_marker
from storlet_shell.storlets.parsing import parse_code

_FUTURE = "from __future__ import annotations\n"

_PURE_CALLS = {"bool", "bytes", "complex", "dict", "float", "frozenset", "int", "len", "list", "max", "min", "range"}
_PURE_CALLS |= {"set", "sorted", "str", "sum", "tuple"}
_PURE_MODULES = {"collections", "datetime", "decimal", "enum", "fractions", "math", "operator", "re", "string"}
_PURE_MODULES |= {"struct", "typing"}
"""Calls that make the same value wherever they run, so that a constant may be the result of one."""

_READING = {"__annotations__", "__dataclass_fields__", "get_annotations"}

_CHANGING_CALLS = {"now", "today", "utcnow", "getcontext"}
"""Exceptions in these modules."""


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
        return parse_code(self.text)

    @cached_property
    def _lines(self) -> list[str]:
        return self.text.split("\n")

    @cached_property
    def _bindings(self) -> dict[str, list[ast.stmt]]:
        bindings: dict[str, list[ast.stmt]] = {}
        for statement in self.tree.body:
            for name in dict.fromkeys(bound_names(statement)):
                bindings.setdefault(name, []).append(statement)
        return bindings

    def statement(self, name: str) -> ast.stmt | None:
        """Return the statement at the top level that binds a name; None if the unit doesn't bind it.

        :returns: one import of all submodules, if several import a package's
        :raises UsageError: if several bind it to different things
        """
        statements = self._bindings.get(name, [])
        if len(statements) > 1:
            if (statement := _joined(statements, name)) is not None:
                return statement
            first, second, *_ = statements
            raise self.refusal(second, f"{name} is defined again, after line {first.lineno}, so what runs isn't clear")
        return statements[0] if statements else None

    def has_star_import(self) -> bool:
        """Tell whether it imports all names of a module."""
        return any(isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in self.tree.body)

    def refusal(self, node: ast.stmt | ast.expr, reason: str, hint: Hint | None = None) -> UsageError:
        """Return the error about a part of its code."""
        return UsageError(f"{self.label}:{node.lineno}: {reason}", hint=hint)

    def piece(self, node: ast.stmt) -> Piece:
        """Return the lines of a statement, without the decorator ``@storlet``."""
        decorators = [item for item in getattr(node, "decorator_list", []) if not is_marker(item)]
        first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
        lines = self._lines[first - 1 : node.end_lineno]
        if node.col_offset:
            inner = _lines_in_texts(node)
            lines = [
                line if number in inner else line[_indentation(line, node.col_offset) :]
                for number, line in enumerate(lines, first)
            ]
        return Piece(self.label, first, "\n".join(lines))

    def names_used(self, node: ast.stmt) -> set[str]:
        """Return the global names that a statement uses, in all its scopes, except in annotations."""
        table = symtable.symtable(_FUTURE + self.piece(node).text, self.label, "exec")
        used = set(_global_names(table, self._bindings))
        return used - _names_of_comprehensions(table, set(bound_names(node)))

    def line_of_annotations(self, node: ast.stmt) -> int:
        """Return the number of the first line that reads annotations, which deployed code keeps as texts.

        :returns: 0 without one, and if the unit has texts, too
        """
        if any(isinstance(item, ast.ImportFrom) and item.module == "__future__" for item in self.tree.body):
            return 0
        reads = [part.lineno for part in ast.walk(node) if isinstance(part, ast.Attribute) and part.attr in _READING]
        return min(reads, default=0)

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
            return node.value is not None and self.is_plain(node.value)
        if isinstance(node, ast.Try):
            blocks = [node.body, node.orelse, node.finalbody, *(handler.body for handler in node.handlers)]
            return all(self._can_be_shipped(item) for block in blocks for item in block)
        if isinstance(node, ast.If):
            return _asks_for_python(node.test) and all(map(self._can_be_shipped, [*node.body, *node.orelse]))
        return isinstance(node, ast.Pass)

    def is_plain(self, value: ast.expr) -> bool:
        """Tell whether an expression has the same value wherever it is evaluated."""
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
            if root.attr in _CHANGING_CALLS:
                return False
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


def _asks_for_python(test: ast.expr) -> bool:
    """Tell whether a condition depends on nothing but the Python that runs it: ``sys.version_info >= (3, 11)``."""
    names = {part.id for part in ast.walk(test) if isinstance(part, ast.Name)}
    return names <= {"sys"} and not any(isinstance(part, ast.Call) for part in ast.walk(test))


def _joined(statements: list[ast.stmt], name: str) -> ast.stmt | None:
    """Return one import that does what several do that bind a name to the same thing; None if they don't."""
    aliases: dict[str, ast.alias] = {}
    for statement in statements:
        if not isinstance(statement, ast.Import | ast.ImportFrom):
            return None
        for alias in statement.names:
            if name_of(alias) == name:
                aliases.setdefault(ast.unparse(alias), alias)
    first = statements[0]
    are_imports = all(isinstance(statement, ast.Import) for statement in statements)
    if are_imports and (len(aliases) == 1 or not any(alias.asname for alias in aliases.values())):
        return ast.copy_location(ast.Import(list(aliases.values())), first)
    origins = {(getattr(item, "module", ""), getattr(item, "level", None)) for item in statements}
    return first if len(aliases) == len(origins) == 1 else None


def _lines_in_texts(node: ast.stmt) -> set[int]:
    """Return the numbers of lines that start within a text, whose indentation belongs to its value."""
    texts = [
        part
        for part in ast.walk(node)
        if isinstance(part, ast.JoinedStr) or (isinstance(part, ast.Constant) and isinstance(part.value, str | bytes))
    ]
    return {number for text in texts for number in range(text.lineno + 1, (text.end_lineno or text.lineno) + 1)}


def _indentation(line: str, limit: int) -> int:
    """Return the width of a line's indentation, at most so much."""
    return min(len(line) - len(line.lstrip()), limit)


def bound_names(statement: ast.stmt) -> Iterator[str]:
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


def _names_of_comprehensions(table: symtable.SymbolTable, bound: Container[str]) -> set[str]:
    """Return the variables of comprehensions outside of functions, which Python 3.12 lists among a module's names.

    :param bound: the names that the statement binds
    """
    return {name for name in table.get_identifiers() if table.lookup(name).is_local() and name not in bound}


def _global_names(table: symtable.SymbolTable, bound: Container[str]) -> Iterator[str]:
    """Yield the global names that a scope and those in it use.

    :param bound: the names at the top level; the body of a class may use one that it binds itself: ``limit = limit``
    """
    for symbol in table.get_symbols():
        is_used = symbol.is_referenced()
        if table.get_type() == "class":
            is_used = symbol.is_global() or (is_used and symbol.get_name() in bound)
        elif table.get_type() != "module":
            is_used = symbol.is_global()
        if is_used:
            yield symbol.get_name()
    for inner in table.get_children():
        yield from _global_names(inner, bound)
