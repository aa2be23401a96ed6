"""What was tried and what came of it, and the lines that a table makes of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

EVERY = int(os.environ.get("FAULTS_EVERY", "1"))
"""The share of what can be tried that is tried: 3 is every third."""


class UntriedError(Exception):
    """Something that the faults of a module need is not on this machine."""


_HEADINGS = ("what", "tried", "survived", "lost", "hung", "processes", "files")


@dataclass
class Count:
    """One line of the table.

    :param what: the fault, and what it befell
    :param tried: how often
    :param survived: how often it ended as documented: with success, or with the right exit status and one clear line
    :param lost: how often something acknowledged was gone or changed, or something half-made was seen
    :param hung: how often it had to be ended from outside
    :param processes: processes that were left over
    :param files: temporary files and objects that were left over
    :param notes: what each that is not as it should be was
    """

    title: str
    tried: int = 0
    survived: int = 0
    lost: int = 0
    hung: int = 0
    processes: int = 0
    files: int = 0
    notes: list[str] = field(default_factory=list)

    def add(self, other: Count) -> None:
        """Count what another line counts, too."""
        for name in _HEADINGS[1:]:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.notes += other.notes

    @property
    def is_good(self) -> bool:
        """Whether all that was tried was survived, and nothing is lost or left."""
        return self.survived == self.tried and not any((self.lost, self.hung, self.processes, self.files))

    def cells(self) -> tuple[str, ...]:
        """Return the line's cells as text."""
        numbers = (self.tried, self.survived, self.lost, self.hung, self.processes, self.files)
        return self.title, *map(str, numbers)


def table(counts: list[Count]) -> Iterator[str]:
    """Yield a table's lines, its sum last."""
    total = Count("all")
    for count in counts:
        total.add(count)
    rows = [_HEADINGS, *(count.cells() for count in counts), total.cells()]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    for number, row in enumerate(rows):
        first, *rest = (
            cell.ljust(width) if not at else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield " | ".join([first, *rest])
        if number == 0:
            yield "-|-".join("-" * width for width in widths)
