"""The source of functions that a program or a notebook has defined."""

from __future__ import annotations

import ast
import inspect
import linecache
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any, TypeGuard

from storlet_shell.errors import UsageError
from storlet_shell.storlets.functions.units import Piece, Unit, bound_names

_GENERATED = "<string>"  # the file of methods that dataclasses generate

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
        names = self.function.__globals__
        if name not in names:
            return None
        value = inspect.unwrap(names[name])
        statement = _only(unit, name)
        if isinstance(statement, ast.Import | ast.ImportFrom):
            return unit, statement
        if isinstance(value, ModuleType):
            return Piece("", 0, "\n".join([_import(value.__name__, "", name), *_submodules_used(unit, value, name)]))
        if isinstance(value, FunctionType | type) and value.__module__ == self.function.__module__:
            if _is_plain_assignment(statement, unit) and _may_be(unit, statement, value, names):
                return unit, statement  # an alias, or a class made by a call
            return _definition_of(value, name, unit, names)
        if isinstance(value, FunctionType | BuiltinFunctionType | type) and _can_be_imported(value):
            return Piece("", 0, _import(value.__module__, value.__qualname__, name))
        if isinstance(statement, ast.Assign | ast.AnnAssign) and _may_be(unit, statement, value, names):
            return unit, statement
        if not _is_plain(value):
            kind = type(value).__name__
            reason = (
                f"{name} is of type {kind}, which can't be shipped; create it in the function, or make it a parameter"
            )
            raise UsageError(f"{self.function.__name__}: {reason}")
        return Piece("", 0, f"{name} = {value!r}")


def _is_plain_assignment(statement: ast.stmt | None, unit: Unit) -> TypeGuard[ast.Assign | ast.AnnAssign]:
    if not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
        return False
    return unit.is_plain(statement.value)


def _may_be(unit: Unit, statement: ast.Assign | ast.AnnAssign, value: object, names: Mapping[str, object]) -> bool:
    """Tell whether an assignment may have made a value, which may have changed since.

    The expression is evaluated again, if it has the same value everywhere. Classes are compared by their members, and
    what can't be compared is taken for unchanged.

    :param names: the function's globals
    """
    is_comparable = isinstance(value, FunctionType | type) or type(value).__eq__ is not object.__eq__
    if not is_comparable or not _is_plain_assignment(statement, unit):
        return True
    assert statement.value is not None
    expression = compile(ast.Expression(statement.value), unit.label, "eval")
    try:
        now = eval(expression, dict(names))  # noqa: S307  the user's own, which has run here
        if isinstance(value, type):
            return isinstance(now, type) and vars(now).keys() == vars(value).keys()
        return bool(inspect.unwrap(now) == value) and type(now) is type(value)
    except Exception:  # a name in it means something else now
        return False


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
            f"{function.__name__}: its source isn't available (typed at a Python prompt, or run by exec, -c, %%time); "
            "write it to a file or to a cell of a notebook"
        )
    path = Path(code.co_filename)
    unit = _unit(text, path.name if path.is_file() and not _is_cell(code) else f"{function.__name__}.py")
    node = _node_of(unit, code)
    if node is None or not _is_compiled_from(code, text):
        raise _has_changed(function)
    return unit, node


@lru_cache(32)
def _unit(text: str, label: str) -> Unit:
    """Return the unit of a text, parsed once for all functions in it."""
    return Unit(text, label)


def _has_changed(function: FunctionType) -> UsageError:
    file = Path(function.__code__.co_filename).name
    return UsageError(f"{function.__name__}: {file} has changed since it was imported; import it again")


def _is_cell(code: CodeType) -> bool:
    return "ipykernel" in code.co_filename or code.co_filename.startswith("<")


@lru_cache(256)
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


@lru_cache(256)
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


