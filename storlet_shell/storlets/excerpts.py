"""Add code excerpts to a storlet's traceback, or to its stack trace in Java."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

_FRAME = re.compile(r'\s*File "(?:[^"]*/)?([^"/]+)", line (\d{1,9})\b')
_JAVA_FRAME = re.compile(r"\s*at (?:[^\s(]*/)?(?P<place>[\w.$<>]+)\((?P<file>[\w$]+\.java):(?P<line>\d{1,9})\)")
_CONTEXT = 2


def with_code(details: str, sources: Mapping[str, str]) -> str:
    """Insert an excerpt, with the line marked, after each frame of known code in a log or traceback.

    A frame with an excerpt stays as it is.

    :param sources: code by file name; for Java, below the folders of its package
    """
    lines, out = details.splitlines(), []
    while lines:
        line = lines.pop(0)
        out.append(line)
        file, number = _place(line)
        code = sources.get(file, "").splitlines()
        if 0 < number <= len(code):
            marked = list(_marked(code, number))
            if lines[: len(marked)] == marked:
                continue
            while lines and _repeats(lines[0], code[number - 1]):
                lines.pop(0)
            out += marked
    return "\n".join(out)


def _place(line: str) -> tuple[str, int]:
    """Return the file and the line number that a frame names; an empty name and 0 for other lines."""
    frame = _FRAME.match(line)
    if frame is not None:
        return frame[1], int(frame[2])
    frame = _JAVA_FRAME.match(line)
    if frame is None:
        return "", 0
    package = frame["place"].split(".")[:-2]  # without the class and the method
    return "/".join([*package, frame["file"]]), int(frame["line"])


def _repeats(line: str, code: str) -> bool:
    """Tell whether a traceback's line only repeats the code, or underlines a part of it."""
    return line.startswith("    ") and (line.strip() == code.strip() or not line.strip(" ^~"))


def _marked(code: list[str], number: int) -> Iterator[str]:
    first, last = max(1, number - _CONTEXT), min(len(code), number + _CONTEXT)
    for line in range(first, last + 1):
        yield f"{'---->' if line == number else '     '} {line:>{len(str(last))}} {code[line - 1]}".rstrip()
