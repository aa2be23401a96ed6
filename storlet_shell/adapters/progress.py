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
    """

    def __init__(self, stream: IO[str], label: str, total: int | None) -> None:
        self._stream = stream
        self._label = label
        self._total = total
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

    def _draw(self, seconds: float) -> None:
        amount = size(self._count)
        if self._total:
            amount = f"{100 * self._count // self._total:3d} %  {amount} of {size(self._total)}"
        figures = f"  {amount}  {size(self._count / seconds)}/s"
        width = max(10, shutil.get_terminal_size().columns - 1 - len(figures))
        self._stream.write(f"\r{self._label[-width:]}{figures}\x1b[K")
        self._stream.flush()
        self._drawn = True

    def clear(self) -> None:
        """Leave the terminal as it was."""
        if self._drawn:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._drawn = False
