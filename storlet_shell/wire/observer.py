"""Who watches what is done: told how far it is, and what is worth a line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, Protocol

from storlet_shell.equality import typed_equality
from storlet_shell.errors import Hint, StorletShellError, in_python


class Progress(Protocol):
    """How far a transfer or a batch is."""

    def advance(self, count: int) -> None:
        """Tell that so many more bytes went, or objects."""

    def expect(self, total: int) -> None:
        """Tell how many there are, once that is known."""


@typed_equality
class Note(NamedTuple):
    """A line for the user that is no result, as a value; an observer is warned of it by its parts.

    :param hint: what to do about it
    """

    message: str
    hint: Hint | None = None


class Observer:
    """Watches what a client does; this one looks away. One thread at a time tells it something."""

    def warn(self, message: str, hint: Hint | None = None) -> None:
        """Take one line for the user that is no result.

        :param hint: what to do about it; it follows the message
        """

    def spell(self, hint: Hint) -> str:
        """Spell a hint as the user would write it."""
        return in_python(hint)

    def line_of(self, error: StorletShellError) -> str:
        """Return an error as the line that this user would read, to be a part of another."""
        error.spell = self.spell
        return str(error)

    @contextmanager
    def progress(self, label: str, total: int | None, unit: str = "") -> Iterator[Progress]:  # noqa: ARG002  for others
        """Show how far a transfer of ``total`` bytes is, from when it takes over a second to its end.

        :param unit: what is counted, if not bytes
        """
        yield _Silent()


class _Silent:
    def advance(self, count: int) -> None:
        """Show nothing."""

    def expect(self, total: int) -> None:
        """Show nothing."""
