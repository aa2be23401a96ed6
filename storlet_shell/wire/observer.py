"""Observers, which are notified of progress and warnings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, Protocol

from storlet_shell.equality import typed_equality
from storlet_shell.errors import Hint, StorletShellError, in_python


class Progress(Protocol):
    """The progress of a transfer or a batch."""

    def advance(self, count: int) -> None:
        """Count further bytes or objects."""

    def expect(self, total: int) -> None:
        """Set the total, once it is known."""


class Remarking(Progress, Protocol):
    """Progress that can say more than a count; a program's own need not."""

    def remark(self, describe: Callable[[], str]) -> None:
        """Show a further text, such as ``3 failed``.

        :param describe: returns the text; called whenever progress is shown
        """


def remark(progress: Progress, describe: Callable[[], str]) -> None:
    """Add a text to progress, if it takes one.

    :param describe: returns the text; called whenever progress is shown
    """
    if (add := getattr(progress, "remark", None)) is not None:
        add(describe)


@typed_equality
class Note(NamedTuple):
    """A warning for the user, not yet shown.

    :param hint: what to do about it
    """

    message: str
    hint: Hint | None = None


class Observer:
    """Is notified of what a client does; this base class ignores it. Only one thread at a time calls it."""

    def warn(self, message: str, hint: Hint | None = None) -> None:
        """Handle a warning for the user.

        :param hint: what to do about it; shown after the message
        """

    def spell(self, hint: Hint) -> str:
        """Spell a hint as the user would type it."""
        return in_python(hint)

    def line_of(self, error: StorletShellError) -> str:
        """Return an error's message in this user's spelling, to be quoted in another message."""
        error.spell = self.spell
        return str(error)

    def awaits(self, running: int) -> bool:  # noqa: ARG002  interactive front ends use it
        """Tell the user that a batch was interrupted, and waits for its runs.

        :param running: the number of runs
        :returns: whether the user has been told, and can interrupt once more to drop them
        """
        return False

    @contextmanager
    def progress(self, label: str, total: int | None, unit: str = "") -> Iterator[Progress]:  # noqa: ARG002  for others
        """Show the progress of a transfer of ``total`` bytes, once it takes longer than a second.

        :param unit: the unit of the counts; empty for bytes
        """
        yield _Silent()


class _Silent:
    def advance(self, count: int) -> None:
        """Ignore the count."""

    def expect(self, total: int) -> None:
        """Ignore the total."""
