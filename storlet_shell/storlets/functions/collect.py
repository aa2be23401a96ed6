"""Collect the imports, constants, helpers and classes that a function uses."""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterable
from typing import NamedTuple, Protocol

from storlet_shell.equality import typed_equality
from storlet_shell.errors import Action, Hint, UsageError
from storlet_shell.storlets.functions.adapter.types import storlet_input
from storlet_shell.storlets.functions.changes import check_is_unchanged, check_star_imports, setting_of
from storlet_shell.storlets.functions.columns import Columns, columns_of
from storlet_shell.storlets.functions.signature import Signature, is_marker
from storlet_shell.storlets.functions.units import Piece, Unit, modules_of, name_of

_OWN_PACKAGE = "storlet_shell"
_OF_MODULES = {"__name__", "__file__", "__doc__", "__builtins__"}
_CELLS_ONLY = "get_ipython"
_ANYWAY = Hint(Action.DEPLOY_ANYWAY)


@typed_equality
class Collection(NamedTuple):
    """A function and everything that it uses.

    :param imports: import statements
    :param pieces: constants, helpers and classes, in an order in which they can run
    :param columns: see :func:`.columns_of`
    :param notes: statements that may matter, but aren't deployed
    """

    signature: Signature
    imports: tuple[str, ...]
    pieces: tuple[Piece, ...]
    function: Piece
    columns: Columns = ()
    notes: tuple[str, ...] = ()


class Source(Protocol):
    """Where the names that a unit uses are found."""

    def find(self, unit: Unit, name: str) -> tuple[Unit, ast.stmt] | Piece | None:
        """Return the statement that binds a name, or text that does; None if it isn't bound.

        :raises UsageError: if it can't be shipped
        """


class _File:
    """A unit that is all there is: a local file, or typed code."""

    def find(self, unit: Unit, name: str) -> tuple[Unit, ast.stmt] | Piece | None:
        """Return the statement at the top level that binds a name; None without one.

        :raises UsageError: if other statements change its value, or if a built-in name may come from an import of *
        """
        statement = unit.statement(name)
        if statement is None:
            check_star_imports(unit, name)
            return None
        check_is_unchanged(unit, name, statement)
        return unit, statement


def collect(unit: Unit, node: ast.stmt, source: Source | None = None, *, force: bool = False) -> Collection:
    """Collect a function and what it uses.

    :param node: the function's definition
    :param source: where names are found; None for the unit itself
    :param force: accept undefined names and relative imports, which a review of the code then reports
    :raises UsageError: if it isn't fit for a storlet, or uses what can't be shipped
    """
    signature = check_definition(unit, node)
    assert isinstance(node, ast.FunctionDef)
    collector = _Collector(source or _File(), signature.function, force=force)
    collector.add_names_of(unit, node)
    return Collection(
        signature,
        collector.sorted_imports(),
        collector.sorted_pieces(),
        unit.piece(node),
        columns_of(node) if storlet_input(signature.input)[0] == "rows" else (),
        tuple(collector.notes),
    )


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
    def __init__(self, source: Source, function: str, *, force: bool) -> None:
        self._source = source
        self._function = function
        self._force = force
        self.notes: dict[str, None] = {}
        self._imports: dict[str, None] = {}
        self._pieces: dict[tuple[str, int, str], Piece] = {}
        self._visited: set[tuple[int, str]] = set()
        self._units: set[int] = set()

    def add_names_of(self, unit: Unit, node: ast.stmt) -> None:
        """Add everything that a statement uses."""
        used = unit.names_used(node)
        if _CELLS_ONLY in used:
            raise unit.refusal(node, f"{self._function} uses !command or %magic, which works in cells only")
        if line := unit.line_of_annotations(node):
            text = "annotations are texts where storlets run, as with from __future__ import annotations"
            self.notes[f"{unit.label}:{line}: {text}"] = None
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
            if not hasattr(builtins, name) and not self._force:
                advice = "; import each name instead of *" if unit.has_star_import() else ""
                uses = (part for part in ast.walk(user) if isinstance(part, ast.Name) and part.id == name)
                raise unit.refusal(next(uses, user), f"{name} isn't defined{advice}", _ANYWAY)
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
        level = statement.level if isinstance(statement, ast.ImportFrom) else 0
        if level and not self._force:
            text = f"{name} can't be imported by a relative import where storlets run"
            raise unit.refusal(statement, text, _ANYWAY)
        if _OWN_PACKAGE in modules_of(statement, name):
            raise unit.refusal(statement, f"{name} can't be used: engines don't have {_OWN_PACKAGE}")
        if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
            return
        setting = setting_of(unit, name) if isinstance(self._source, _File) else None
        if setting is not None:
            text = f"{ast.unparse(setting).splitlines()[0]} isn't deployed; if the storlet needs it, move it there"
            self.notes[f"{unit.label}:{setting.lineno}: {text}"] = None
        aliases = [alias for alias in statement.names if name_of(alias) == name]
        for alias in aliases:
            if isinstance(statement, ast.Import):
                self._imports[ast.unparse(ast.Import([alias]))] = None
            else:
                self._imports[ast.unparse(ast.ImportFrom(statement.module, [alias], level))] = None

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
