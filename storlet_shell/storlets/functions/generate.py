"""Generate the file that is deployed for a function: one that runs on any engine."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable
from functools import cache

from storlet_shell.errors import UsageError
from storlet_shell.storlets.functions import adapter
from storlet_shell.storlets.functions.collect import Collection
from storlet_shell.storlets.functions.joining import join_modules
from storlet_shell.storlets.functions.signature import ADAPTER_COMMENT, MAIN_CLASS
from storlet_shell.storlets.functions.units import Piece, Unit
from storlet_shell.storlets.parsing import parse_code

_HEAD = '''"""The function {name} as a storlet; storlet-shell generated this file."""

from __future__ import annotations

'''

_MAIN = f'''class {MAIN_CLASS}(_Adapter):
    """What the engine runs."""

{{columns}}    function = staticmethod({{name}})
'''


def generate(collection: Collection) -> bytes:
    """Return the code to deploy for a function.

    :raises UsageError: if one of its names is the adapter's
    """
    name = collection.signature.function
    parts = [_HEAD.format(name=name)]
    if collection.imports:
        parts.append("\n".join(collection.imports) + "\n\n\n")
    parts += [_spelled(piece) for piece in (*collection.pieces, collection.function)]
    code = "".join(parts)
    columns = f"    columns = {collection.columns!r}\n" if collection.columns else ""
    _check_names(name, code)
    main = _MAIN.format(name=name, columns=columns)
    return f"{code}{ADAPTER_COMMENT}\n\n{join_modules(adapter)}\n\n{main}".encode()


def _spelled(piece: Piece) -> str:
    origin = f"# {piece.label}:{piece.line}\n" if piece.line else ""
    return f"{origin}{piece.text}\n\n\n"


@cache
def _adapter_names() -> tuple[set[str], set[str]]:
    """Return the names that the adapter binds, and the built-in ones that it uses."""
    unit = Unit(join_modules(adapter), "adapter")
    bound = {name for node in unit.tree.body for name in _bound_by(node)}
    used = {name for node in unit.tree.body for name in unit.names_used(node)}
    return bound | {MAIN_CLASS}, used & set(dir(builtins))


def _bound_by(node: ast.stmt) -> Iterable[str]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name for alias in node.names]
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    return [part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)]


def _check_names(function: str, code: str) -> None:
    bound, used = _adapter_names()
    names = {name for node in parse_code(code).body for name in _bound_by(node)}
    clash = next(iter(sorted(names & (bound | used))), None)
    if clash is not None:
        kind = "the adapter's name" if clash in bound else "a built-in name that the adapter uses"
        raise UsageError(f"{function}: {clash} needs another name: it is {kind}")
