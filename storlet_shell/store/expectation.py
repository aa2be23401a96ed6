"""Compare the size of a result with what the user expects.

An upstream engine ends the body of a storlet that failed midway like a complete one: nothing on the wire tells them
apart. Users who know the size of the result can have it checked.
"""

from __future__ import annotations

from typing import NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import IncompleteBodyError
from storlet_shell.text import counted


@typed_equality
class Expectation(NamedTuple):
    """The expected size of a body, in bytes and in lines; None for any size."""

    bytes: int | None = None
    lines: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether any size will do."""
        return self.bytes is None and self.lines is None

    def check(self, subject: str, bytes: int | None = None, lines: int | None = None, transaction: str = "") -> None:
        """Compare with the actual size.

        :param bytes: None if unknown
        :param lines: None if unknown
        :raises IncompleteBodyError: if it differs
        """
        for actual, expected, unit in ((bytes, self.bytes, "byte"), (lines, self.lines, "line")):
            if expected is not None and actual is not None and actual != expected:
                text = f"{counted(actual, unit)} received, but {expected} expected; don't trust the result"
                raise IncompleteBodyError(f"{subject}: {text}", transaction_id=transaction)


class Count:
    """Counts the bytes and lines of a body; the last line may lack a line end."""

    def __init__(self) -> None:
        self.bytes = 0
        self._ends = 0
        self._last = b"\n"

    def add(self, chunk: bytes) -> None:
        """Count a chunk."""
        self.bytes += len(chunk)
        self._ends += chunk.count(b"\n")
        self._last = chunk[-1:] or self._last

    @property
    def lines(self) -> int:
        """The number of lines so far."""
        return self._ends + (self._last != b"\n")
