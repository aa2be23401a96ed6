"""An observer that remembers what it was told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from storlet_shell.wire.observer import Observer, Progress


class Notebook(Observer, Progress):
    """Remembers warnings, requests, and how far each transfer went.

    :ivar requests: each as method and URL
    :ivar totals: how much each transfer was to have, by its label
    :ivar count: how much has been transferred
    """

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.requests: list[str] = []
        self.totals: dict[str, int | None] = {}
        self.count = 0

    def warn(self, message: str) -> None:
        """Remember a line."""
        self.warnings.append(message)

    @contextmanager
    def progress(self, label: str, total: int | None, unit: str = "") -> Iterator[Progress]:
        """Remember what is to be transferred."""
        self.totals[label] = total
        yield self

    def advance(self, count: int) -> None:
        """Add to what has been transferred."""
        self.count += count

    def expect(self, total: int) -> None:
        """Do nothing: no transfer learns of its total later."""

    def sent(self, method: str) -> list[str]:
        """Return the names of the containers and objects that requests of a method went to."""
        words = [request.split(" ", 1) for request in self.requests]
        return ["/".join(url.split("/")[5:]) for verb, url in words if verb == method]