def _definition_of(
    value: FunctionType | type, name: str, user: Unit, names: Mapping[str, object]
) -> tuple[Unit, ast.stmt]:
    """Return the definition of a helper: in the unit that uses it, or in another cell."""
    if isinstance(value, FunctionType):
        if value.__name__ == "<lambda>":
            raise UsageError(f"{name}: a lambda can't be shipped; use def")
        unit, node = _source_of(_plain(value))
        if (unit.label, unit.text) == (user.label, user.text):
            return user, _node_of(user, value.__code__) or node
        return unit, node
    for unit in (user, *_cells()):
        definition = _only(unit, value.__name__)
        if isinstance(definition, ast.ClassDef) and _is_definition_of(value, definition, unit):
            return unit, definition
        if _is_plain_assignment(definition, unit) and _may_be(unit, definition, value, names):
            return unit, definition
    raise UsageError(f"{name}: its source isn't available; write the class to a file or to a cell of a notebook")


def _is_definition_of(value: type, node: ast.ClassDef, unit: Unit) -> bool:
    """Tell whether a class may come from a definition: a later cell, or a later version, may define it, too."""
    codes = list(_codes_of_methods(value))
    if codes:
        return all(_is_compiled_from(code, unit.text) for code in codes)
    names = {name for statement in node.body for name in bound_names(statement)}
    return names <= vars(value).keys() | _members(value).keys() and all(_is_set(value, item) for item in node.body)


def _codes_of_methods(value: type) -> Iterator[CodeType]:
    """Yield the code of a class's methods, without those that Python has generated or that it has from elsewhere."""
    for member in vars(value).values():
        function = inspect.unwrap(getattr(member, "fget", None) or getattr(member, "__func__", member))
        if isinstance(function, FunctionType) and function.__module__ == value.__module__:
            is_own = function.__qualname__.startswith(f"{value.__qualname__}.")
            if is_own and function.__code__.co_filename != _GENERATED:
                yield function.__code__


def _members(value: type) -> Mapping[str, object]:
    """Return the members of an enumeration; empty for another class."""
    return getattr(value, "__members__", {})


def _is_set(value: type, statement: ast.stmt) -> bool:
    """Tell whether a class has the value of a literal in its body, also as a member of an enumeration."""
    if not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
        return True
    try:
        literal = ast.literal_eval(statement.value)
    except ValueError:
        return True
    attributes = {**vars(value), **_members(value)}
    members = [attributes.get(name) for name in bound_names(statement)]
    return all(
        literal in (member, getattr(member, "value", None)) for member in members if not hasattr(member, "__get__")
    )


def _cells() -> Iterator[Unit]:
    """Yield the cells of a notebook, the latest first."""
    for file in reversed(list(linecache.cache)):
        if "ipykernel" in file or file.startswith("<ipython-input"):
            unit = _unit("".join(linecache.getlines(file)), Path(file).name)
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


def _is_plain(value: object) -> bool:
    try:
        return bool(ast.literal_eval(repr(value)) == value)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return False


def _can_be_imported(value: FunctionType | BuiltinFunctionType | type) -> bool:
    """Tell whether the name of a function or a class leads to it: not if it is a method, or within a function."""
    return getattr(inspect.getmodule(value), value.__qualname__, None) is value


def _submodules_used(unit: Unit, module: ModuleType, name: str) -> list[str]:
    """Return imports of the submodules that a unit uses by a package's name: ``xml.etree.ElementTree.parse``."""
    submodules: set[str] = set()
    for node in ast.walk(unit.tree):
        attributes: list[str] = []
        while isinstance(node, ast.Attribute):
            attributes.insert(0, node.attr)
            node = node.value
        if isinstance(node, ast.Name) and node.id == name:
            submodules.update(_submodules(module, attributes))
    return [f"import {path}" for path in sorted(submodules)]


def _submodules(module: ModuleType, attributes: list[str]) -> Iterator[str]:
    """Yield the names of the submodules that a chain of attributes leads through."""
    for attribute in attributes:
        path, member = f"{module.__name__}.{attribute}", getattr(module, attribute, None)
        if not isinstance(member, ModuleType) or member.__name__ != path:
            return
        yield path
        module = member


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
