"""Samples, and the results of measurements."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_PATIENCE = 900
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Sample:
    """Repeated measurements of the same thing.

    :param values: in the order of measurement
    :param unit: ``s``, ``MiB`` or empty
    """

    values: tuple[float, ...]
    unit: str = "s"

    @property
    def median(self) -> float:
        """The median."""
        return statistics.median(self.values)

    def __str__(self) -> str:
        shown = [amount(value, self.unit) for value in (self.median, min(self.values), max(self.values))]
        return shown[0] if len(self.values) == 1 else f"{shown[0]} ({shown[1]} to {shown[2]})"


@dataclass(frozen=True)
class Measured:
    """The result for one line of the table.

    :param name: the line's name in :mod:`.figures`
    :param value: the figure
    :param samples: the samples behind it, by tool
    :param note: additional information about this run
    :param failure: why it couldn't be measured; there is then no value
    """

    name: str
    value: float | None
    samples: Mapping[str, Sample] = field(default_factory=dict)
    note: str = ""
    failure: str = ""


@dataclass(frozen=True)
class Costs:
    """The costs of a process's runs: wall-clock time, and CPU time of client and server, in seconds."""

    seconds: Sample
    cpu: Sample
    server: Sample


class Trials(dict[str, Costs]):
    """The costs of processes that are compared, by name.

    :param failures: why others were dropped
    """

    def __init__(self, costs: Mapping[str, Costs], failures: Mapping[str, str]) -> None:
        super().__init__(costs)
        self.failures = failures

    def beside(self, name: str, peer: str, *, of: str = "seconds", note: str = "") -> Measured:
        """Return the ratio of ours to a peer's as a figure.

        :param of: ``seconds``, ``cpu`` or ``server``
        """
        for tool in ("ours", peer):
            if tool in self.failures:
                return Measured(name, None, failure=self.failures[tool])
        return ratio(name, getattr(self["ours"], of), getattr(self[peer], of), note, peer=peer)

    @property
    def server_note(self) -> str:
        """The share of time that the server was busy with each."""
        shares = [f"{name} {c.server.median:.2f} s of {c.seconds.median:.2f} s" for name, c in self.items()]
        return f"the server's processor: {', '.join(shares)}"


def ratio(name: str, ours: Sample, theirs: Sample, note: str = "", *, peer: str) -> Measured:
    """Return the ratio of two medians as a figure."""
    return Measured(name, ours.median / theirs.median, {"ours": ours, peer: theirs}, note)


def amount(value: float, unit: str) -> str:
    """Return an amount for people: three digits, milliseconds below a second."""
    if unit == "s" and value < 1:
        return f"{1000 * value:.3g} ms"
    digits = f"{value:.0f}" if value >= 1000 else f"{value:.3g}"
    return f"{digits} {unit}".rstrip()


def timed(action: Callable[[], object]) -> float:
    """Return the duration of an action, in seconds."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def spent(words: list[str], environ: Mapping[str, str], pid: int | None = None) -> tuple[float, float, float]:
    """Run a process to its end; return its wall-clock time, its CPU time, and the server's CPU time.

    :param pid: the server's process
    :raises RuntimeError: if the process fails
    """
    server = _processor_seconds(pid)
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.run(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environ,
        timeout=_PATIENCE,
        check=False,
    )
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        raise RuntimeError(
            f"{Path(words[0]).name} {words[1]}: {process.stderr.decode(errors='replace').strip()[-300:]}"
        )
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, cpu, _processor_seconds(pid) - server


def _processor_seconds(pid: int | None) -> float:
    if pid is None:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:13]) / _TICK
