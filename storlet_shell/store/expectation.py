"""What a user expects of a body, for those whose end can't be trusted.

An upstream engine ends the body of a storlet that failed half way as it ends a whole one: nothing on the wire tells
them apart. Who knows how much must come can say so.
"""

from __future__ import annotations

from typing import NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import IncompleteBodyError
from storlet_shell.text import counted


@typed_equality
class Expectation(NamedTuple):
    """How much a body has; None where nothing is expected."""

    bytes: int | None = None
    lines: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is expected."""
        return self.bytes is None and self.lines is None

    def check(self, subject: str, bytes: int | None = None, lines: int | None = None, transaction: str = "") -> None:
        """Compare with what came.

        :param bytes: None when it is not known
        :raises IncompleteBodyError: when it is something else
        """
        for came, wanted, unit in ((bytes, self.bytes, "byte"), (lines, self.lines, "line")):
            if wanted is not None and came is not None and came != wanted:
                text = f"{counted(came, unit)} came, and {wanted} were expected; what came is not to be trusted"
                raise IncompleteBodyError(f"{subject}: {text}", transaction_id=transaction)


class Count:
    """Counts a body's bytes and lines as they come; a last line needs no line end."""

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
        """How many lines there were so far."""
        return self._ends + (self._last != b"\n")
