"""Add a statement to a Python storlet that runs before its imports, without moving its lines."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Sequence
from typing import NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.storlets.parsing import parse_code


@typed_equality
class _Place(NamedTuple):
    """A place for a statement on an existing line.

    :param line: the line number, from 1
    :param offset: the number of bytes before the place
    :param is_after: whether a statement precedes it, rather than follows
    """

    line: int
    offset: int
    is_after: bool


def with_preamble(code: bytes, statement: str) -> bytes:
    """Add a statement to a module; all other statements keep their line numbers.

    It goes in front of the first simple statement that runs when the module is imported, or behind a docstring and
    imports from ``__future__``, which must be first. If nothing but definitions runs, it goes to the end. In front of
    another compound statement, such as ``if``, it replaces a blank line; only without one, it takes a line of its own.

    :param statement: one or more simple statements on one line
    """
    encoding, _ = tokenize.detect_encoding(io.BytesIO(code).readline)
    lines = list(io.StringIO(code.decode(encoding), newline=""))
    body = parse_code(code).body
    place = _place(body, is_module=True)
    if isinstance(place, int):
        is_blank = place > 1 and not lines[place - 2].strip()
        lines[place - 1 - is_blank : place - 1] = [f"{statement}\n"]
    elif place is None:
        end = "" if not lines or lines[-1].endswith(("\n", "\r")) else "\n"
        lines.append(f"{end}{statement}\n")
    else:
        line = lines[place.line - 1].encode()
        before, after = line[: place.offset].decode(), line[place.offset :].decode()
        lines[place.line - 1] = f"{before}; {statement}{after}" if place.is_after else f"{before}{statement}; {after}"
    return "".join(lines).encode(encoding)


def _place(body: Sequence[ast.stmt], *, is_module: bool = False) -> _Place | int | None:
    """Return the place for a statement in a block that runs from its start.

    :returns: the line number of a compound statement that it must precede; None if only definitions run
    """
    first = [node for number, node in enumerate(body) if _must_be_first(node, number, is_module=is_module)]
    if first:
        return _Place(first[-1].end_lineno or 1, first[-1].end_col_offset or 0, is_after=True)
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.ClassDef | ast.Try | ast.TryStar):
            place = _place(node.body)
            if place is not None:
                return _first_line(node) if isinstance(place, int) else place
        elif hasattr(node, "body") or isinstance(node, ast.Match):
            return node.lineno
        else:
            return _Place(node.lineno, node.col_offset, is_after=False)
    return None


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _must_be_first(node: ast.stmt, number: int, *, is_module: bool) -> bool:
    if isinstance(node, ast.ImportFrom):
        return is_module and node.module == "__future__"
    return (
        number == 0
        and isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
