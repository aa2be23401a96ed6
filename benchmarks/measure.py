"""Runs that take turns, their medians, and the lines that a table makes of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    :param what: what was measured, on what
    :param value: the figure
    :param limit: the target
    :param at_most: whether the figure is to stay below the target, rather than to reach it
    :param unit: of the figure and the target; empty for a ratio
    :param note: medians, spread, and what else a reader needs
    """

    what: str
    value: float
    limit: float
    at_most: bool
    unit: str = ""
    note: str = ""

    @property
    def is_met(self) -> bool:
        """Whether the target is reached."""
        return self.value <= self.limit if self.at_most else self.value >= self.limit

    def cells(self) -> tuple[str, ...]:
        """Return the line's cells as text."""
        sign = "≤" if self.at_most else "≥"
        value, limit = (f"{number:.3g}{self.unit}" for number in (self.value, self.limit))
        return self.what, f"{sign} {limit}", value, "yes" if self.is_met else "MISSED", self.note


@dataclass(frozen=True)
class Sample:
    """Seconds that the same thing took, several times."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.seconds)

    def __str__(self) -> str:
        low, high = min(self.seconds), max(self.seconds)
        return f"{1000 * self.median:.3g} ms ({1000 * low:.3g} to {1000 * high:.3g})"


def timed(action: Callable[[], object]) -> float:
    """Return how many seconds an action takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def in_turns(count: int, *actions: Callable[[], object]) -> tuple[Sample, ...]:
    """Time actions that take turns, after one uncounted run of each."""
    for action in actions:
        action()
    rounds = [[timed(action) for action in actions] for _ in range(count)]
    return tuple(Sample(tuple(column)) for column in zip(*rounds, strict=True))


def table(figures: list[Figure]) -> Iterator[str]:
    """Yield a table's lines."""
    rows = [("what", "must reach", "measured", "met", "medians (least to most), notes"), *(f.cells() for f in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for number, row in enumerate(rows):
        yield " | ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]])
        if number == 0:
            yield "-|-".join("-" * width for width in [*widths, len(row[4])])
