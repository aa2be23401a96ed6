"""``results.json``: results by module, with every sample and the machine, and the curves of plots."""

from __future__ import annotations

import json
import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.figures import FIGURES, Figure
from benchmarks.lab import Lab
from benchmarks.measure import Measured, Sample

FILE = Path(__file__).resolve().parent / "results.json"

Record = dict[str, Any]
"""A JSON object."""


class Records:
    """The file; new results replace old ones module by module, and are stored at once.

    :param path: the file, which may not exist yet
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        stored = json.loads(path.read_text()) if path.exists() else {}
        self.modules: dict[str, Record] = stored.get("modules", {})
        self.curves: dict[str, Record] = stored.get("curves", {})

    def begin(self, module: str, lab: Lab) -> None:
        """Discard a module's last results, and record the current machine."""
        self.modules[module] = {**_conditions(lab), "figures": {}}

    def add(self, module: str, measured: Measured) -> None:
        """Add one figure."""
        figure = FIGURES[module][measured.name]
        self.modules[module]["figures"][measured.name] = _record(figure, measured)
        self._save()

    def end(self, module: str, lab: Lab, seconds: float) -> None:
        """Record how long a module took, and how steady the machine was meanwhile."""
        lab.calibrate()
        self.modules[module] |= {"seconds": round(seconds), "noise": _sample(Sample(tuple(lab.noise)))}
        lab.noise.clear()
        self._save()

    def begin_curve(self, name: str, lab: Lab) -> None:
        """Discard a plot's last curves."""
        self.curves[name] = {**_conditions(lab), "points": []}

    def add_point(self, name: str, tool: str, at: int, sample: Sample) -> None:
        """Add a point to one of a plot's curves."""
        self.curves[name]["points"].append({"who": tool, "at": at, **_sample(sample)})
        self._save()

    def _save(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        # With each list of numbers on one line, so that diffs are readable.
        text = json.dumps({"modules": self.modules, "curves": self.curves}, indent=1, ensure_ascii=False)
        fresh.write_text(re.sub(r"\[[-+\s\d.e,]*\]", lambda match: " ".join(match[0].split()), text) + "\n")
        fresh.replace(self._path)


def _conditions(lab: Lab) -> Record:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {"measured": now, "quick": lab.quick, "machine": machine()}


def machine() -> Record:
    """Return a description of the machine and the software."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "?")
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "load": round(os.getloadavg()[0], 2),
        "versions": peers.versions(),
    }


def _record(figure: Figure, measured: Measured) -> Record:
    value = measured.value
    return {
        "what": figure.title,
        "value": None if value is None else float(f"{value:.4g}"),
        "unit": figure.unit,
        "target": figure.wanted,
        "met": None if value is None else figure.is_met(value),
        "failure": measured.failure,
        "note": measured.note,
        "samples": {name: _sample(sample) for name, sample in measured.samples.items()},
    }


def _sample(sample: Sample) -> Record:
    return {"unit": sample.unit, "values": [float(f"{value:.5g}") for value in sample.values]}


def sample_of(record: Record) -> Sample:
    """Return a stored sample."""
    return Sample(tuple(record["values"]), record["unit"])
