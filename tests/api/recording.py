"""An observer that records its calls, and fails the test if two threads call it at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from storlet_shell.errors import Hint, advise
from storlet_shell.wire.observer import Observer, Progress


class Recording(Observer):
    """Records warnings, and how far each transfer came.

    :ivar warnings: as they came
    :ivar progress_of: how much was done of each, by its label
    """

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.progress_of: dict[str, int] = {}
        self._told = threading.Lock()

    def warn(self, message: str, hint: Hint | None = None) -> None:
        """Record a warning."""
        assert self._told.acquire(blocking=False), "two threads at once"
        self.warnings.append(advise(message, hint, self.spell))
        self._told.release()

    @contextmanager
    def progress(self, label: str, total: int | None, unit: str = "") -> Iterator[Progress]:
        """Record a transfer."""
        yield _Count(self, label)


class _Count:
    def __init__(self, recording: Recording, label: str) -> None:
        self._recording, self._label = recording, label
        recording.progress_of.setdefault(label, 0)

    def advance(self, count: int) -> None:
        """Record it."""
        assert self._recording._told.acquire(blocking=False), "two threads at once"
        self._recording.progress_of[self._label] += count
        self._recording._told.release()

    def expect(self, total: int) -> None:
        """Take no note."""
