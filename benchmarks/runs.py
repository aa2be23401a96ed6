"""Run the modules' measurements one after the other; one that fails is recorded and doesn't stop the others."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from benchmarks import (
    alone,
    batch,
    client,
    endpoints,
    engine,
    folders,
    functions,
    idle,
    java,
    joining,
    keystone,
    notebook,
    objects,
    queries,
    shelf,
    terminal,
)
from benchmarks.cluster import cluster
from benchmarks.figures import FIGURES
from benchmarks.lab import Lab
from benchmarks.measure import Measured, amount
from benchmarks.records import Records

MODULES: Mapping[str, Any] = {
    "engine": engine,
    "java": java,
    "client": client,
    "functions": functions,
    "shelf": shelf,
    "queries": queries,
    "notebook": notebook,
    "terminal": terminal,
    "objects": objects,
    "folders": folders,
    "batch": batch,
    "joining": joining,
    "alone": alone,
    "keystone": keystone,
    "endpoints": endpoints,
    "idle": idle,
}
"""The functions that measure the figures in :mod:`.figures`, by the same names."""

Measurement = Callable[[Lab, Any], Iterable[Measured]]
"""Yields the figures declared with :func:`.lab.gives`, measured on a given server."""


def measure(name: str, lab: Lab, records: Records, idling: idle.Idling | None) -> None:
    """Measure one module's figures on a server of its own, and store each."""
    started = time.perf_counter()
    records.begin(name, lab)
    lab.calibrate()
    module = MODULES[name]
    place = nullcontext(idling) if module is idle else cluster(module.SETTINGS)
    for measured in figures(FIGURES[name], module.MEASUREMENTS, lab, place):
        records.add(name, measured)
        value = "failed" if measured.value is None else amount(measured.value, FIGURES[name][measured.name].unit)
        print(f"… {FIGURES[name][measured.name].title}: {value}", file=sys.stderr, flush=True)
    records.end(name, lab, time.perf_counter() - started)


def figures(
    names: Iterable[str], measurements: Iterable[Measurement], lab: Lab, place: AbstractContextManager[object]
) -> Iterator[Measured]:
    """Yield all figures of a module.

    :param names: the requested figures; missing ones are yielded as failed at the end
    :param place: starts the server
    """
    missing = list(names)
    try:
        with place as server:
            for measurement in measurements:
                for measured in _attempt(measurement, lab, server):
                    missing.remove(measured.name)
                    yield measured
        if missing:
            raise RuntimeError("nothing measures it")
    except Exception as error:
        yield from _failed(missing, error)


def _attempt(measurement: Any, lab: Lab, server: object) -> Iterator[Measured]:
    missing = list(measurement.gives)
    try:
        for measured in measurement(lab, server):
            missing.remove(measured.name)
            yield measured
        if missing:
            raise RuntimeError(f"{measurement.__name__} did not measure it")
    except Exception as error:
        yield from _failed(missing, error)


def _failed(names: Iterable[str], error: Exception) -> Iterator[Measured]:
    traceback.print_exception(error, file=sys.stderr)
    for name in names:
        yield Measured(name, None, failure=f"{type(error).__name__}: {error}".strip().splitlines()[0][:300])
