"""The results as a table, for a terminal and for ``docs/performance.md``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from benchmarks.figures import FIGURES, Figure
from benchmarks.measure import amount
from benchmarks.records import Record, sample_of

_PACKAGES = {"swift": "python-swiftclient", "openstack": "python-openstackclient"}
_MET = {True: "yes", False: "MISSED", None: ""}

_UNMEASURED: Record = {"value": None, "met": None, "failure": "the run ended before", "note": "", "samples": {}}

Modules = Mapping[str, Record]
"""Results by module."""


def text(modules: Modules) -> Iterator[str]:
    """Yield the table's lines for a terminal, with notes and the machine of each module."""
    notes = _Notes()
    rows = [("what", "must reach", "measured", "met", "medians (least to most)")]
    for module, results in modules.items():
        if results["quick"]:
            rows.append((f"{module}: QUICK: sizes are smaller than told, no figure counts", "", "", "", ""))
        for name, figure in FIGURES[module].items():
            record = results["figures"].get(name, _UNMEASURED)
            samples = ", ".join(f"{tool} {sample_of(sample)}" for tool, sample in record["samples"].items())
            remarks = [samples, _rounds(record), record["note"], record["failure"], notes.mark(figure.remark)]
            rows.append((*_cells(figure, record), "; ".join(part for part in remarks if part)))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for number, row in enumerate(rows):
        yield " | ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]).rstrip()
        if number == 0:
            yield "-|-".join("-" * width for width in [*widths, len(row[4])])
    yield from ("", *notes.lines, "", *(f"{name}: {conditions(results)}" for name, results in modules.items()))
    yield summary(modules)


def markdown(modules: Modules) -> Iterator[str]:
    """Yield the table's lines as Markdown, with notes and the machine of each module."""
    notes = _Notes()
    yield "| what | against | target | measured | met | ours | theirs | rounds | |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for module, results in modules.items():
        for name, figure in FIGURES[module].items():
            record = results["figures"].get(name, _UNMEASURED)
            title, *cells = _cells(figure, record)
            samples = [str(sample_of(sample)) for sample in record["samples"].values()][:2]
            remarks = [record["note"], record["failure"], figure.remark]
            marks = " ".join(notes.mark(part) for part in remarks if part)
            row = [title, _peer(figure, results), *cells, *samples, *[""] * (2 - len(samples)), _rounds(record), marks]
            yield f"| {' | '.join(row)} |"
    yield from ("", *notes.lines, "", *(f"- {name}: {conditions(results)}" for name, results in modules.items()), "")
    yield f"{summary(modules)}."


def conditions(results: Record) -> str:
    """Return the machine and conditions of a module's measurements, in one line."""
    machine = results["machine"]
    facts = [
        results["measured"],
        f"{machine['cores']} cores ({machine['processor']}), {machine['memory']}, {machine['kernel']}",
        f"load before {machine['load']}",
        ", ".join(f"{name} {version}" for name, version in machine["versions"].items()),
    ]
    if "noise" in results:  # the module was completed
        facts.append(f"a loop that always does the same took {sample_of(results['noise'])}")
        facts.append(f"{results['seconds']} s in all")
    return "; ".join(facts)


def summary(modules: Modules) -> str:
    """Count the figures that reach their targets, miss them, or couldn't be measured."""
    named = [
        (FIGURES[module][name], record)
        for module, results in modules.items()
        for name, record in results["figures"].items()
    ]
    met, missed = (sum(record["met"] is wanted for _, record in named) for wanted in (True, False))
    unexplained = sum(record["met"] is False and not figure.remark for figure, record in named)
    failed = sum(bool(record["failure"]) for _, record in named)
    rest = len(named) - met - missed - failed
    return f"{met} met, {missed} missed ({unexplained} without a remark), {failed} failed, {rest} without a target"


class _Notes:
    """Numbered notes below a table, without duplicates."""

    def __init__(self) -> None:
        self._notes: list[str] = []

    def mark(self, note: str) -> str:
        """Return a note's number for the table; empty for no note."""
        if not note:
            return ""
        if note not in self._notes:
            self._notes.append(note)
        return f"({self._notes.index(note) + 1})"

    @property
    def lines(self) -> list[str]:
        """The notes, as a numbered list."""
        return [f"{number}. {note}" for number, note in enumerate(self._notes, 1)]


def _cells(figure: Figure, record: Record) -> tuple[str, str, str, str]:
    value = "FAILED" if record["value"] is None else amount(record["value"], figure.unit)
    return figure.title, figure.wanted, value, _MET[record["met"]]


def _rounds(record: Record) -> str:
    counts = {len(sample["values"]) for sample in record["samples"].values()}
    return "" if not counts else "once" if counts == {1} else f"{max(counts)} rounds"


def _peer(figure: Figure, results: Record) -> str:
    """Return a figure's peer with its version."""
    package = _PACKAGES.get(figure.peer, figure.peer)
    return f"{package} {results['machine']['versions'].get(package, '')}".strip()
