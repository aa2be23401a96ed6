"""Map the lines of a deployed function to the lines of its author's own file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.storlets.parsing import parse_code

_ORIGIN = re.compile(r"# (.+):([0-9]{1,9})")
_FRAME = re.compile(r'(\s*File ")((?:[^"]*/)?([^"/]+))(", line )([0-9]{1,9})\b(.*)', re.DOTALL)


@typed_equality
class Piece(NamedTuple):
    """A statement of deployed code that was copied from a file.

    :param first: its first line in the deployed code
    :param last: its last line there
    :param line: the first line in its own file
    """

    first: int
    last: int
    file: str
    line: int


def pieces(code: str) -> Iterator[Piece]:
    """Yield the pieces of a deployed function; a comment ``# FILE:LINE`` precedes each of them."""
    try:
        body = parse_code(code).body
    except (SyntaxError, ValueError, RecursionError):
        return
    lines = code.split("\n")  # as Python counts lines
    for node in body:
        decorators = getattr(node, "decorator_list", [])
        first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
        origin = _ORIGIN.fullmatch(lines[first - 2].rstrip()) if first > 1 else None
        if origin is not None:
            yield Piece(first, node.end_lineno or first, origin[1], int(origin[2]))


def with_own_lines(details: str, name: str, code: str) -> str:
    """Return a log or traceback with the files and lines of a function's author, without the adapter's frames.

    Frames of another version of the function, as a log has them, stay as they are if the code that they show differs.

    :param name: the name of the deployed file
    :param code: what was deployed
    """
    origins = list(pieces(code))
    if not origins:
        return details
    return "".join(_mapped(details.splitlines(keepends=True), name, origins, code.split("\n")))


def _mapped(lines: list[str], name: str, origins: list[Piece], code: list[str]) -> Iterator[str]:
    is_dropping = False
    for line, following in pairwise([*lines, ""]):
        frame = _FRAME.fullmatch(line)
        if frame is None:
            is_dropping = is_dropping and line.startswith("    ")
        elif frame[3] == name and _is_at(int(frame[5]), following, code):
            number = int(frame[5])
            piece = next((piece for piece in origins if piece.first <= number <= piece.last), None)
            is_dropping = piece is None
            if piece is not None:
                line = f"{frame[1]}{piece.file}{frame[4]}{piece.line + number - piece.first}{frame[6]}"
        else:
            is_dropping = False
        if not is_dropping:
            yield line


def _is_at(number: int, shown: str, code: list[str]) -> bool:
    """Tell whether a line of code is what a traceback shows of it, if it shows anything."""
    is_shown = shown.startswith("    ") and not _FRAME.fullmatch(shown)
    return not is_shown or shown.strip() in [line.strip() for line in code[number - 1 : number]]
