"""The messages of the Java compiler."""

from __future__ import annotations

import re
from typing import NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import UsageError

_ERROR = re.compile(r"(?P<file>.+\.java):(?P<line>\d+): error: (?P<text>.*)")
_OTHER = re.compile(r"(?:.+\.java:\d+: warning: |(?:Note|warning): |\d+ (?:error|warning)s?$)")
_TOO_OLD = re.compile(r"release version \d+ not supported|invalid flag: --release")
_SYMBOL = re.compile(r"\s+symbol:\s+(?P<symbol>.*)")


def compile_error(output: str) -> UsageError:
    """Return the error for sources that ``javac`` rejects.

    Its message is the first error, as ``FILE:LINE: TEXT``. Its details are its source line, and all other errors.
    ``javac`` reports a missing import after its consequences; here, errors are in the order of lines.

    :param output: the output of ``javac``
    """
    errors = _errors(output)
    if not errors and _TOO_OLD.search(output):
        return UsageError("javac is too old; install a JDK of version 11 or later")
    if not errors:
        lines = [line for line in output.splitlines() if line.strip("# ")] or ["it gives no reason"]
        reason = lines[0].lstrip("# ").removeprefix("error: ")  # a JVM that crashes starts its lines with #
        return UsageError(f"javac failed: {reason}", details="\n".join(lines[1:]))
    first, *others = errors
    further = [line for error in others for line in (_with_symbol(error), *error.below)]
    return UsageError(_with_symbol(first), details="\n".join((*first.below, *further)))


@typed_equality
class _Error(NamedTuple):
    """An error, ordered by its place.

    :param file: the number of its file, in the order in which they first occur
    :param message: ``FILE:LINE: TEXT``
    :param below: the lines below the message
    """

    file: int
    line: int
    message: str
    below: list[str]


def _errors(output: str) -> list[_Error]:
    """Return all errors, ordered by file and line."""
    files: dict[str, int] = {}
    errors: list[_Error] = []
    below: list[str] = []
    for line in output.splitlines():
        match = _ERROR.fullmatch(line)
        if match is not None:
            below = []
            number = files.setdefault(match["file"], len(files))
            message = f"{match['file']}:{match['line']}: {match['text']}"
            errors.append(_Error(number, int(match["line"]), message, below))
        elif _OTHER.match(line):
            below = []
        else:
            below.append(line)
    return sorted(errors, key=lambda error: (error.file, error.line))


def _with_symbol(error: _Error) -> str:
    """Return an error's message, with the symbol that the lines below it name."""
    match = next(filter(None, map(_SYMBOL.fullmatch, error.below)), None)
    return f"{error.message}: {' '.join(match['symbol'].split())}" if match else error.message
