"""``python -m benchmarks.curves [NAME …]``: costs by size, for the plots in ``docs/performance.md``."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks import peers
from benchmarks.cluster import Wire, cluster, login, tool
from benchmarks.lab import Lab
from benchmarks.measure import Sample, Trials
from benchmarks.objects import fill_database
from benchmarks.records import FILE, Records
from benchmarks.stand_in import StandIn
from storlet_shell.embedded.control import Running
from storlet_shell.wire import headers as wire_headers

Point = tuple[str, int, Sample]
"""The tool, the size, and the seconds of each run."""

Words = Sequence[str | Callable[[], str]]
"""A process's command line; its program may have to be found or installed."""

Lines = Mapping[str, Words]

_QUICK = Path("build/bench-quick.json")
_LARGE = 10 * 2**20


def objects(lab: Lab, running: Running) -> Iterator[Point]:
    """List containers of 10³ to 10⁶ objects."""
    for count in (10, 100) if lab.quick else (1_000, 10_000, 100_000, 1_000_000):
        container = f"holds-{count}"
        fill_database(running, container, count)
        pattern = ["map", "--storlet", "any.py", "--input", f"path:/{container}/**/*7.bin", "--dry-run"]
        lines: Lines = {
            "ls": [_ours, "ls", container],
            "map --dry-run of a pattern": [_ours, *pattern],
            "swift list": [peers.swift, "list", container],
            "rclone lsf": [peers.rclone, "lsf", "-R", "--fast-list", "--files-only", f"bench:{container}"],
        }
        yield from _points(count, _trials(lab, running, lines, 1 if count > 100_000 else 3))


def get(lab: Lab, running: Running) -> Iterator[Point]:
    """Download objects of 1 KiB to 1 GiB, and discard them."""
    with tempfile.TemporaryDirectory(prefix="storlet-bench-") as folder, Wire(running) as wire:
        wire.send("PUT", "grows")
        for file, size, rounds in _files(lab, Path(folder)):
            _trials(lab, running, {"upload": [_ours, "upload", str(file), f"grows/{file.name}"]}, 1)
            send = f"curl -sf -H X-Auth-Token:$T {running.storage_url}/grows/{file.name}"
            lines: Lines = {
                "get": [_ours, "get", f"grows/{file.name}"],
                "swift download": [peers.swift, "download", "grows", file.name, "-o", "-"],
                "rclone cat": [peers.rclone, "cat", f"bench:grows/{file.name}"],
                "curl": [_sh_with_curl, "-c", f"{login(running)}; {send}"],
            }
            yield from _points(size, _trials(lab, running, lines, rounds))


def put(lab: Lab, running: Running) -> Iterator[Point]:
    """Upload files of 1 KiB to 1 GiB, overwriting the same object each time."""
    with tempfile.TemporaryDirectory(prefix="storlet-bench-") as folder, Wire(running) as wire:
        wire.send("PUT", "grows")
        for file, size, rounds in _files(lab, Path(folder)):
            send = f"curl -sf -H X-Auth-Token:$T -T {file} {running.storage_url}/grows/by-curl"
            lines: Lines = {
                "upload": [_ours, "upload", str(file), "grows/ours"],
                "swift upload": [peers.swift, "upload", "grows", str(file), "--object-name", "by-swift"],
                "rclone copyto": [peers.rclone, "copyto", "--ignore-times", str(file), "bench:grows/by-rclone"],
                "curl -T": [_sh_with_curl, "-c", f"{login(running)}; {send}"],
            }
            yield from _points(size, _trials(lab, running, lines, rounds))


def jobs(lab: Lab, running: Running) -> Iterator[Point]:
    """Run a batch of 500 objects of 10 KiB with 1 to 64 connections, also on a server that only waits."""
    count = lab.size(500, 20)
    with tempfile.TemporaryDirectory(prefix="storlet-bench-") as folder, Wire(running) as wire, StandIn() as server:
        headers = wire.deploy("jobs")
        storlet = headers[wire_headers.RUN_STORLET]
        wire.fill("jobs", count, 10240)
        wire.send("GET", "jobs/object-000000", headers)
        header = f"{wire_headers.RUN_STORLET}:{storlet}"
        batch: Words = [_ours, "map", "--storlet", storlet]
        for width in (1, 8) if lab.quick else (1, 2, 4, 8, 16, 32, 64):
            lines: Lines = {
                "map": [*batch, "--input", "path:/jobs/*", "--save", f"{folder}/files", "-j", str(width)],
                "swift download": [
                    *(peers.swift, "download", "jobs", "-D", f"{folder}/files", "-H", header, "-q"),
                    *("--ignore-checksum", "--object-threads", str(width)),
                ],
            }
            yield from _points(width, _trials(lab, running, lines, 2))
            waiting: Lines = {"map, storlets of 10 ms": [*batch, "--input", f"path:/{count}-slow/*", "-j", str(width)]}
            yield from _points(width, _trials(lab, server.running, waiting, 2))


CURVES: Mapping[str, Callable[[Lab, Running], Iterator[Point]]] = {
    "objects": objects,
    "get": get,
    "put": put,
    "jobs": jobs,
}


def _files(lab: Lab, folder: Path) -> Iterator[tuple[Path, int, int]]:
    """Yield files of growing size, with their sizes and the number of measurements."""
    for power in (10, 15) if lab.quick else (10, 15, 20, 25, 30):
        file = Path(folder, f"of-{power}")
        with file.open("wb") as opened:
            opened.truncate(2**power)
        yield file, 2**power, 2 if 2**power > _LARGE else 5
        file.unlink()


def _ours() -> str:
    return tool("storlet-shell")


def _sh_with_curl() -> str:
    peers.curl()
    return "sh"


def _trials(lab: Lab, running: Running, lines: Lines, rounds: int) -> Trials:
    runs = {name: _always(words) for name, words in lines.items()}
    return lab.costs(rounds, runs, running, peers.remote(running), warm=False)


def _always(words: Words) -> Callable[[int], list[str]]:
    return lambda _: [word if isinstance(word, str) else word() for word in words]


def _points(at: int, trials: Trials) -> Iterator[Point]:
    for name, reason in trials.failures.items():
        print(f"… {name} at {at}: {reason}", file=sys.stderr, flush=True)
    for name, costs in trials.items():
        yield name, at, costs.seconds


def main() -> None:
    """Measure the requested curves, and store results as they come."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.curves", description=__doc__)
    parser.add_argument("name", nargs="*", help=f"what to measure; all by default: {', '.join(CURVES)}")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: tries the benchmark itself")
    parser.add_argument("--results", type=Path, metavar="FILE", help=f"{FILE.name}; with --quick {_QUICK}")
    arguments = parser.parse_args()
    if unknown := set(arguments.name) - set(CURVES):
        parser.error(f"no such curve: {', '.join(sorted(unknown))}; there are {', '.join(CURVES)}")
    lab, records = Lab(quick=arguments.quick), Records(arguments.results or (_QUICK if arguments.quick else FILE))
    for name in arguments.name or CURVES:
        records.begin_curve(name, lab)
        with cluster() as running:
            for tool, at, sample in CURVES[name](lab, running):
                print(f"… {name}: {tool} at {at}: {sample}", file=sys.stderr, flush=True)
                records.add_point(name, tool, at, sample)


if __name__ == "__main__":
    main()
