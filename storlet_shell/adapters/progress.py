"""How far a transfer is, as one line on a terminal."""

from __future__ import annotations

import shutil
import time
from abc import ABC, abstractmethod
from typing import IO

from storlet_shell.text import size

_FIRST_SHOWN = 1.0
_BETWEEN = 0.2


class Transfer(ABC):
    """How far a transfer is, drawn now and then from when it takes over a second.

    :param label: the transfer's name
    :param total: how many bytes there are, or None when nobody knows
    :param unit: the unit counted, if not bytes
    :param watched: whether anybody looks on; nothing is drawn otherwise
    """

    def __init__(self, label: str, total: int | None, unit: str, *, watched: bool) -> None:
        self.label = label
        self.total = total
        self.count = 0
        self._unit = unit
        self._started = time.monotonic()
        self._next = self._started + _FIRST_SHOWN if watched else float("inf")

    def advance(self, count: int) -> None:
        """Tell that so many more bytes went."""
        self.count += count
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _BETWEEN
            self.draw()

    def expect(self, total: int) -> None:
        """Tell how many there are."""
        self.total = total

    def figures(self) -> str:
        """Say how far it is now."""
        return figures(self.count, self.total, time.monotonic() - self._started, self._unit)

    @abstractmethod
    def draw(self) -> None:
        """Show how far it is."""

    @abstractmethod
    def clear(self) -> None:
        """Take away what was shown."""


class TransferLine(Transfer):
    """One line that is drawn over itself, on a terminal.

    :param stream: where it is drawn, if that is a terminal
    """

    def __init__(self, stream: IO[str], label: str, total: int | None, unit: str = "") -> None:
        super().__init__(label, total, unit, watched=stream.isatty())
        self._stream = stream
        self._drawn = False

    def draw(self) -> None:
        """Draw the line over itself."""
        share = f"{100 * self.count // self.total:3d} %  " if self.total else ""
        shown = f"  {share}{self.figures()}"
        width = max(10, shutil.get_terminal_size().columns - 1 - len(shown))
        self._stream.write(f"\r{self.label[-width:]}{shown}\x1b[K")
        self._stream.flush()
        self._drawn = True

    def clear(self) -> None:
        """Leave the terminal as it was."""
        if self._drawn:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._drawn = False


def figures(count: int, total: int | None, seconds: float, unit: str = "") -> str:
    """Describe progress: the share, the rate, and the remaining time, as far as they are known.

    :param unit: the unit counted, if not bytes
    """
    rate = count / max(seconds, 0.001)
    if not unit:
        return f"{size(count)}{f' of {size(total)}' if total else ''}  {size(rate)}/s"
    remaining = f"  {_duration((total - count) / rate)} left" if total and rate else ""
    return f"{count}{f' of {total}' if total else ''} {unit}  {rate:.3g}/s{remaining}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
