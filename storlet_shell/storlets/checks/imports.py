"""Find out where the modules that a storlet imports come from, without importing them."""

from __future__ import annotations

import ast
import difflib
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from importlib.machinery import FrozenImporter, PathFinder
from typing import Literal, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.storlets.checks import conditions
from storlet_shell.storlets.checks.finding import Finding
from storlet_shell.storlets.import_path import import_path

Origin = Literal["standard library", "bundled", "engine", "embedded Swift", "missing"]
"""Where a module comes from: ``bundled`` with the storlet, of every ``engine``, or only of the ``embedded Swift``."""

_EVERY_ENGINES = frozenset({"__main__", "storlets"})
_IMPORT_ERRORS = ("ImportError", "ModuleNotFoundError")
_PATH_TRICKS = frozenset({"addsitedir", "meta_path", "path_hooks", "zipimporter"})

_MODULES_OF_MODULES = frozenset({"os.path"})
"""Modules of the standard library that aren't files of a package."""


@typed_equality
class Import(NamedTuple):
    """An import statement's module.

    :param line: the line number, from 1
    :param module: its dotted name; a relative one starts with dots
    :param is_needed: false if the code can do without it, or looks for it in other folders
    """

    line: int
    module: str
    origin: Origin
    is_needed: bool = True


def find_imports(tree: ast.Module, bundled: Collection[str] = ()) -> list[Import]:
    """Return the modules that a storlet imports at run time, anywhere in its code.

    :param bundled: the dotted names of the modules that are deployed, including the storlet's own
    """
    try:
        visitor = _Imports(bundled)
        visitor.visit(tree)
    except RecursionError:
        return []
    if _searches_elsewhere(tree):
        return [found._replace(is_needed=False) if found.origin == "missing" else found for found in visitor.imports]
    return visitor.imports


def judge(imports: Collection[Import], bundled: Collection[str] = ()) -> Iterator[Finding]:
    """Describe the imports that fail or may fail, each module once."""
    reported: set[str] = set()
    for found in imports:
        if not found.is_needed or found.module in reported:
            continue
        reported.add(found.module)
        if found.module.startswith("."):
            text = f"import from {found.module}: engines import the file as a module of its own, without a package"
            yield Finding(found.line, text, is_fatal=True)
        elif found.origin == "embedded Swift":
            yield Finding(found.line, f"import {found.module}: the embedded Swift has it; a cluster may not")
        elif found.origin == "missing":
            yield Finding(found.line, f"import {found.module}: {_why_missing(found.module, bundled)}")


def _why_missing(module: str, bundled: Collection[str]) -> str:
    top = module.partition(".")[0]
    if top in bundled:
        is_package = any(name.startswith(f"{top}.") for name in bundled)
        return f"the deployed package {top} doesn't have it" if is_package else f"{top} is a single file, not a package"
    if top in sys.stdlib_module_names:
        return "this Python's standard library doesn't have it"
    close = difflib.get_close_matches(top, sorted({*bundled, *sys.stdlib_module_names}), n=1, cutoff=0.75)
    hint = f"; did you mean {close[0]}?" if close else ""
    return f"not among the dependencies, and the embedded Swift doesn't have it; a cluster may{hint}"


def locate(module: str, bundled: Collection[str]) -> Origin:
    """Return where engines import a module from."""
    top = module.partition(".")[0]
    if not top:
        return "missing"
    if top in bundled:
        return "bundled" if module in bundled else "missing"
    if top in _EVERY_ENGINES:
        return "engine"
    if top in sys.stdlib_module_names:
        return "standard library" if _is_here(module) else "missing"
    return "embedded Swift" if _is_here(top) else "missing"


def _is_here(module: str) -> bool:
    """Tell whether the embedded engine's Python has a module; its packages aren't imported."""
    if module in sys.builtin_module_names or module in _MODULES_OF_MODULES:
        return True
    names, path = module.split("."), import_path()
    for count in range(1, len(names) + 1):
        name = ".".join(names[:count])
        spec = PathFinder.find_spec(name, path) or FrozenImporter.find_spec(name)
        if spec is None:
            return False
        if spec.submodule_search_locations is None:
            return count == len(names)
        path = list(spec.submodule_search_locations)
    return True


def _searches_elsewhere(tree: ast.Module) -> bool:
    """Tell whether the code changes where Python looks for modules."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.ImportFrom)
            and node.module == "sys"
            and any(name.name == "path" for name in node.names)
        ):
            return True
        if isinstance(node, ast.Attribute):
            is_path = node.attr == "path" and isinstance(node.value, ast.Name) and node.value.id == "sys"
            if is_path or node.attr in _PATH_TRICKS:
                return True
        if isinstance(node, ast.Name) and node.id in _PATH_TRICKS:
            return True
    return False


class _Imports(ast.NodeVisitor):
    """Collects the imports of a module."""

    def __init__(self, bundled: Collection[str]) -> None:
        self.imports: list[Import] = []
        self._bundled = bundled
        self._are_needed = True

    def visit_Import(self, node: ast.Import) -> None:
        """Collect ``import a.b``."""
        for alias in node.names:
            self._add(node.lineno, alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Collect ``from a import b``; what ``b`` is, only an import could tell."""
        self._add(node.lineno, "." * node.level + (node.module or ""))

    def _add(self, line: int, module: str) -> None:
        self.imports.append(Import(line, module, locate(module, self._bundled), self._are_needed))

    @contextmanager
    def _optional(self, *, is_optional: bool = True) -> Iterator[None]:
        """Collect what the code can do without."""
        outer = self._are_needed
        self._are_needed = outer and not is_optional
        yield
        self._are_needed = outer

    def _visit_all(self, nodes: Collection[ast.AST]) -> None:
        for node in nodes:
            self.visit(node)

    def visit_If(self, node: ast.If) -> None:
        """Skip code for type checkers only."""
        value = conditions.outcome(node.test)
        with self._optional(is_optional=conditions.depends_on_environment(node.test)):
            self._visit_all(node.body if value is not False else [])
            self._visit_all(node.orelse if value is not True else [])

    def _visit_try(self, node: ast.Try | ast.TryStar) -> None:
        handlers = [handler for handler in node.handlers if conditions.catches(handler, _IMPORT_ERRORS)]
        count = len(self.imports)
        with self._optional(is_optional=bool(handlers)):
            self._visit_all(node.body)
            is_complete = all(found.origin != "missing" for found in self.imports[count:])
            self._visit_all(node.orelse)
        with self._optional(is_optional=is_complete):
            self._visit_all(handlers)
        self._visit_all([handler for handler in node.handlers if handler not in handlers])
        self._visit_all(node.finalbody)

    visit_Try = visit_TryStar = _visit_try

    def _visit_with(self, node: ast.With | ast.AsyncWith) -> None:
        with self._optional(is_optional=conditions.suppresses(node, _IMPORT_ERRORS)):
            self.generic_visit(node)

    visit_With = visit_AsyncWith = _visit_with
