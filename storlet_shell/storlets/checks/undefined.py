"""Find undefined names in a storlet's source, with pyflakes.

Only names that would certainly fail are reported: not those in annotations that aren't evaluated, under a condition
that asks for the version of Python, or in a module that may define names in ways that its syntax doesn't show.
"""

from __future__ import annotations

import ast
import builtins
import difflib
import sys
from collections.abc import Iterator
from typing import Any

from storlet_shell.storlets.checks import conditions
from storlet_shell.storlets.checks.finding import Finding
from storlet_shell.storlets.inputs import bindings, bound_within, is_isolated

_TRICKS = frozenset(
    {
        "__builtin__",
        "__builtins__",
        "_getframe",
        "builtins",
        "currentframe",
        "exec",
        "execfile",
        "f_globals",
        "f_locals",
    }
    | {"_convert", "_convert_", "global_enum", "globals", "modules"}
)
"""Names that allow code to define others in ways that its syntax doesn't show."""

_OF_MODULES = ("__cached__", "__conditional_annotations__", "__path__")
"""Names that a module may have, and that pyflakes doesn't know."""

_Position = tuple[int, int, str]
"""A line, a column, and the name there."""


def find_undefined(tree: ast.Module) -> list[Finding]:
    """Return the undefined names in a module, each once per line."""
    try:
        if _defines_invisibly(tree):
            return []
        certain = _Evaluated(tree).certain
        uses = [use for use in dict.fromkeys(_report(tree)) if use[0] in certain or use[1]]
    except RecursionError:
        return []
    findings = []
    for (line, _, name), is_local in uses:
        if is_local:
            findings.append(Finding(line, f"{name} is used before the function assigns it"))
        elif name != "_" or not _installs_gettext(tree):
            findings.append(Finding(line, f"undefined name {name}{_advice(tree, name)}", is_fatal=True))
    return list(dict.fromkeys(findings))


def _report(tree: ast.Module) -> Iterator[tuple[_Position, bool]]:
    """Yield the uses of undefined names, and whether a local variable is only assigned later."""
    from pyflakes import checker, messages  # only deployments need it

    result: Any = checker.Checker(tree, filename="", builtins=_OF_MODULES, withDoctest=False)
    for message in result.messages:
        if isinstance(message, messages.UndefinedName | messages.UndefinedLocal):
            is_local = isinstance(message, messages.UndefinedLocal)
            yield (message.lineno, message.col, message.message_args[0]), is_local
    for scope in result.deadScopes:
        for name in _OF_SHELLS & scope.keys():
            if isinstance(scope[name], checker.Builtin) and scope[name].used:
                node = scope[name].used[1]
                yield (node.lineno, node.col_offset, name), False


def _names_of_shells() -> frozenset[str]:
    """Return the built-in names that come from this process, such as IPython's ``display``, and not from Python."""
    ours = {"builtins", "_sitebuiltins", "io", "_io"}
    return frozenset(
        name
        for name, value in vars(builtins).items()
        if name == "_" or type(value).__module__ not in ours or getattr(value, "__module__", "io") not in ours
        if not name.startswith("__") or not name.endswith("__")
    )


_OF_SHELLS = _names_of_shells()


