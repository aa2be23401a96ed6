"""Find common mistakes of storlet authors in the syntax tree of a class.

Only certain mistakes are reported; if a file is passed to other code, nothing is said about it. Sources: storlets
``agent/daemon/files.py`` (files, logger) and ``agent/daemon/server.py`` (metadata).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

TINY_READ = 1024
"""Reads of fewer bytes than this, in a loop, are reported as slow."""

Advice = tuple[int, str]
"""A line number, from 1, and a description of the mistake there."""


def advise(main: ast.ClassDef) -> list[Advice]:
    """Return the mistakes in a storlet's main class, by line."""
    advice = list(_logged_exceptions(main))
    call = _method(main, "__call__")
    if call is not None and len(_arguments(call)) >= 3:
        advice += _Call(main, call).advice()
    return sorted(set(advice))


def _method(node: ast.ClassDef, name: str) -> ast.FunctionDef | None:
    return next((item for item in node.body if isinstance(item, ast.FunctionDef) and item.name == name), None)


def _arguments(function: ast.FunctionDef) -> list[str]:
    return [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]


def _logged_exceptions(main: ast.ClassDef) -> Iterator[Advice]:
    """Find calls of ``exception`` on the engine's logger, which ``__init__`` stores in an attribute."""
    start = _method(main, "__init__")
    names = _arguments(start)[1:2] if start is not None else []
    loggers = {
        ast.unparse(target)
        for node in (ast.walk(start) if start is not None else ())
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and node.value.id in names
        for target in node.targets
    }
    for node in ast.walk(main):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr == "exception" and ast.unparse(node.func.value) in loggers:
            yield node.lineno, "the engine's logger doesn't support exception() (NotImplementedError); use error()"


class _Call:
    """The method that the engine calls, and the names of its files."""

    def __init__(self, main: ast.ClassDef, call: ast.FunctionDef) -> None:
        self._main = main
        self._line = call.lineno
        self._nodes = list(ast.walk(call))
        _, self._in_files, self._out_files, *_ = _arguments(call)
        self._inputs = self._aliases(self._in_files)
        self._outputs = self._aliases(self._out_files)
        self._texts = self._text_names()

    def advice(self) -> Iterator[Advice]:
        """Yield all mistakes."""
        yield from self._metadata()
        yield from self._written_text()
        yield from self._iterations()
        yield from self._tiny_reads()

    def _aliases(self, files: str) -> set[str]:
        """Return the names bound to an item of a list of files."""
        names = set()
        for target, value in self._bindings():
            if isinstance(target, ast.Name) and _is_item(value, files):
                names.add(target.id)
        for node in self._nodes:
            if not isinstance(node, ast.For | ast.comprehension) or not isinstance(node.target, ast.Name):
                continue
            if isinstance(node.iter, ast.Name) and node.iter.id == files:
                names.add(node.target.id)
        return names

    def _bindings(self) -> Iterator[tuple[ast.expr, ast.expr]]:
        for node in self._nodes:
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                        yield from zip(target.elts, node.value.elts, strict=False)
                    else:
                        yield target, node.value
            elif isinstance(node, ast.withitem) and node.optional_vars is not None:
                yield node.optional_vars, node.context_expr

    def _is_input(self, node: ast.expr) -> bool:
        return _is_item(node, self._in_files) or (isinstance(node, ast.Name) and node.id in self._inputs)

    def _is_output(self, node: ast.expr) -> bool:
        return _is_item(node, self._out_files) or (isinstance(node, ast.Name) and node.id in self._outputs)

    def _calls(self, *names: str) -> Iterator[tuple[ast.Call, ast.expr]]:
        """Yield calls of methods with these names, and the objects they are called on."""
        for node in self._nodes:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in names:
                yield node, node.func.value

    def _are_outputs_handed_on(self) -> bool:
        """Tell whether an output is passed to other code, which may set its metadata."""
        used = {id(node.value) for node in self._nodes if isinstance(node, ast.Attribute)}
        used |= {id(node.value) for node in self._nodes if isinstance(node, ast.Subscript) and id(node) in used}
        bound = {
            id(part) for _, value in self._bindings() for part in ast.walk(value) if _is_item(value, self._out_files)
        }
        looped = {id(node.iter) for node in self._nodes if isinstance(node, ast.For)}
        return any(
            isinstance(node, ast.Name)
            and isinstance(node.ctx, ast.Load)
            and node.id in {self._out_files, *self._outputs}
            and id(node) not in used | bound | looped
            for node in self._nodes
        )

    def _metadata(self) -> Iterator[Advice]:
        if self._are_outputs_handed_on():
            return
        writes = [call.lineno for call, on in self._calls("write", "writelines") if self._is_output(on)]
        sets = [call.lineno for call, on in self._calls("set_metadata") if self._is_output(on)]
        if not sets:
            anywhere = (node for node in ast.walk(self._main) if isinstance(node, ast.Attribute))
            if not any(node.attr == "set_metadata" for node in anywhere):
                yield self._line, "out_files[0].set_metadata({…}) is never called, so every run fails"
        elif writes and min(writes) < min(sets):
            yield min(writes), "out_files[0].set_metadata({…}) must be called before the first write"

    def _written_text(self) -> Iterator[Advice]:
        for call, on in self._calls("write"):
            if self._is_output(on) and call.args and self._is_text(call.args[0]):
                yield call.lineno, "write() takes bytes, not str: use .encode()"

    def _text_names(self) -> set[str]:
        """Return the names that are bound only to text."""
        values: dict[str, list[ast.expr]] = {}
        for target, value in self._bindings():
            for name in (part for part in ast.walk(target) if isinstance(part, ast.Name)):
                values.setdefault(name.id, []).append(value if target is name else ast.Constant(None))
        for node in self._nodes:
            if isinstance(node, ast.For | ast.comprehension | ast.NamedExpr | ast.AnnAssign):
                for name in (part for part in ast.walk(node.target) if isinstance(part, ast.Name)):
                    values.setdefault(name.id, []).append(ast.Constant(None))
        self._texts = set()
        return {name for name, bound in values.items() if all(self._is_text(value) for value in bound)}

    def _is_text(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Constant):
            return isinstance(node.value, str)
        if isinstance(node, ast.Name):
            return node.id in self._texts
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return self._is_text(node.left) or self._is_text(node.right)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
            return self._is_text(node.left)
        if not isinstance(node, ast.Call):
            return isinstance(node, ast.JoinedStr)
        if isinstance(node.func, ast.Attribute):
            is_method_of_text = node.func.attr in ("join", "format", "upper", "lower") and self._is_text(
                node.func.value
            )
            return is_method_of_text or ast.unparse(node.func) == "json.dumps"
        return isinstance(node.func, ast.Name) and node.func.id in ("str", "repr")

    def _iterations(self) -> Iterator[Advice]:
        for node in self._nodes:
            if isinstance(node, ast.For | ast.comprehension) and self._is_input(node.iter):
                text = "iteration over an input yields the whole body at once; for lines, call readline() in a loop"
                yield node.iter.lineno, text

    def _tiny_reads(self) -> Iterator[Advice]:
        loops = [node for node in self._nodes if isinstance(node, ast.While | ast.For)]
        looped = {id(part) for loop in loops for part in ast.walk(loop)}
        for call, on in self._calls("read"):
            size = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
            if self._is_input(on) and id(call) in looped and isinstance(size, int) and 0 < size < TINY_READ:
                yield call.lineno, f"reading {size} bytes at a time is slow; read(65536) is the usual size"


def _is_item(node: ast.expr, files: str) -> bool:
    return isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == files
