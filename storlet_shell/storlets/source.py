"""Check the source of a Python storlet, and find its main class.

The check is done before anything is sent: the server accepts any bytes as a storlet, and fails at every run.
"""

from __future__ import annotations

import ast
import difflib
import io
import warnings
from dataclasses import dataclass

from storlet_shell.errors import Action, Hint, UsageError
from storlet_shell.storlets.inputs import bound_within
from storlet_shell.storlets.parsing import parse_code

_LONGEST_SHOWN = 200


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
            return cls(code, label, _compiled(code, label))
        except SyntaxError as error:
            raise UsageError(f"{label}:{error.lineno or 1}: {error.msg}", details=_shown(error)) from error
        except ValueError as error:  # a NUL character
            raise UsageError(f"{label}: {error}") from error
        except (RecursionError, MemoryError):
            raise UsageError(f"{label}: Python can't compile it: it is nested too deeply") from None

    def main_class(self, wanted: str | None) -> str:
        """Return the name of the main class.

        :param wanted: the name that the user chose; None for the only class with a ``__call__``
        :raises UsageError: if it doesn't exist, or there isn't exactly one candidate
        """
        callable_classes = [node.name for node in self._classes() if _has_call(node)]
        if wanted is None:
            if len(callable_classes) == 1:
                return callable_classes[0]
            if not callable_classes:
                raise UsageError(f"{self.label}: no class with a method __call__(self, in_files, out_files, params)")
            names = ", ".join(callable_classes)
            text = f"several classes could be the main one: {names}"
            raise UsageError(text, subject=self.label, hint=Hint(Action.NAME_MAIN))
        if wanted not in self._names():
            close = difflib.get_close_matches(wanted, sorted(self._names()), n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise UsageError(f"{self.label}: no class {wanted}{hint}")
        return wanted

    def class_of(self, name: str) -> ast.ClassDef | None:
        """Return the statement that defines a class; None if it is imported or assigned."""
        return next((node for node in self._classes() if node.name == name), None)

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


def _compiled(code: bytes, label: str) -> ast.Module:
    """Parse code, and compile it: only then does Python find a ``return`` outside of a function, for instance."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as an invalid escape sequence, which is legal
        tree = parse_code(code, label)
        compile(code, label, "exec", dont_inherit=True)
    return tree


def encode_typed(code: bytes, label: str) -> bytes:
    """Encode typed code, which is UTF-8, in the encoding of its coding comment (PEP 263).

    The interpreter that runs the storlet decodes it by that comment.

    :raises UsageError: if the encoding doesn't have one of the characters, or isn't possible for Python code
    """
    try:
        text, encoding = code.decode("utf-8"), _encoding(code)
        if encoding.startswith("utf-8"):
            return code
        tree = parse_code(text)
    except (SyntaxError, ValueError):
        return code  # StorletSource.parse reports the error
    try:
        encoded = text.encode(encoding)
        is_same = ast.dump(parse_code(encoded)) == ast.dump(tree)
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


def _has_call(node: ast.ClassDef) -> bool:
    """Tell whether a class defines or assigns ``__call__``."""
    return any("__call__" in bound_within(statement) for statement in node.body)
