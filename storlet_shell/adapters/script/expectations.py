"""``expect STATUS [--expect-text TEXT] LINE``: check how a line ends, as a test of what must fail."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import NamedTuple

from storlet_shell.adapters.execution import Outcome, Show
from storlet_shell.adapters.script.lines import VERBATIM, Expand, Line, take_word
from storlet_shell.adapters.script.scope import text_of
from storlet_shell.equality import typed_equality
from storlet_shell.errors import StorletShellError, UsageError
from storlet_shell.results import Result
from storlet_shell.spec.command import Call

WORD = "expect"

_FIRST = re.compile(rf"\s*{WORD}(?![^\s])")
_TEXT = "--expect-text"
_USAGE = f"{WORD} STATUS [{_TEXT} TEXT] LINE"
_LARGEST = 255


@typed_equality
class Expectation(NamedTuple):
    """How a line must end.

    :param status: its exit status
    :param text: text that its result or its message must contain; None if it doesn't matter
    """

    status: int
    text: str | None = None

    def judge(self, line: str, outcome: Outcome, result: str) -> Outcome:
        """Return success if a line ended as expected, and otherwise an outcome with an error that says how it ended.

        :param result: the line's result as text
        """
        error = outcome.error
        if error is not None and not isinstance(error, StorletShellError):
            return outcome  # an interrupt, a reader that has left, or a bug
        message = str(error) if error else ""
        shortened = line.strip().split("\n", 1)[0]
        if outcome.status != self.status:
            ending = message or shortened
            text = f"expected exit status {self.status}, but it was {outcome.status}: {ending}"
        elif self.text is not None and self.text not in f"{result}\n{message}":
            has_text = error is not None or outcome.result is not None
            place = "neither in the result nor in the message" if has_text else "not in the result of a command"
            text = f"expected the text {self.text!r}, which is {place}: {message or shortened}"
        else:
            return Outcome(0, outcome.result)
        return Outcome(1, outcome.result, StorletShellError(text, details=error.details if error else ""))


def read(line: Line, expand: Expand | None) -> tuple[Expectation, Line] | None:
    """Read the expectation in front of a line, and return it with the line; None for any other line.

    :raises UsageError: if the status or the line is missing, or the status isn't one
    """
    match = _FIRST.match(line.text)
    if match is None:
        return None
    status, text, rest = "", None, line.text[match.end() :]
    while not VERBATIM.match(rest) and (following := take_word(rest, expand)) is not None:
        word, after = following
        if word.startswith(f"{_TEXT}="):
            text, rest = word.removeprefix(f"{_TEXT}="), after
        elif word == _TEXT:
            value = take_word(after, expand)
            if value is None:
                raise UsageError(f"{_TEXT} lacks its text: {_USAGE}")
            text, rest = value
        elif not status:
            status, rest = word, after
        else:
            break
    if not status.isdecimal() or int(status) > _LARGEST:
        missing = "lacks the exit status" if not status else f"takes an exit status from 0 to {_LARGEST}, not {status}"
        raise UsageError(f"{WORD} {missing}: {_USAGE}")
    if not rest.strip():
        raise UsageError(f"{WORD} lacks the line: {_USAGE}")
    return Expectation(int(status), text), replace(line, text=rest)


class Reader:
    """Keeps the text of a line's result, and shows it as usual.

    :param show: shows a result
    """

    def __init__(self, show: Show) -> None:
        self._show = show
        self.text = ""

    def show(self, call: Call, result: Result) -> None:
        """Read the result, and then show it."""
        result.keep()
        self.text = text_of(result)
        self._show(call, result)
