"""The signature of a function storlet, read from its source: nothing is imported or run."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import UsageError
from storlet_shell.storlets.functions.adapter.types import (
    storlet_choices,
    storlet_convert,
    storlet_input,
    storlet_text,
    storlet_type,
)
from storlet_shell.storlets.parsing import parse_code
from storlet_shell.wire.headers import FUNCTION_CLASS

MAIN_CLASS = FUNCTION_CLASS
"""The main class of every function storlet; no other storlet may use the name."""

ADAPTER_PARAMETERS = "storlet_"
"""The prefix of parameters that belong to the adapter and to engines."""

ADAPTER_COMMENT = (
    "# The rest is the same for all functions: it opens the inputs, converts parameters, and writes the result."
)
"""The line of a generated file that follows the function."""

FILLED = ("logger", "metadata")
"""Parameters of a function that the adapter fills: the engine's logger, and the metadata as a dict."""


@typed_equality
class Parameter(NamedTuple):
    """A parameter of a function storlet that users may pass.

    :param type: ``str``, ``int``, ``float``, ``bool`` or ``Literal[…]``, with ``| None`` if it may be None
    :param default: the source text of its default; None if it is required
    """

    name: str
    type: str
    default: str | None

    @property
    def choices(self) -> tuple[str, ...]:
        """The texts of its values, if these are enumerable; else empty."""
        kind = self.type.removesuffix(" | None")
        if kind == "bool":
            return "true", "false"
        return tuple(map(storlet_text, storlet_choices(kind))) if kind.startswith("Literal[") else ()

    def __str__(self) -> str:
        default = "" if self.default is None else f" = {self.default}"
        return f"{self.name}: {self.type}{default}"


@typed_equality
class Signature(NamedTuple):
    """The signature of a function storlet.

    :param function: its name
    :param input: the annotation of its first parameter
    :param result: the annotation of its result; empty without one
    :param parameters: the other parameters, without those that the adapter fills
    """

    function: str
    input: str
    result: str
    parameters: tuple[Parameter, ...]

    @classmethod
    def parse(cls, code: bytes) -> Signature | None:
        """Read the signature from the source of a storlet, deployed or local.

        :returns: None if it isn't a function storlet
        """
        node = _last_function(code)
        if node is None:
            try:
                tree = parse_code(code)
            except (SyntaxError, ValueError):
                return None
            node = deployed_function(tree) or local_function(tree)
        if not isinstance(node, ast.FunctionDef):
            return None
        try:
            return cls.of(node)
        except UsageError:
            return None

    @classmethod
    def of(cls, node: ast.FunctionDef) -> Signature:
        """Read the signature of a function, which must be fit for a storlet.

        :raises UsageError: if it isn't; the subject is left to the caller
        """
        arguments = node.args
        for star, extra in (("*", arguments.vararg), ("**", arguments.kwarg)):
            if extra is not None:
                raise UsageError(f"{node.name}: can't have {star}{extra.arg}; name each parameter")
        if arguments.posonlyargs:
            name = arguments.posonlyargs[0].arg
            raise UsageError(f"{node.name}: {name} can't be positional-only; drop the /")
        if not arguments.args:
            raise UsageError(f"{node.name}: has no parameter for the input; {_EXAMPLE}")
        first, *others = arguments.args
        annotation = _text(first.annotation)
        if not annotation:
            raise UsageError(f"{node.name}: {first.arg}, its input, has no annotation; {_EXAMPLE}")
        if not storlet_input(annotation)[0]:
            raise UsageError(f"{node.name}: {first.arg}, its input, can't be {annotation}; {_EXAMPLE}")
        defaults: list[ast.expr | None] = [None] * (len(arguments.args) - len(arguments.defaults))
        defaults += arguments.defaults
        if defaults[0] is not None:
            raise UsageError(f"{node.name}: {first.arg}, its input, can't have a default")
        pairs = [
            *zip(others, defaults[1:], strict=True),
            *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
        ]
        parameters = tuple(_parameter(node.name, *pair) for pair in pairs if pair[0].arg not in FILLED)
        return cls(node.name, annotation, _text(node.returns), parameters)

    def __str__(self) -> str:
        result = f" -> {self.result}" if self.result else ""
        return f"{self.function}({', '.join([self.input, *map(str, self.parameters)])}){result}"

    def check(self, parameters: Mapping[str, str]) -> None:
        """Check the parameters of a run; those that belong to the adapter and to engines are ignored.

        :param parameters: their texts by name
        :raises UsageError: if one is unknown, missing, or doesn't fit its type
        """
        types = {parameter.name: parameter for parameter in self.parameters}
        for name, text in parameters.items():
            if name in types:
                self._convert(types[name], text)
            elif not name.startswith(ADAPTER_PARAMETERS):
                raise self._unknown(name)
        for parameter in self.parameters:
            if parameter.default is None and parameter.name not in parameters:
                raise UsageError(f"missing; {self.function} requires it", subject=f"parameter {parameter.name}")

    def encode(self, values: Mapping[str, object]) -> dict[str, str]:
        """Convert Python values to the texts of parameters, and check them.

        A parameter whose value is None is left out, if that is its default. A member of an enumeration is its value.

        :raises UsageError: as :meth:`check`, if a value is None and the default isn't, and if it is bytes or several
            values, whose text would mean something else
        """
        defaults = {parameter.name: parameter.default for parameter in self.parameters}
        texts = {}
        for name, value in values.items():
            value = value.value if isinstance(value, Enum) else value
            if isinstance(value, bytes | bytearray | list | tuple | dict | set | frozenset):
                raise UsageError(f"can't be {type(value).__name__}", subject=f"parameter {name}")
            if value is not None:
                texts[name] = storlet_text(value)
            elif name not in defaults:
                raise self._unknown(name)
            elif defaults[name] != "None":
                raise UsageError("can't be None", subject=f"parameter {name}")
        self.check(texts)
        return texts

    def _convert(self, parameter: Parameter, text: str) -> None:
        try:
            storlet_convert(parameter.type, text)
        except ValueError as error:
            raise UsageError(str(error), subject=f"parameter {parameter.name}") from None

    def _unknown(self, name: str) -> UsageError:
        names = [parameter.name for parameter in self.parameters]
        close = difflib.get_close_matches(name, names, n=1)
        if close:
            advice = f"did you mean {close[0]}?"
        else:
            advice = f"it has {', '.join(names)}" if names else "it has no parameters"
        return UsageError(f"{self.function} has no such parameter; {advice}", subject=f"parameter {name}")


