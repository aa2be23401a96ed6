"""How far a transfer is, as one line on a terminal."""

from __future__ import annotations

import shutil
import time
from typing import IO

from storlet_shell.visible import size

_FIRST_SHOWN = 1.0
_BETWEEN = 0.2


class TransferLine:
    """One line that is drawn over itself, on a terminal, from when a transfer takes over a second.

    :param stream: where it is drawn; nothing is drawn when that is no terminal
    :param label: what is transferred
    :param total: how many bytes there are, or None when nobody knows
    :param unit: what is counted, if not bytes
    """

    def __init__(self, stream: IO[str], label: str, total: int | None, unit: str = "") -> None:
        self._stream = stream
        self._label = label
        self._total = total
        self._unit = unit
        self._count = 0
        self._started = time.monotonic()
        self._next = self._started + _FIRST_SHOWN if stream.isatty() else float("inf")
        self._drawn = False

    def advance(self, count: int) -> None:
        """Tell that so many more bytes went."""
        self._count += count
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _BETWEEN
            self._draw(now - self._started)

    def expect(self, total: int) -> None:
        """Tell how many there are."""
        self._total = total

    def _draw(self, seconds: float) -> None:
        share = f"{100 * self._count // self._total:3d} %  " if self._total else ""
        shown = f"  {share}{figures(self._count, self._total, seconds, self._unit)}"
        width = max(10, shutil.get_terminal_size().columns - 1 - len(shown))
        self._stream.write(f"\r{self._label[-width:]}{shown}\x1b[K")
        self._stream.flush()
        self._drawn = True

    def clear(self) -> None:
        """Leave the terminal as it was."""
        if self._drawn:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._drawn = False


def figures(count: int, total: int | None, seconds: float, unit: str = "") -> str:
    """Say how far something is, how fast it goes, and how long it will go on, as far as that is known.

    :param unit: what is counted, if not bytes
    """
    rate = count / max(seconds, 0.001)
    if not unit:
        return f"{size(count)}{f' of {size(total)}' if total else ''}  {size(rate)}/s"
    left = f"  {_duration((total - count) / rate)} left" if total and rate else ""
    return f"{count}{f' of {total}' if total else ''} {unit}  {rate:.3g}/s{left}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
