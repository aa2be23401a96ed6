"""The progress of a transfer or a batch, as one line on a terminal."""

from __future__ import annotations

import shutil
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import IO

from storlet_shell.text import size

_FIRST_SHOWN = 1.0
_BETWEEN = 0.2


class Transfer(ABC):
    """The progress of a transfer or a batch, drawn now and then once it takes over a second.

    :param label: the transfer's name
    :param total: the number of bytes or units; None if it isn't known
    :param unit: the unit counted, if not bytes
    :param watched: whether a user watches; nothing is drawn otherwise
    """

    def __init__(self, label: str, total: int | None, unit: str, *, watched: bool) -> None:
        self.label = label
        self.total = total
        self.count = 0
        self.unit = unit
        self._describe: Callable[[], str] = lambda: ""
        self._started = time.monotonic()
        self._next = self._started + _FIRST_SHOWN if watched else float("inf")

    def advance(self, count: int) -> None:
        """Count further bytes or units."""
        self.count += count
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _BETWEEN
            self.draw()

    def expect(self, total: int) -> None:
        """Set the total."""
        self.total = total

    def remark(self, describe: Callable[[], str]) -> None:
        """Show a further text after the counts.

        :param describe: returns it, empty for none; called whenever the progress is drawn
        """
        self._describe = describe

    def figures(self) -> str:
        """Describe the progress so far."""
        return figures(self.count, self.total, time.monotonic() - self._started, self.unit, self._describe())

    @abstractmethod
    def draw(self) -> None:
        """Show the progress."""

    @abstractmethod
    def clear(self) -> object:
        """Remove what was shown."""


class TransferLine(Transfer):
    """One line that is drawn over itself, on a terminal.

    :param stream: where it is drawn, if that is a terminal

    ``has_room`` tells whether the cursor is at the start of a line; nothing is drawn otherwise.
    """

    has_room = True

    def __init__(self, stream: IO[str], label: str, total: int | None, unit: str = "") -> None:
        super().__init__(label, total, unit, watched=stream.isatty())
        self._stream = stream
        self._is_drawn = False

    def draw(self) -> None:
        """Draw the line over itself; a batch's line does without its name, which the user has just typed."""
        if not self.has_room:
            return
        columns = max(10, shutil.get_terminal_size().columns - 1)
        shown = self.figures()
        if not self.unit:
            share = f"{100 * self.count // self.total:3d} %  " if self.total else ""
            shown = f"  {share}{shown}"
            shown = self.label[-max(10, columns - len(shown)) :] + shown
        self._stream.write(f"\r{shown[:columns]}\x1b[K")
        self._stream.flush()
        self._is_drawn = True

    def clear(self) -> bool:
        """Leave the terminal as it was; return whether the line was there."""
        if not self._is_drawn:
            return False
        self._stream.write("\r\x1b[K")
        self._stream.flush()
        self._is_drawn = False
        return True


def figures(count: int, total: int | None, seconds: float, unit: str = "", remark: str = "") -> str:
    """Describe progress: the share, a remark, the rate, and the remaining time, as far as they are known.

    :param unit: the unit counted, if not bytes
    """
    rate = count / max(seconds, 0.001)
    if not unit:
        parts = [f"{size(count)}{f' of {size(total)}' if total else ''}", remark, f"{size(rate)}/s"]
    else:
        parts = [f"{count:,} of {total:,}" if total else f"{count:,} {unit}", remark, f"{rate:.3g}/s"]
        parts += [f"{_duration(max(0, total - count) / rate)} left"] if total and rate else []
    return " · ".join(filter(None, parts))


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
