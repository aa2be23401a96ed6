"""Join the results of objects in the order of the listing."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from storlet_shell.batches.joining.ordered import Ordered
from storlet_shell.equality import typed_equality
from storlet_shell.errors import ServiceError, StorletShellError
from storlet_shell.select.joining.joiners import joiner_of
from storlet_shell.select.joining.messages import End, parse_end, parse_line
from storlet_shell.select.joining.table import Row
from storlet_shell.select.statement.split import Split
from storlet_shell.text import counted
from storlet_shell.values import ObjectPath


@typed_equality
class Totals(NamedTuple):
    """What objects report after their results.

    :param rows: the number of rows that were read
    :param malformed: the number of rows that were left out
    :param first: the object of the first of those, its row, and the reason; empty without any
    """

    rows: int = 0
    malformed: int = 0
    first: str = ""

    def adding(self, source: ObjectPath, end: End) -> Totals:
        """Return the totals with those of another object."""
        first = f"{str(source).removeprefix('path:/')} {end.sample}"
        return Totals(
            self.rows + end.rows, self.malformed + end.malformed, self.first or (first if end.malformed else "")
        )

    @property
    def warning(self) -> str:
        """One line about malformed rows; empty without any."""
        return f"{counted(self.malformed, 'malformed row')} left out; first: {self.first}" if self.malformed else ""


class Parts(Ordered):
    """The results of objects, in the order of the listing; :meth:`take` joins those that have come.

    :param journal: the journal's path; empty without one
    :param work: describes the objects' part of the query for the journal

    ``totals`` is what the objects have reported; ``used`` counts those whose results were read.
    """

    def __init__(self, split: Split, journal: str = "", work: str = "") -> None:
        super().__init__(None, journal)
        self.work = work
        self._joiner = joiner_of(split)
        self._waiting: deque[tuple[ObjectPath, Iterator[bytes]]] = deque()
        self.totals = Totals()
        self.used = 0

    @property
    def is_enough(self) -> bool:
        """Whether further objects can't change the result."""
        return self._joiner.is_enough

    def _append(self, source: ObjectPath, chunks: Iterator[bytes]) -> None:
        self._waiting.append((source, chunks))

    def take(self) -> Iterator[Row]:
        """Yield the rows that objects have completed since the last time.

        :raises StorletShellError: if a result isn't one of the storlet
        """
        while self._waiting:
            source, chunks = self._waiting.popleft()
            yield from self.join(source, chunks)

    def join(self, source: ObjectPath, chunks: Iterable[bytes]) -> Iterator[Row]:
        """Yield the rows that the result of an object completes.

        :raises StorletShellError: if it isn't one of the storlet
        """
        self.used += not self.is_enough
        end = None
        for line in _lines(chunks):
            if self._joiner.is_enough:
                return
            try:
                message = parse_line(line)
                end = parse_end(message)
                if end is None:
                    yield from self._joiner.add(message)
            except ValueError as error:
                raise StorletShellError(f"not a result of the storlet: {error}", subject=str(source)) from error
        if end is None:
            raise ServiceError("the result has no end", subject=str(source))
        self.totals = self.totals.adding(source, end)

    def finish(self) -> Iterator[Row]:
        """Yield the rest of the rows, after the last object."""
        yield from self._joiner.finish()

    def summary(self) -> str:
        """Describe the joined result in a few words."""
        return f"{counted(self.totals.rows, 'row')} read"


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    pieces: list[bytes] = []
    for chunk in chunks:
        first, *others = chunk.split(b"\n")
        pieces.append(first)
        for line in others:
            yield b"".join(pieces)
            pieces = [line]
    if any(pieces):
        yield b"".join(pieces)