def _advice(tree: ast.Module, name: str) -> str:
    """Suggest what an undefined name should have been; empty without an idea."""
    if name in sys.stdlib_module_names:
        return f"; import {name} is missing"
    names = {bound for node in ast.walk(tree) for bound in bindings(node)} | set(dir(builtins))
    close = difflib.get_close_matches(name, sorted(names - {name} - _OF_SHELLS), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _defines_invisibly(tree: ast.Module) -> bool:
    """Tell whether a module may define names in ways that its syntax doesn't show, as by ``globals()[name] = …``."""
    nodes = [node for statement in tree.body if not is_isolated(statement) for node in ast.walk(statement)]
    return any(
        _TRICKS & set(bindings(node))
        or (isinstance(node, ast.Name) and node.id in _TRICKS)
        or (isinstance(node, ast.Attribute) and node.attr in _TRICKS)
        or (isinstance(node, ast.Call) and not node.args and ast.unparse(node.func) in ("locals", "vars"))
        for node in nodes
    )


def _installs_gettext(tree: ast.Module) -> bool:
    """Tell whether a module makes ``_`` a built-in name, with ``gettext.install``."""
    return any(isinstance(node, ast.Attribute) and node.attr == "install" for node in ast.walk(tree))


class _Evaluated(ast.NodeVisitor):
    """Collects the names that Python looks up when it gets there.

    Not those in functions that the module binds somewhere, and perhaps deletes after it has called the function.

    :ivar certain: where they are
    """

    def __init__(self, tree: ast.Module) -> None:
        self.certain: set[_Position] = set()
        self._globals = {name for statement in tree.body for name in bound_within(statement)}
        self._is_in_function = False
        self._are_annotations_text = any(
            isinstance(node, ast.ImportFrom) and node.module == "__future__" and node.names[0].name == "annotations"
            for node in tree.body
        )
        self.visit(tree)

    def visit_Name(self, node: ast.Name) -> None:
        """Collect a name."""
        if not self._is_in_function or node.id not in self._globals:
            self.certain.add((node.lineno, node.col_offset, node.id))

    def _visit_branches(self, node: ast.If | ast.IfExp | ast.While) -> None:
        value = conditions.outcome(node.test)
        self.visit(node.test)
        if value is None and conditions.depends_on_environment(node.test):
            return
        for branch in [node.body] * (value is not False) + [node.orelse] * (value is not True):
            for part in branch if isinstance(branch, list) else [branch]:
                self.visit(part)

    visit_If = visit_IfExp = visit_While = _visit_branches

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        """Skip what follows a question about the version of Python."""
        for value in node.values:
            self.visit(value)
            if conditions.outcome(value) is not None or conditions.depends_on_environment(value):
                return

    def _visit_with(self, node: ast.With | ast.AsyncWith) -> None:
        if not conditions.suppresses(node, {"NameError"}):
            self.generic_visit(node)

    visit_With = visit_AsyncWith = _visit_with

    def visit_Try(self, node: ast.Try) -> None:
        """Skip a question whether a name exists: ``try: unicode``; pyflakes knows handlers of ``NameError``."""
        is_question = len(node.body) == 1 and isinstance(getattr(node.body[0], "value", None), ast.Name)
        if not is_question or not any(conditions.catches(handler, ()) for handler in node.handlers):
            self.generic_visit(node)
            return
        for part in (*node.handlers, *node.orelse, *node.finalbody):
            self.visit(part)

    def _visit_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for part in (*node.decorator_list, node.args, *([node.returns] if node.returns else [])):
            if part is not node.returns or not self._are_annotations_text:
                self.visit(part)
        self._visit_scope(node.body, is_in_function=True)

    visit_FunctionDef = visit_AsyncFunctionDef = _visit_function

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """Visit a class, whose variables' annotations are evaluated."""
        for part in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(part)
        self._visit_scope(node.body, is_in_function=False)

    def _visit_scope(self, body: list[ast.stmt], *, is_in_function: bool) -> None:
        outer, self._is_in_function = self._is_in_function, is_in_function
        for statement in body:
            self.visit(statement)
        self._is_in_function = outer

    def visit_arg(self, node: ast.arg) -> None:
        """Visit the annotation of a parameter."""
        if not self._are_annotations_text:
            self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        """Skip the annotation of a local variable, which Python doesn't evaluate."""
        self.visit(node.target)
        if not self._is_in_function and not self._are_annotations_text:
            self.visit(node.annotation)
        if node.value is not None:
            self.visit(node.value)

    def visit_TypeAlias(self, node: ast.AST) -> None:
        """Skip a type alias, which Python evaluates when it is asked for its value."""
