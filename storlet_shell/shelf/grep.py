"""The standard storlet ``grep``."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from typing import BinaryIO

from storlet_shell.shelf.parameters import check_maximum, check_minimum
from storlet_shell.shelf.reading import encoded, read_lines

_MOST_CONTEXT = 10_000
"""The maximum number of lines of context, which are held in memory."""


def grep(
    file: BinaryIO,
    pattern: str,
    ignore_case: bool = False,
    fixed: bool = False,
    invert: bool = False,
    count: bool = False,
    line_numbers: bool = False,
    before: int = 0,
    after: int = 0,
    context: int = 0,
) -> Iterator[bytes]:
    """Return the lines that match a regular expression of Python.

    Lines are searched without their ends, as UTF-8; other bytes pass through unchanged. With context, groups of lines
    are separated by a line ``--``. No match is an empty result.

    :param pattern: the regular expression
    :param ignore_case: treat upper and lower case as equal
    :param fixed: the pattern is plain text
    :param invert: return the lines that don't match
    :param count: return the number of lines instead
    :param line_numbers: put the number and ``:`` in front of each line, ``-`` in lines of context
    :param before: lines of context in front of each match
    :param after: lines of context after each match
    :param context: lines of context on both sides
    :raises ValueError: if the pattern isn't a regular expression, or a number is negative or too large
    """
    for name, value in (("before", before), ("after", after), ("context", context)):
        check_minimum(name, value)
        check_maximum(name, value, _MOST_CONTEXT)
    try:
        search = re.compile(re.escape(pattern) if fixed else pattern, re.IGNORECASE if ignore_case else 0).search
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"parameter pattern: not a regular expression: {error}") from None

    def is_match(line: str) -> bool:
        return (search(line.rstrip("\r\n")) is None) == invert

    lines = read_lines(file)
    if count:
        yield b"%d\n" % sum(map(is_match, lines))
        return
    for number, line, is_context in _with_context(lines, is_match, before or context, after or context):
        mark = f"{number}{'-' if is_context else ':'}" if line_numbers and number else ""
        yield encoded(mark + line)


def _with_context(
    lines: Iterator[str], is_match: Callable[[str], bool], before: int, after: int
) -> Iterator[tuple[int, str, bool]]:
    """Yield the numbers of lines, the lines, and whether they are context; the number is 0 between groups."""
    earlier: deque[tuple[int, str, bool]] = deque(maxlen=before)
    last = remaining = 0
    for number, line in enumerate(lines, 1):
        if is_match(line):
            if last and (before or after) and number - len(earlier) > last + 1:
                yield 0, "--\n", True
            yield from earlier
            earlier.clear()
            yield number, line, False
            last, remaining = number, after
        elif remaining:
            yield number, line, True
            last, remaining = number, remaining - 1
        else:
            earlier.append((number, line, True))
