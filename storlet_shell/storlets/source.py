"""Check the source of a Python storlet, and find its main class.

The check is done before anything is sent: the server accepts any bytes as a storlet, and fails at every run.
"""

from __future__ import annotations

import ast
import difflib
import io
from dataclasses import dataclass

from storlet_shell.errors import Action, Hint, UsageError
from storlet_shell.storlets.advice import advise

_METHODS = {"__init__": ("logger",), "__call__": ("in_files", "out_files", "params")}
"""The methods that the engine calls, with their positional arguments (storlets ``agent/daemon/server.py``)."""

_LONGEST_SHOWN = 200


@dataclass(frozen=True)
class Finding:
    """Something in a storlet's source that won't work.

    :param line: the line number, from 1
    """

    line: int
    text: str


@dataclass(frozen=True)
class StorletSource:
    """The source of a Python storlet.

    :param label: the file's name, for messages
    :param tree: the parsed module
    """

    code: bytes
    label: str
    tree: ast.Module

    @classmethod
    def parse(cls, code: bytes, label: str) -> StorletSource:
        """Parse a storlet's source.

        :raises UsageError: if it is empty, or isn't Python; the message names the line, the details show it
        """
        if not code.strip():
            raise UsageError(f"{label}: the storlet's code is empty")
        try:
            return cls(code, label, ast.parse(code, filename=label))
        except SyntaxError as error:
            raise UsageError(f"{label}:{error.lineno or 1}: {error.msg}", details=_shown(error)) from error
        except ValueError as error:  # a NUL character
            raise UsageError(f"{label}: {error}") from error

    def main_class(self, wanted: str | None) -> str:
        """Return the name of the main class.

        :param wanted: the name that the user chose; None for the only class with a ``__call__``
        :raises UsageError: if it doesn't exist, or there isn't exactly one candidate
        """
        callable_classes = [node.name for node in self._classes() if _method(node, "__call__", is_async=True)]
        if wanted is None:
            if len(callable_classes) == 1:
                return self._checked(callable_classes[0])
            if not callable_classes:
                raise UsageError(f"{self.label}: no class with a method __call__(self, in_files, out_files, params)")
            names = ", ".join(callable_classes)
            text = f"several classes could be the main one: {names}"
            raise UsageError(text, subject=self.label, hint=Hint(Action.NAME_MAIN))
        if wanted not in self._names():
            close = difflib.get_close_matches(wanted, sorted(self._names()), n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise UsageError(f"{self.label}: no class {wanted}{hint}")
        return self._checked(wanted)

    def _checked(self, main: str) -> str:
        """Return a class's name after checking that a call runs it; with a decorator, that can't be told.

        :raises UsageError: if its ``__call__`` is a coroutine or a generator, which engines wouldn't run
        """
        for node in self._classes():
            call = _method(node, "__call__", is_async=True) if node.name == main else None
            if call is None or call.decorator_list or not (isinstance(call, ast.AsyncFunctionDef) or _yields(call)):
                continue
            kind = "async def" if isinstance(call, ast.AsyncFunctionDef) else "a generator (it has a yield)"
            raise UsageError(
                f"{self.label}:{call.lineno}: {main}.__call__ is {kind}, but engines call it as a plain function, "
                "so nothing of it would run"
            )
        return main

    def findings(self, main: str) -> list[Finding]:
        """Return the mistakes in the main class, by line."""
        node = next((node for node in self._classes() if node.name == main), None)
        if node is None:  # imported or assigned, so it can't be checked
            return []
        findings = []
        for name, arguments in _METHODS.items():
            method = _method(node, name)
            if method is not None and not _takes(method, len(arguments) + 1):
                expected = ", ".join(("self", *arguments))
                findings.append(Finding(method.lineno, f"{main}.{name} must accept the call {name}({expected})"))
        if not node.bases and _method(node, "__call__") is None:
            findings.append(Finding(node.lineno, f"{main} has no method __call__(self, in_files, out_files, params)"))
        if not node.bases and _method(node, "__init__") is None:
            findings.append(Finding(node.lineno, f"{main} has no method __init__(self, logger)"))
        findings += [Finding(line, text) for line, text in advise(node)]
        return sorted(findings, key=lambda finding: finding.line)

    def _classes(self) -> list[ast.ClassDef]:
        return [node for node in self.tree.body if isinstance(node, ast.ClassDef)]

    def _names(self) -> set[str]:
        """Return the names that the module binds at its top level."""
        names: set[str] = {node.name for node in self._classes()}
        for node in self.tree.body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                names |= {alias.asname or alias.name for alias in node.names}
            elif isinstance(node, ast.Assign):
                names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        return names


def encode_typed(code: bytes, label: str) -> bytes:
    """Encode typed code, which is UTF-8, in the encoding of its coding comment (PEP 263).

    The interpreter that runs the storlet decodes it by that comment.

    :raises UsageError: if the encoding doesn't have one of the characters, or isn't possible for Python code
    """
    try:
        text, encoding = code.decode("utf-8"), _encoding(code)
        if encoding.startswith("utf-8"):
            return code
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return code  # StorletSource.parse reports the error
    try:
        encoded = text.encode(encoding)
        is_same = ast.dump(ast.parse(encoded)) == ast.dump(tree)
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        raise UsageError(
            f"{label}:{line}: {text[error.start]!r} isn't in {encoding}, which the coding comment names; use utf-8"
        ) from None
    except (LookupError, SyntaxError, ValueError):
        is_same = False
    if not is_same:
        raise UsageError(f"{label}: Python code can't be in {encoding}, which the coding comment names; use utf-8")
    return encoded


def decode(code: bytes) -> str:
    """Decode a storlet's code by its coding comment; invalid bytes are replaced."""
    try:
        return code.decode(_encoding(code), "replace")
    except (LookupError, SyntaxError):
        return code.decode("utf-8", "replace")


def _encoding(code: bytes) -> str:
    import tokenize  # few lines deploy

    return tokenize.detect_encoding(io.BytesIO(code).readline)[0]


def _shown(error: SyntaxError) -> str:
    """Return the line with the syntax error and a caret, as in a traceback; empty for a long line."""
    if len(error.text or "") > _LONGEST_SHOWN:
        return ""
    import traceback  # rarely needed

    return "".join(traceback.format_exception_only(error)[1:-1])


def _method(node: ast.ClassDef, name: str, *, is_async: bool = False) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """Return a method of a class; None without one.

    :param is_async: whether it may be a coroutine
    """
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef) if is_async else (ast.FunctionDef,)
    return next((item for item in node.body if isinstance(item, kinds) and item.name == name), None)


def _yields(function: ast.FunctionDef) -> bool:
    """Tell whether a function has a ``yield``, not counting functions within it."""
    nodes: list[ast.AST] = list(function.body)
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            nodes += ast.iter_child_nodes(node)
    return False


def _takes(method: ast.FunctionDef | ast.AsyncFunctionDef, count: int) -> bool:
    """Tell whether a function can be called with a number of positional arguments."""
    arguments = method.args
    maximum = len(arguments.posonlyargs) + len(arguments.args)
    minimum = maximum - len(arguments.defaults)
    required_keywords = [default for default in arguments.kw_defaults if default is None]
    return minimum <= count and (count <= maximum or arguments.vararg is not None) and not required_keywords
