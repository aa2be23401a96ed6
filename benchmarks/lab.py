"""The setting of measurements: sizes and rounds, the machine's noise, and the figures that a measurement yields."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from benchmarks.cluster import environment
from benchmarks.measure import Costs, Measured, Sample, Trials, spent, timed
from benchmarks.peers import MissingPeerError
from storlet_shell.embedded.control import Running

_CALIBRATIONS = 10
_LOOP = 100_000


class Lab:
    """A run of the benchmark.

    :param quick: use tiny sizes and few rounds, to test the benchmark itself
    """

    def __init__(self, *, quick: bool = False) -> None:
        self.quick = quick
        self.noise: list[float] = []

    def size(self, full: int, quick: int) -> int:
        """Return the size of a measurement."""
        return quick if self.quick else full

    def rounds(self, full: int) -> int:
        """Return the number of rounds."""
        return min(full, 2) if self.quick else full

    def in_turns(self, rounds: int, **actions: Callable[[], object]) -> dict[str, Sample]:
        """Time actions that take turns, after one uncounted run of each."""
        for action in actions.values():
            action()
        columns: dict[str, list[float]] = {name: [] for name in actions}
        for number in range(self.rounds(rounds)):
            for name in _turned(list(actions), number):
                columns[name].append(timed(actions[name]))
            if number % max(1, rounds // _CALIBRATIONS) == 0:
                self.calibrate()
        return {name: Sample(tuple(column)) for name, column in columns.items()}

    def costs(
        self,
        rounds: int,
        lines: Mapping[str, Callable[[int], list[str]]],
        running: Running | None = None,
        environ: Mapping[str, str] | None = None,
        *,
        warm: bool = True,
    ) -> Trials:
        """Measure processes that take turns on one server; drop one that fails.

        :param lines: prepares a round, uncounted, and returns its command line
        :param environ: additional variables
        :param warm: start with one uncounted run of each, as round 0
        """
        variables = {**environment(running), **(environ or {})}
        pid = None if running is None else running.pid
        columns: dict[str, list[tuple[float, float, float]]] = {name: [] for name in lines}
        failures: dict[str, str] = {}
        for number in range(0 if warm else 1, self.rounds(rounds) + 1):
            for name in _turned(list(columns), number):
                try:
                    columns[name].append(spent(lines[name](number), variables, pid))
                except (MissingPeerError, OSError, RuntimeError, subprocess.SubprocessError) as error:
                    failures[name] = str(error)
                    del columns[name]
            self.calibrate()
        measured = {name: column[1 if warm else 0 :] for name, column in columns.items()}
        return Trials(
            {name: Costs(*map(Sample, zip(*column, strict=True))) for name, column in measured.items()}, failures
        )

    def calibrate(self) -> None:
        """Time a constant loop: its variation is caused by the machine."""
        started = time.perf_counter()
        for _ in range(_LOOP):
            pass
        self.noise.append(time.perf_counter() - started)


def _turned(names: list[str], number: int) -> list[str]:
    """Rotate the order, so that another one starts in each round."""
    at = number % len(names)
    return names[at:] + names[:at]


_Function = TypeVar("_Function", bound=Callable[..., Iterator[Measured]])


def gives(*names: str) -> Callable[[_Function], _Function]:
    """Declare the figures that a function measures, so that they can be printed as failed if it fails."""

    def mark(function: _Function) -> _Function:
        function.gives = names  # type: ignore[attr-defined]
        return function

    return mark
