"""Counts of trials and results, and the table's lines."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

EVERY = int(os.environ.get("FAULTS_EVERY", "1"))
"""The share of possible trials to run: 3 means every third."""


class UntriedError(Exception):
    """Something that a module's faults need is missing on this machine."""


_HEADINGS = ("what", "tried", "survived", "lost", "hung", "processes", "files")


@dataclass
class Count:
    """One row of the table.

    :param title: the fault, and the line that it affects
    :param tried: the number of trials
    :param survived: trials that ended as documented: with success, or with the right exit status and one clear line
    :param lost: trials in which acknowledged data were gone or changed, or incomplete data visible
    :param hung: trials that had to be stopped from outside
    :param processes: leftover processes
    :param files: leftover temporary files and objects
    :param notes: descriptions of all deviations
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
        """Add another row's counts."""
        for name in _HEADINGS[1:]:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.notes += other.notes

    @property
    def is_good(self) -> bool:
        """Whether all trials survived, and nothing was lost or left over."""
        return self.survived == self.tried and not any((self.lost, self.hung, self.processes, self.files))

    def cells(self) -> tuple[str, ...]:
        """Return the line's cells as text."""
        numbers = (self.tried, self.survived, self.lost, self.hung, self.processes, self.files)
        return self.title, *map(str, numbers)


def table(counts: list[Count]) -> Iterator[str]:
    """Yield a table's lines, ending with the sum."""
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