_ADAPTER_STARTS = f"\n{ADAPTER_COMMENT}\n".encode()
_GENERATED_END = re.compile(rb"\n    function = staticmethod\((\w+)\)\n\Z")

_EXAMPLE = (
    "annotate it as BinaryIO, TextIO, bytes, str, Iterator[str], Iterator[bytes] or Iterator[dict], or as a list of "
    "these for several inputs"
)


def _last_function(code: bytes) -> ast.stmt | None:
    """Return the function of a generated file, whose other parts need not be parsed; None for any other file."""
    own, _, rest = code.partition(_ADAPTER_STARTS)
    end = _GENERATED_END.search(rest)
    start = own.rfind(b"\ndef %s(" % end[1]) if end else -1
    if start < 0:
        return None
    try:
        (node,) = parse_code(own[start:]).body
    except (SyntaxError, ValueError):  # what was found is a part of a text
        return None
    return node


def deployed_function(tree: ast.Module) -> ast.FunctionDef | None:
    """Return the function that a deployed file's main class names; None if it isn't a function storlet."""
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.ClassDef) or last.name != MAIN_CLASS or not isinstance(last.body[-1], ast.Assign):
        return None
    names = {node.id for node in ast.walk(last.body[-1].value) if isinstance(node, ast.Name)}
    return next((node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in names), None)


def local_function(tree: ast.Module) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """Return the function of a local file that is a storlet: the decorated one, or the only public one.

    None if there isn't exactly one, or if the file has a class that engines could call.
    """
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    marked = [node for node in functions if any(map(is_marker, node.decorator_list))]
    if marked:
        return marked[0] if len(marked) == 1 else None
    if any(map(is_callable_class, tree.body)):
        return None
    public = [node for node in functions if not node.name.startswith("_")]
    return public[0] if len(public) == 1 else None


def is_marker(decorator: ast.expr) -> bool:
    """Tell whether a decorator is ``@storlet``, by whatever module's name."""
    return ast.unparse(decorator).rpartition(".")[2] == "storlet"


def is_callable_class(node: ast.stmt) -> bool:
    """Tell whether a statement defines a class that engines could call."""
    return isinstance(node, ast.ClassDef) and any(
        isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) and item.name == "__call__" for item in node.body
    )


def _parameter(function: str, argument: ast.arg, default: ast.expr | None) -> Parameter:
    name, annotation = argument.arg, _text(argument.annotation)
    if name.startswith(ADAPTER_PARAMETERS):
        raise UsageError(f"{function}: {name} needs another name: engines reserve {ADAPTER_PARAMETERS}…")
    if default is None and not annotation:
        raise UsageError(f"{function}: {name} has no annotation; annotate it as str, int, float, bool or Literal[…]")
    value = None if default is None else _value(function, name, default)
    try:
        kind = storlet_type(annotation, value)
    except (ValueError, SyntaxError) as error:
        raise UsageError(f"{function}: {name} {error}") from None
    if default is not None:
        _check_default(function, name, kind, value)
    if value is None and default is not None and not kind.endswith("| None"):
        kind += " | None"
    return Parameter(name, kind, None if default is None else ast.unparse(default))


def _value(function: str, name: str, default: ast.expr) -> object:
    try:
        return ast.literal_eval(default)
    except ValueError:
        text = f"the default of {name} must be a plain value, not {ast.unparse(default)}"
        raise UsageError(f"{function}: {text}") from None


def _check_default(function: str, name: str, kind: str, value: object) -> None:
    if value is None:
        return
    try:
        storlet_convert(kind, storlet_text(value))
    except ValueError as error:
        raise UsageError(f"{function}: the default of {name} {error}") from None


def _text(node: ast.expr | None) -> str:
    """Return the source of an annotation, without quotes around it; empty without one."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return "" if node is None else ast.unparse(node)
