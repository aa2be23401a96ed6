"""The storlet behind select, as it is deployed: its time against csv's own, and its memory."""

from __future__ import annotations

import csv
import importlib.util
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks.cluster import PLAIN, peak_memory
from benchmarks.lab import Lab, gives
from benchmarks.measure import Measured, Sample, ratio
from storlet_shell import shelf
from storlet_shell.embedded.control import Running
from storlet_shell.storlets.functions.generate import generate
from storlet_shell.storlets.functions.local import find_function
from storlet_shell.storlets.source import StorletSource

SETTINGS = PLAIN
_PLACES = 12
_ROWS = 1_000_000
_PLAN = json.dumps(
    {
        "v": 1,
        "columns": ["place", "degrees"],
        "where": [">", ["col", 1], ["lit", 10]],
        "groups": {"keys": [["col", 0]], "aggregates": [["count", None], ["avg", ["col", 1]]]},
    }
)
_PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
import select_storlet
with open(sys.argv[2], "rb") as file:
    for line in select_storlet.select([file], sys.argv[3]):
        pass
"""


@gives("select-integers", "select-floats")
def times(lab: Lab, _running: Running) -> Iterator[Measured]:
    """Filter and group a table of 40 MB, and read it by csv alone."""
    columns: dict[str, Callable[[int], str]] = {
        "select-integers": lambda number: str(number * 7919 % 6000 - 2000),
        "select-floats": lambda number: f"{(number * 7919 % 6_000_000) / 100_000 - 20:.5f}",
    }
    with tempfile.TemporaryDirectory(prefix="storlet-bench-") as folder:
        storlet = _storlet(Path(folder))
        for name, degrees in columns.items():
            table = Path(folder) / "table.csv"
            _write_table(table, lab.size(_ROWS, 1000), degrees)
            seconds = lab.in_turns(7, ours=lambda: _select(storlet, table), csv=lambda: _read(table))  # noqa: B023
            yield ratio(name, seconds["ours"], seconds["csv"], f"{table.stat().st_size / 1e6:.0f} MB", peer="csv")


@gives("select-memory")
def memory(lab: Lab, running: Running) -> Iterator[Measured]:
    """Run it over ten times as much."""
    with tempfile.TemporaryDirectory(prefix="storlet-bench-") as folder:
        _storlet(Path(folder))
        peaks = []
        for rows in (_ROWS, 10 * _ROWS):
            table = Path(folder) / "table.csv"
            _write_table(
                table, lab.size(rows, rows // 1000), lambda number: f"{number * 7919 % 6_000_000 / 100_000:.5f}"
            )
            words = [sys.executable, "-c", _PROGRAM, folder, str(table), _PLAN]
            peaks.append(Sample((peak_memory(words, running),), "MiB"))
    yield ratio("select-memory", peaks[1], peaks[0], peer="40 MB")


def _storlet(folder: Path) -> ModuleType:
    """Return the module that is deployed, from a file in a folder."""
    collection = find_function(StorletSource.parse(shelf.source("select").encode(), "select.py"), "select")
    if collection is None:
        raise RuntimeError("select: no function")
    path = folder / "select_storlet.py"
    path.write_bytes(generate(collection))
    spec: Any = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _select(storlet: ModuleType, table: Path) -> None:
    with table.open("rb") as file:
        *groups, _end = storlet.select([file], _PLAN)
    if not 0 < len(groups) <= _PLACES:
        raise RuntimeError(f"select: {len(groups)} groups")


def _read(table: Path) -> None:
    with table.open(encoding="utf-8", newline="") as file:
        for _ in csv.reader(file):
            pass


def _write_table(path: Path, count: int, degrees: Callable[[int], str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("place,day,degrees,station\n")
        for number in range(count):
            day = f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}"
            file.write(f"place-{number % _PLACES},{day},{degrees(number)},s{number:07}\n")


MEASUREMENTS = (times, memory)
