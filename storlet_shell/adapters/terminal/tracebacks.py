"""Tracebacks in color: where each step is, and what was raised."""

from __future__ import annotations

import re

from storlet_shell.results.on_terminal import Paint

_PLACE = re.compile(r'\s*(?:File ".*", line \d+|at [^\s(]+\(|\.\.\. \d+ more$)')  # Python's, and Java's
_RAISED = re.compile(r"(?:Caused by: )?(?:\w+\.)*\w*(?:Error|Exception|Exit|Interrupt|Iteration|Warning|Group)(?=:|$)")
_CULPRIT = re.compile(r"-+> (?=\s*\d+ )")  # as IPython marks a line
_MARKS = re.compile(r"\s*[~^]+\s*")


def painted(line: str, paint: Paint) -> str:
    """Return a line of a log or a traceback in its colors."""
    if _PLACE.match(line):
        return paint("place", line)
    if _MARKS.fullmatch(line):
        return paint("exception", line)
    marked = _RAISED.match(line) or _CULPRIT.match(line)
    if marked is None:
        return line
    return f"{paint('exception', marked.group())}{line[marked.end() :]}"
