"""The source of functions that a program or a notebook has defined."""

from __future__ import annotations

import ast
import inspect
import linecache
from collections.abc import Callable, Iterator
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from storlet_shell.errors import UsageError
from storlet_shell.storlets.functions.units import Piece, Unit

_FUTURE_ANNOTATIONS = 0x1000000  # CO_FUTURE_ANNOTATIONS, which a cell inherits from an earlier one


class LiveFunction:
    """A function of this process with its source, read when this is created and compared with what runs.

    :param function: must be a plain function
    :raises UsageError: if it isn't, or its source isn't available or isn't its own
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = _plain(function)
        self.unit, self.node = _source_of(self.function)
        self._path = Path(self.function.__code__.co_filename)
        self._content = _content(self._path)

    def check_is_current(self) -> None:
        """Check that the file of its source is still the same.

        :raises UsageError: if it isn't
        """
        if _content(self._path) != self._content:
            raise _has_changed(self.function)

    def find(self, unit: Unit, name: str) -> tuple[Unit, ast.stmt] | Piece | None:
        """Return what a global name of the function stands for now: its statement, or text that binds it."""
        if name not in self.function.__globals__:
            return None
        value = inspect.unwrap(self.function.__globals__[name])
        statement = _only(unit, name)
        if isinstance(statement, ast.Import | ast.ImportFrom):
            return unit, statement
        if isinstance(value, ModuleType):
            return Piece("", 0, _import(value.__name__, "", name))
        if isinstance(value, FunctionType | type) and value.__module__ == self.function.__module__:
            return _definition_of(value, name, unit)
        if isinstance(value, FunctionType | BuiltinFunctionType | type):
            return Piece("", 0, _import(value.__module__, value.__qualname__, name))
        if isinstance(statement, ast.Assign | ast.AnnAssign) and _may_be(statement, value):
            return unit, statement
        if not _is_plain(value):
            kind = type(value).__name__
            reason = (
                f"{name} is of type {kind}, which can't be shipped; create it in the function, or make it a parameter"
            )
            raise UsageError(f"{self.function.__name__}: {reason}")
        return Piece("", 0, f"{name} = {value!r}")


def _plain(function: object) -> FunctionType:
    if isinstance(function, MethodType):
        raise UsageError(f"{function.__name__}: a method can't be a storlet; use a function")
    if not isinstance(function, FunctionType):
        raise UsageError(f"a storlet is a function, not {type(function).__name__}: {function!r}")
    name = function.__qualname__
    if function.__name__ == "<lambda>":
        raise UsageError("a lambda can't be a storlet; use def")
    if "." in name.rpartition("<locals>.")[2]:
        raise UsageError(f"{name}: a method can't be a storlet; use a function")
    if function.__code__.co_freevars:
        variables = ", ".join(function.__code__.co_freevars)
        raise UsageError(f"{function.__name__}: uses {variables} of the function around it; make that a parameter")
    return function


def _source_of(function: FunctionType) -> tuple[Unit, ast.stmt]:
    code = function.__code__
    linecache.checkcache(code.co_filename)
    text = "".join(linecache.getlines(code.co_filename, function.__globals__))
    if not text:
        raise UsageError(
            f"{function.__name__}: its source isn't available (typed at a Python prompt, or run by exec or -c); "
            "write it to a file or to a cell of a notebook"
        )
    path = Path(code.co_filename)
    unit = Unit(text, path.name if path.is_file() and not _is_cell(code) else f"{function.__name__}.py")
    node = _node_of(unit, code)
    if node is None or not _is_compiled_from(code, text):
        raise _has_changed(function)
    return unit, node


def _has_changed(function: FunctionType) -> UsageError:
    file = Path(function.__code__.co_filename).name
    return UsageError(f"{function.__name__}: {file} has changed since it was imported; import it again")


def _is_cell(code: CodeType) -> bool:
    return "ipykernel" in code.co_filename or code.co_filename.startswith("<")


def _node_of(unit: Unit, code: CodeType) -> ast.stmt | None:
    try:
        nodes = list(ast.walk(unit.tree))
    except SyntaxError:
        return None
    for node in nodes:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name != code.co_name:
            continue
        if min([node.lineno, *(item.lineno for item in node.decorator_list)]) == code.co_firstlineno:
            return node
    return None


def _is_compiled_from(code: CodeType, text: str) -> bool:
    """Tell whether a text compiles to a function's code; linecache reads a file that may have changed."""
    flags = (code.co_flags & _FUTURE_ANNOTATIONS) | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    try:
        module = compile(text, code.co_filename, "exec", flags, dont_inherit=True)
    except SyntaxError:
        return False
    return any(_is_same(code, candidate) for candidate in _codes(module))


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)


def _is_same(code: CodeType, other: CodeType) -> bool:
    def signs(item: CodeType) -> list[object]:
        constants = [repr(constant) for constant in item.co_consts if not isinstance(constant, CodeType)]
        return [item.co_name, item.co_code, item.co_names, item.co_varnames, sorted(constants)]

    inner = [[constant for constant in item.co_consts if isinstance(constant, CodeType)] for item in (code, other)]
    return signs(code) == signs(other) and len(inner[0]) == len(inner[1]) and all(map(_is_same, *inner))


def _definition_of(value: FunctionType | type, name: str, user: Unit) -> tuple[Unit, ast.stmt]:
    """Return the definition of a helper: in the unit that uses it, or in another cell."""
    if isinstance(value, FunctionType):
        unit, node = _source_of(_plain(value))
        if (unit.label, unit.text) == (user.label, user.text):
            return user, _node_of(user, value.__code__) or node
        return unit, node
    for unit in (user, *_cells()):
        definition = _only(unit, value.__name__)
        if isinstance(definition, ast.ClassDef):
            return unit, definition
    raise UsageError(f"{name}: its source isn't available; write the class to a file or to a cell of a notebook")


def _cells() -> Iterator[Unit]:
    """Yield the cells of a notebook, the latest first."""
    for file in reversed(list(linecache.cache)):
        if "ipykernel" in file or file.startswith("<ipython-input"):
            unit = Unit("".join(linecache.getlines(file)), Path(file).name)
            try:
                unit.tree  # noqa: B018  whether it is Python
            except SyntaxError:
                continue
            yield unit


def _only(unit: Unit, name: str) -> ast.stmt | None:
    try:
        return unit.statement(name)
    except UsageError:
        return None


def _may_be(statement: ast.Assign | ast.AnnAssign, value: object) -> bool:
    """Tell whether a statement may have made a value; a literal must be equal to it."""
    try:
        literal = ast.literal_eval(statement.value) if statement.value else None
    except ValueError:
        return True
    return literal == value and type(literal) is type(value)


def _is_plain(value: object) -> bool:
    try:
        return bool(ast.literal_eval(repr(value)) == value)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return False


def _import(module: str, name: str, alias: str) -> str:
    if module == "builtins":
        return f"from builtins import {name}"
    if not name:
        return f"import {module}" if module == alias else f"import {module} as {alias}"
    return f"from {module} import {name}" + ("" if name == alias else f" as {alias}")


def _content(path: Path) -> bytes | None:
    """Return the content of a file; None if it isn't a file that can be read, such as a cell."""
    try:
        return path.read_bytes()
    except (OSError, ValueError):
        return None
