"""Batches: ``map`` beside what users would take in its place, its memory, its listing, its journal."""

from __future__ import annotations

import os
import resource
import shlex
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.cluster import Wire, environment, peak_memory, tool
from benchmarks.measure import Figure, Sample
from benchmarks.stand_in import StandIn
from storlet_shell import headers as wire_headers
from storlet_shell.commands import _batches
from storlet_shell.embedded.control import Running
from storlet_shell.patterns import Pattern

_OBJECTS = 1000
_JOBS = 8
_ROUNDS = 3
_PLENTY = 10_000_000


def figures(running: Running, wire: Wire) -> Iterator[Figure]:
    """Measure all of them."""
    headers = wire.deploy("batch")
    wire.send("PUT", "batch")
    for number in range(_OBJECTS):
        wire.send("PUT", f"batch/{number:04}", body=b"x" * 10240)
    wire.send("GET", "batch/0000", headers)
    yield from beside_others(running, headers[wire_headers.RUN_STORLET])
    with StandIn() as server:
        yield memory(server)
        yield from journal(server)
    yield from listing()


def beside_others(running: Running, storlet: str) -> Iterator[Figure]:
    """1,000 objects of 10 KiB into files, by as many connections each."""
    with tempfile.TemporaryDirectory(prefix="storlet-bench-") as folder:
        saved, header = f"{folder}/files", f"{wire_headers.RUN_STORLET}:{storlet}"
        ours = [tool("storlet-shell"), "map", "--storlet", storlet, "--input", "path:/batch/*", "--save", saved]
        theirs = [tool("swift"), "download", "batch", "-D", saved, "-H", header, "--ignore-checksum"]
        theirs += ["--object-threads", str(_JOBS), "-q"]
        curl = _curl(running, storlet, folder)
        rounds = [
            (_spent([*ours, "-j", str(_JOBS)], running), _spent(theirs, running), _spent(curl, running))
            for _ in range(_ROUNDS)
        ]
    samples = [[Sample(column) for column in zip(*runs, strict=True)] for runs in zip(*rounds, strict=True)]
    (seconds, cpu), (their_seconds, their_cpu), (curl_seconds, _) = samples
    yield Figure(
        "map of 1,000 objects of 10 KiB ÷ swift download, time",
        seconds.median / their_seconds.median,
        0.9,
        True,
        "",
        f"{seconds}, swift download {their_seconds}; -j {_JOBS} each",
    )
    yield Figure("the same, client's CPU seconds", cpu.median / their_cpu.median, 0.7, True, "", f"{cpu}, {their_cpu}")
    yield Figure(
        "the same ÷ xargs -P with curl, time", seconds.median / curl_seconds.median, 1.0, True, "", f"{curl_seconds}"
    )


def _curl(running: Running, storlet: str, folder: str) -> list[str]:
    """Return a line of sh that logs in once and lets curl fetch each object, as a script would."""
    login = f"curl -sD- -o /dev/null -H X-Auth-User:$ST_USER -H X-Auth-Key:$ST_KEY {running.auth_url}"
    token = f"T=$({login} | tr -d '\\r' | sed -n 's/^X-Auth-Token: //Ip')"
    base = f"http://127.0.0.1:{running.port}/v1/AUTH_local/batch"
    get = f"curl -sf -H X-Auth-Token:$T -H {wire_headers.RUN_STORLET}:{storlet} -o {shlex.quote(folder)}/curl-{{}}"
    return ["sh", "-c", f"{token}; curl -sH X-Auth-Token:$T {base} | xargs -P {_JOBS} -I {{}} {get} {base}/{{}}"]


def _spent(words: list[str], running: Running) -> tuple[float, float]:
    """Run a process to its end; return the seconds it took, and those of the processor."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(words, stdout=subprocess.DEVNULL, env=environment(running), check=True)
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def memory(server: StandIn) -> Figure:
    """100,000 objects over 1,000, on a server that does nothing, so that the client is what is measured."""
    peaks = {}
    for count in (1_000, 100_000):
        words = [tool("storlet-shell"), "map", "--storlet", "s.py", "--input", f"path:/{count}/*"]
        peaks[count] = peak_memory(words, server.running)
    few, plenty = (peaks[count] / 1024 for count in (1_000, 100_000))
    note = f"{plenty:.1f} MiB, {few:.1f} MiB; once each"
    return Figure("map's peak memory, 100,000 objects ÷ 1,000", plenty / few, 1.3, True, "", note)


def journal(server: StandIn) -> Iterator[Figure]:
    """5,000 runs with a journal over 5,000 without, on a server that takes 10 ms for each, as a storlet may."""
    words = [tool("storlet-shell"), "map", "--storlet", "s.py", "--input", "path:/5000-slow/*", "-j", str(_JOBS)]
    with tempfile.TemporaryDirectory(prefix="storlet-bench-") as folder:
        rounds = []
        for number in range(_ROUNDS):
            plain, _ = _spent(words, server.running)
            kept, _ = _spent([*words, "--journal", f"{folder}/{number}"], server.running)
            rounds.append((kept, plain))
        size = Path(folder, "0").stat().st_size / 5000
    kept, plain = (Sample(column) for column in zip(*rounds, strict=True))
    note = f"{kept}, without {plain}; {size:.0f} bytes an object"
    yield Figure("the journal's share of a batch of 10 ms runs", kept.median / plain.median - 1, 0.05, True, "", note)


def listing() -> Iterator[Figure]:
    """Ten million names through the real listing and the real pattern, from pages that are made up."""
    names = iter(_batches.Objects(_Pages(_PLENTY), Pattern.parse("path:/c/2026/**/*7.gz")))  # type: ignore[arg-type]
    started = time.perf_counter()
    next(names)
    before = _resident()
    count = 1 + sum(1 for _ in names)
    seconds = time.perf_counter() - started
    grown = (_resident() - before) / 2**20
    note = f"{count} matched of {_PLENTY}, {1e6 * seconds / _PLENTY:.2f} µs a name, {seconds:.0f} s"
    yield Figure("10,000,000 listed names: memory grows by", grown, 32, True, " MiB", note)


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


class _Pages:
    """A session whose client answers listings: pages of 10,000 names as Swift has them."""

    def __init__(self, count: int) -> None:
        self._left = count
        self.client = self

    def send(self, _: object) -> _Pages:
        return self

    transaction_id = ""

    def read(self) -> bytes:
        first, self._left = self._left, max(0, self._left - 10_000)
        return b"[" + b",".join(_ENTRY % (number // 1000, number) for number in range(self._left, first)) + b"]"


_ENTRY = (
    b'{"bytes": 10240, "hash": "d41d8cd98f00b204e9800998ecf8427e", "name": "2026/%05d/%08d.gz", '
    b'"content_type": "application/octet-stream", "last_modified": "2026-01-31T12:00:00.000000"}'
)
