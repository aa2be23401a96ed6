"""Collect the imports, constants, helpers and classes that a function uses."""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterable
from typing import NamedTuple, Protocol

from storlet_shell.equality import typed_equality
from storlet_shell.errors import UsageError
from storlet_shell.storlets.functions.signature import Signature, is_marker
from storlet_shell.storlets.functions.units import Piece, Unit, modules_of, name_of

_OWN_PACKAGE = "storlet_shell"
_OF_MODULES = {"__name__", "__file__", "__doc__", "__builtins__"}
_CELLS_ONLY = "get_ipython"


@typed_equality
class Collection(NamedTuple):
    """A function and everything that it uses.

    :param imports: import statements
    :param pieces: constants, helpers and classes, in an order in which they can run
    """

    signature: Signature
    imports: tuple[str, ...]
    pieces: tuple[Piece, ...]
    function: Piece


class Source(Protocol):
    """Where the names that a unit uses are found."""

    def find(self, unit: Unit, name: str) -> tuple[Unit, ast.stmt] | Piece | None:
        """Return the statement that binds a name, or text that does; None if it isn't bound.

        :raises UsageError: if it can't be shipped
        """


class _File:
    """A unit that is all there is: a local file, or typed code."""

    def find(self, unit: Unit, name: str) -> tuple[Unit, ast.stmt] | Piece | None:
        """Return the statement at the top level that binds a name; None without one."""
        statement = unit.statement(name)
        return None if statement is None else (unit, statement)


def collect(unit: Unit, node: ast.stmt, source: Source | None = None) -> Collection:
    """Collect a function and what it uses.

    :param node: the function's definition
    :param source: where names are found; None for the unit itself
    :raises UsageError: if it isn't fit for a storlet, or uses what can't be shipped
    """
    signature = check_definition(unit, node)
    collector = _Collector(source or _File(), signature.function)
    collector.add_names_of(unit, node)
    return Collection(signature, collector.sorted_imports(), collector.sorted_pieces(), unit.piece(node))


def check_definition(unit: Unit, node: ast.stmt) -> Signature:
    """Check that a function's definition is fit for a storlet, and return its signature.

    :raises UsageError: if it isn't
    """
    if isinstance(node, ast.AsyncFunctionDef):
        raise unit.refusal(node, f"{node.name} is async def, but engines don't await; use def")
    assert isinstance(node, ast.FunctionDef)
    other = next((decorator for decorator in node.decorator_list if not is_marker(decorator)), None)
    if other is not None:
        raise unit.refusal(node, f"{node.name} can have no decorator but @storlet, not @{ast.unparse(other)}")
    try:
        return Signature.of(node)
    except UsageError as error:
        raise unit.refusal(node, str(error)) from None


class _Collector:
    def __init__(self, source: Source, function: str) -> None:
        self._source = source
        self._function = function
        self._imports: dict[str, None] = {}
        self._pieces: dict[tuple[str, int, str], Piece] = {}
        self._visited: set[tuple[int, str]] = set()
        self._units: set[int] = set()

    def add_names_of(self, unit: Unit, node: ast.stmt) -> None:
        """Add everything that a statement uses."""
        used = unit.names_used(node)
        if _CELLS_ONLY in used:
            raise unit.refusal(node, f"{self._function} uses !command or %magic, which works in cells only")
        for name in sorted(used - {self._function} - _OF_MODULES):
            self._add(unit, node, name)
        for name in sorted(unit.names_annotated(node) - used):
            self._add_annotated(unit, name)

    def _add(self, unit: Unit, user: ast.stmt, name: str) -> None:
        if (id(unit), name) in self._visited:
            return
        self._visited.add((id(unit), name))
        match = self._source.find(unit, name)
        if isinstance(match, Piece):
            if match.text.startswith(("import ", "from ")):
                self._imports[match.text] = None
            else:
                self._pieces[match.label, match.line, match.text] = match
            return
        if match is None:
            if not hasattr(builtins, name):
                advice = "; import each name instead of *" if unit.has_star_import() else ""
                uses = (part for part in ast.walk(user) if isinstance(part, ast.Name) and part.id == name)
                raise unit.refusal(next(uses, user), f"{name} isn't defined{advice}")
            return
        home, statement = match
        if isinstance(statement, ast.Import | ast.ImportFrom):
            self._import(home, statement, name)
        elif statement is not user:
            home.check_can_be_shipped(name, statement)
            self.add_names_of(home, statement)
            piece = home.piece(statement)
            self._units.add(id(home))
            self._pieces[piece.label, piece.line, piece.text] = piece

    def _add_annotated(self, unit: Unit, name: str) -> None:
        """Add an import for an annotation, which is never evaluated, if it can't fail."""
        statement = next((item for item in unit.tree.body if _imports(item, name)), None)
        if statement is not None and modules_of(statement, name) <= sys.stdlib_module_names:
            self._import(unit, statement, name)

    def _import(self, unit: Unit, statement: ast.stmt, name: str) -> None:
        assert isinstance(statement, ast.Import | ast.ImportFrom)
        if isinstance(statement, ast.ImportFrom) and statement.level:
            raise unit.refusal(statement, f"{name} can't be imported by a relative import where storlets run")
        if _OWN_PACKAGE in modules_of(statement, name):
            raise unit.refusal(statement, f"{name} can't be used: engines don't have {_OWN_PACKAGE}")
        if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
            return
        aliases = [alias for alias in statement.names if name_of(alias) == name]
        for alias in aliases:
            if isinstance(statement, ast.Import):
                self._imports[ast.unparse(ast.Import([alias]))] = None
            else:
                self._imports[ast.unparse(ast.ImportFrom(statement.module, [alias], 0))] = None

    def sorted_imports(self) -> tuple[str, ...]:
        """Return the import statements."""
        return tuple(sorted(self._imports, key=lambda text: (text.startswith("from"), text)))

    def sorted_pieces(self) -> tuple[Piece, ...]:
        """Return the pieces: those of one unit in their own order, others after what they use."""
        pieces: Iterable[Piece] = self._pieces.values()
        return tuple(sorted(pieces, key=lambda piece: piece.line) if len(self._units) == 1 else pieces)


def _imports(statement: ast.stmt, name: str) -> bool:
    return isinstance(statement, ast.Import | ast.ImportFrom) and any(
        name_of(alias) == name for alias in statement.names
    )
