"""A Python storlet's source: which class it is started by, and what would keep it from running.

Checked here, before anything is sent, because the server takes any bytes for a storlet and fails at every run of it.
"""

from __future__ import annotations

import ast
import difflib
import io
from dataclasses import dataclass

from storlet_shell.errors import Action, Hint, UsageError
from storlet_shell.storlets.advice import advise

_METHODS = {"__init__": ("logger",), "__call__": ("in_files", "out_files", "params")}
"""What the engine calls, with the positional arguments that it passes (storlets ``agent/daemon/server.py``)."""

_LONGEST_SHOWN = 200


@dataclass(frozen=True)
class Finding:
    """Something in a storlet's source that will not work.

    :param line: counted from 1
    """

    line: int
    text: str


@dataclass(frozen=True)
class StorletSource:
    """A Python storlet's source that has been found to be one.

    :param label: the file's name, as messages spell it
    :param tree: the parsed module
    """

    code: bytes
    label: str
    tree: ast.Module

    @classmethod
    def parse(cls, code: bytes, label: str) -> StorletSource:
        """Parse a storlet's source.

        :raises UsageError: when it is empty, or is no Python; the message names the line, the details show it
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
        """Return the name of the class that the storlet is started by.

        :param wanted: its name, if the user gave it; otherwise the only class that can be called
        :raises UsageError: when it is not there, or there are several to choose from
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
            raise UsageError(f"{self.label}: there is no class {wanted}{hint}")
        return self._checked(wanted)

    def _checked(self, main: str) -> str:
        """Return a class's name, unless a call of it would only promise to run: engines don't hold it to that.

        :raises UsageError: when that is so; a decorator may make something else of a method
        """
        for node in self._classes():
            call = _method(node, "__call__", is_async=True) if node.name == main else None
            if call is None or call.decorator_list or not (isinstance(call, ast.AsyncFunctionDef) or _yields(call)):
                continue
            kind = "async def" if isinstance(call, ast.AsyncFunctionDef) else "a generator (it has a yield)"
            raise UsageError(
                f"{self.label}:{call.lineno}: {main}.__call__ is {kind}, and engines call it as a plain function: "
                "nothing of it would run"
            )
        return main

    def findings(self, main: str) -> list[Finding]:
        """Return what would keep the main class from being called, or surprises authors, by line."""
        node = next((node for node in self._classes() if node.name == main), None)
        if node is None:  # imported, or assigned: only a run will tell
            return []
        found = []
        for name, arguments in _METHODS.items():
            method = _method(node, name)
            if method is not None and not _takes(method, len(arguments) + 1):
                expected = ", ".join(("self", *arguments))
                found.append(Finding(method.lineno, f"{main}.{name} is called as {name}({expected})"))
        if not node.bases and _method(node, "__call__") is None:
            found.append(Finding(node.lineno, f"{main} has no method __call__(self, in_files, out_files, params)"))
        if not node.bases and _method(node, "__init__") is None:
            found.append(Finding(node.lineno, f"{main} has no method __init__(self, logger)"))
        found += [Finding(line, text) for line, text in advise(node)]
        return sorted(found, key=lambda finding: finding.line)

    def _classes(self) -> list[ast.ClassDef]:
        return [node for node in self.tree.body if isinstance(node, ast.ClassDef)]

    def _names(self) -> set[str]:
        """Return the names that the module binds at its top."""
        names: set[str] = {node.name for node in self._classes()}
        for node in self.tree.body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                names |= {alias.asname or alias.name for alias in node.names}
            elif isinstance(node, ast.Assign):
                names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        return names


def encode_typed(code: bytes, label: str) -> bytes:
    """Return typed code, which comes as UTF-8, in the encoding that its coding comment names (PEP 263).

    The interpreter that runs the storlet decodes it by that comment, so only then it reads what was typed.

    :raises UsageError: when that encoding lacks one of the characters, or can't hold Python code
    """
    try:
        text, encoding = code.decode("utf-8"), _encoding(code)
        if encoding.startswith("utf-8"):
            return code
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return code  # StorletSource.parse says what is wrong with it
    try:
        encoded = text.encode(encoding)
        is_same = ast.dump(ast.parse(encoded)) == ast.dump(tree)
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        raise UsageError(
            f"{label}:{line}: {text[error.start]!r} isn't in {encoding}, which the coding comment names; name utf-8"
        ) from None
    except (LookupError, SyntaxError, ValueError):
        is_same = False
    if not is_same:
        raise UsageError(f"{label}: Python code can't be in {encoding}, which the coding comment names; name utf-8")
    return encoded


def decode(code: bytes) -> str:
    """Return a storlet's code as text, by its coding comment; what that can't decode is replaced."""
    try:
        return code.decode(_encoding(code), "replace")
    except (LookupError, SyntaxError):
        return code.decode("utf-8", "replace")


def _encoding(code: bytes) -> str:
    import tokenize  # for those who deploy

    return tokenize.detect_encoding(io.BytesIO(code).readline)[0]


def _shown(error: SyntaxError) -> str:
    """Return the line that is no Python, with a caret under the place, as a traceback has it; nothing of a long one."""
    if len(error.text or "") > _LONGEST_SHOWN:
        return ""
    import traceback  # for those whose code is none

    return "".join(traceback.format_exception_only(error)[1:-1])


def _method(node: ast.ClassDef, name: str, *, is_async: bool = False) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """Return a class's method of a name.

    :param is_async: whether it may be a coroutine
    """
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef) if is_async else (ast.FunctionDef,)
    return next((item for item in node.body if isinstance(item, kinds) and item.name == name), None)


def _yields(function: ast.FunctionDef) -> bool:
    """Tell whether a function itself, not one within it, has a ``yield``."""
    nodes: list[ast.AST] = list(function.body)
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            nodes += ast.iter_child_nodes(node)
    return False


def _takes(method: ast.FunctionDef | ast.AsyncFunctionDef, count: int) -> bool:
    """Tell whether a function can be called with so many positional arguments."""
    arguments = method.args
    most = len(arguments.posonlyargs) + len(arguments.args)
    least = most - len(arguments.defaults)
    required_keywords = [default for default in arguments.kw_defaults if default is None]
    return least <= count and (count <= most or arguments.vararg is not None) and not required_keywords
