"""Batches: ``map`` against its alternatives, its memory, its listing, its journal."""

from __future__ import annotations

import os
import shlex
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from benchmarks import peers
from benchmarks.cluster import PLAIN, Wire, login, peak_memory, tool
from benchmarks.lab import Lab, gives
from benchmarks.measure import Measured, Sample, ratio
from benchmarks.stand_in import StandIn
from storlet_shell.batches.objects import Objects
from storlet_shell.embedded.control import Running
from storlet_shell.patterns import Pattern
from storlet_shell.wire import headers as wire_headers

SETTINGS = PLAIN
_JOBS = 8


@gives("map", "map-cpu", "map-curl")
def beside_others(lab: Lab, running: Running) -> Iterator[Measured]:
    """1,000 objects of 10 KiB to files, with the same number of connections."""
    with Wire(running) as wire:
        headers = wire.deploy("batch")
        wire.fill("batch", lab.size(1000, 20), 10240)
        wire.send("GET", "batch/object-000000", headers)
    storlet = headers[wire_headers.RUN_STORLET]
    with tempfile.TemporaryDirectory(prefix="storlet-bench-") as folder:
        saved, header = f"{folder}/files", f"{wire_headers.RUN_STORLET}:{storlet}"
        lines = {
            "ours": lambda _: [
                *(tool("storlet-shell"), "map", "--storlet", storlet, "--input", "path:/batch/*"),
                *("--save", saved, "-j", str(_JOBS)),
            ],
            "swift": lambda _: [
                *(peers.swift(), "download", "batch", "-D", saved, "-H", header, "--ignore-checksum"),
                *("--object-threads", str(_JOBS), "-q"),
            ],
            "curl": lambda _: [peers.curl() and "sh", "-c", _curl(running, storlet, folder)],
        }
        costs = lab.costs(5, lines, running)
    yield costs.beside("map", "swift", note=f"-j {_JOBS} each; {costs.server_note}")
    yield costs.beside("map-cpu", "swift", of="cpu")
    yield costs.beside("map-curl", "curl")


def _curl(running: Running, storlet: str, folder: str) -> str:
    """Return a line of sh that logs in once and reads each object with curl, as a script would."""
    base = f"{running.storage_url}/batch"
    get = f"curl -sf -H X-Auth-Token:$T -H {wire_headers.RUN_STORLET}:{storlet} -o {shlex.quote(folder)}/curl-{{}}"
    return f"{login(running)}; curl -sH X-Auth-Token:$T {base} | xargs -P {_JOBS} -I {{}} {get} {base}/{{}}"


@gives("map-memory")
def memory(lab: Lab, _running: Running) -> Iterator[Measured]:
    """100,000 objects against 1,000, on a server that does nothing, so that only the client is measured."""
    with StandIn() as server:
        words = [tool("storlet-shell"), "map", "--storlet", "s.py", "--input"]
        plenty, few = (
            Sample((peak_memory([*words, f"path:/{count}/*"], server.running),), "MiB")
            for count in (lab.size(100_000, 200), lab.size(1_000, 20))
        )
    yield ratio("map-memory", plenty, few, peer="1,000")


@gives("journal")
def journal(lab: Lab, _running: Running) -> Iterator[Measured]:
    """5,000 runs with a journal against 5,000 without, on a server that takes 10 ms for each, like a storlet."""
    count = lab.size(5000, 100)
    words = [tool("storlet-shell"), "map", "--storlet", "s.py", "--input", f"path:/{count}-slow/*", "-j", str(_JOBS)]
    with tempfile.TemporaryDirectory(prefix="storlet-bench-") as folder, StandIn() as server:
        lines = {
            "ours": lambda number: [*words, "--journal", f"{folder}/{number}"],
            "plain": lambda _: words,
        }
        costs = lab.costs(5, lines, server.running, warm=False)
        size = Path(folder, "1").stat().st_size / count
    journaled, plain = costs["ours"].seconds, costs["plain"].seconds
    samples = {"with": journaled, "without": plain}
    yield Measured("journal", journaled.median / plain.median - 1, samples, f"{size:.0f} bytes an object")


@gives("names")
def listing(lab: Lab, _running: Running) -> Iterator[Measured]:
    """Ten million names through the real listing and the real pattern, from synthetic pages."""
    plenty = lab.size(10_000_000, 100_000)
    names = iter(Objects(_Pages(plenty), Pattern.parse("path:/c/2026/**/*7.gz")))  # type: ignore[arg-type]
    started = time.perf_counter()
    next(names)
    before = _resident()
    count = 1 + sum(1 for _ in names)
    seconds = time.perf_counter() - started
    grown = (_resident() - before) / 2**20
    note = f"{count} matched of {plenty}, {1e6 * seconds / plenty:.2f} µs a name, {seconds:.0f} s"
    yield Measured("names", grown, note=note)


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


class _Pages:
    """A client that returns listings in pages of 10,000 names, in Swift's format."""

    def __init__(self, count: int) -> None:
        self._remaining = count

    def another(self) -> _Pages:
        """Return itself: pages need no connection."""
        return self

    def send(self, _: object) -> _Pages:
        """Return itself as the reply to any request."""
        return self

    def close(self) -> None:
        """Do nothing."""

    transaction_id = ""
    headers: Mapping[str, str] = MappingProxyType({})  # without the container's count

    def read(self) -> bytes:
        """Return the next page as JSON; an empty list after the last name."""
        first, self._remaining = self._remaining, max(0, self._remaining - 10_000)
        return b"[" + b",".join(_ENTRY % (number // 1000, number) for number in range(self._remaining, first)) + b"]"


_ENTRY = (
    b'{"bytes": 10240, "hash": "d41d8cd98f00b204e9800998ecf8427e", "name": "2026/%05d/%08d.gz", '
    b'"content_type": "application/octet-stream", "last_modified": "2026-01-31T12:00:00.000000"}'
)


MEASUREMENTS = (beside_others, memory, journal, listing)
