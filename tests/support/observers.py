"""An observer that records what it is called with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from storlet_shell.wire.observer import Observer, Progress


class Notebook(Observer, Progress):
    """Record warnings, requests, and progress.

    :ivar requests: method and URL of each request
    :ivar totals: the announced size of each transfer, by label; None if unknown
    :ivar count: the sum of all progress
    """

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.requests: list[str] = []
        self.totals: dict[str, int | None] = {}
        self.count = 0

    def warn(self, message: str) -> None:
        """Record a warning."""
        self.warnings.append(message)

    @contextmanager
    def progress(self, label: str, total: int | None, unit: str = "") -> Iterator[Progress]:
        """Record the size of a transfer."""
        self.totals[label] = total
        yield self

    def advance(self, count: int) -> None:
        """Add progress."""
        self.count += count

    def expect(self, total: int) -> None:
        """Do nothing; no transfer learns its size later."""

    def sent(self, method: str) -> list[str]:
        """Return the containers and objects that a method was sent to."""
        words = [request.split(" ", 1) for request in self.requests]
        return ["/".join(url.split("/")[5:]) for verb, url in words if verb == method]
