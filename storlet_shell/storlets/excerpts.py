"""Add code excerpts to a storlet's traceback."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

_FRAME = re.compile(r'\s*File "(?:[^"]*/)?([^"/]+)", line (\d{1,9})\b')
_CONTEXT = 2


def with_code(details: str, sources: Mapping[str, str]) -> str:
    """Insert an excerpt, with the line marked, after each frame of known code in a log or traceback.

    A frame with an excerpt stays as it is.

    :param sources: code by file name
    """
    lines, out = details.splitlines(), []
    while lines:
        line = lines.pop(0)
        out.append(line)
        frame = _FRAME.match(line)
        code = sources.get(frame[1], "").splitlines() if frame else []
        if frame and 0 < int(frame[2]) <= len(code):
            marked = list(_marked(code, int(frame[2])))
            if lines[: len(marked)] == marked:
                continue
            while lines and _repeats(lines[0], code[int(frame[2]) - 1]):
                lines.pop(0)
            out += marked
    return "\n".join(out)


def _repeats(line: str, code: str) -> bool:
    """Tell whether a traceback's line only repeats the code, or underlines a part of it."""
    return line.startswith("    ") and (line.strip() == code.strip() or not line.strip(" ^~"))


def _marked(code: list[str], number: int) -> Iterator[str]:
    first, last = max(1, number - _CONTEXT), min(len(code), number + _CONTEXT)
    for line in range(first, last + 1):
        yield f"{'---->' if line == number else '     '} {line:>{len(str(last))}} {code[line - 1]}".rstrip()
