"""``select`` against a download of everything and DuckDB: over a link of 100 Mbit/s, and on loopback."""

from __future__ import annotations

import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator

from benchmarks.cluster import HOST, PLAIN, Wire, run, tool
from benchmarks.lab import Lab, gives
from benchmarks.link import Link
from benchmarks.measure import Measured, Sample, ratio
from storlet_shell.embedded.control import Running

SETTINGS = PLAIN
_RATE = 100e6 / 8
_BYTES = 1_000_000
_WHERE = "WHERE degrees > 98.995"
"""One row of a hundred."""

_DUCKDB = f"""
import sys
import duckdb
relation = duckdb.sql(f"SELECT place, degrees FROM read_csv('{{sys.argv[1]}}/*') {_WHERE}")
relation.write_csv(sys.argv[2])
"""


@gives("select-link", "select-bytes")
def over_a_link(lab: Lab, running: Running) -> Iterator[Measured]:
    """Select 1 % of 200 objects of 1 MB, through a relay as slow as a link of 100 Mbit/s."""
    _fill(lab, running)
    with tempfile.TemporaryDirectory(prefix="storlet-bench-") as folder, Link(running.port, _RATE) as link:
        lines, received = _lines(folder), {}
        environ = {"ST_AUTH": f"http://{HOST}:{link.port}/auth/v1.0"}
        for name, words in lines.items():
            before = link.received
            run(words, running, environ=environ)
            received[name] = Sample((link.received - before,), "")
        costs = lab.costs(3, {name: _constant(words) for name, words in lines.items()}, running, environ, warm=False)
    yield costs.beside("select-link", "download, DuckDB", note=costs.server_note)
    yield ratio("select-bytes", received["ours"], received["download, DuckDB"], peer="download, DuckDB")


@gives("select-loopback")
def on_loopback(lab: Lab, running: Running) -> Iterator[Measured]:
    """Measure the same without a relay."""
    _fill(lab, running)
    with tempfile.TemporaryDirectory(prefix="storlet-bench-") as folder:
        lines = {name: _constant(words) for name, words in _lines(folder).items()}
        costs = lab.costs(3, lines, running)
    yield costs.beside("select-loopback", "download, DuckDB", note=costs.server_note)


def _fill(lab: Lab, running: Running) -> None:
    rows = "".join(
        f"place-{number % 997},2026-11-{number % 28 + 1:02},{number * 7919 % 10_000 / 100},s{number:07}\n"
        for number in range(_BYTES // 36)
    )
    content = f"place,day,degrees,station\n{rows}".encode()[:_BYTES].rpartition(b"\n")[0] + b"\n"
    with Wire(running) as wire:
        wire.send("PUT", "queries")
        for number in range(lab.size(200, 4)):
            wire.send("PUT", f"queries/{number:03}.csv", body=content)
    run([tool("storlet-shell"), "deploy", "std:select"], running)


def _lines(folder: str) -> dict[str, list[str]]:
    select = ["select", f"SELECT place, degrees FROM o {_WHERE}", "queries/*.csv", "--save", f"{folder}/ours.csv"]
    download = shlex.join([tool("storlet-shell"), "download", "queries", f"{folder}/all"])
    query = shlex.join([sys.executable, "-c", _DUCKDB, f"{folder}/all", f"{folder}/theirs.csv"])
    return {
        "ours": [tool("storlet-shell"), *select],
        "download, DuckDB": ["sh", "-c", f"rm -rf {folder}/all && {download} && {query}"],
    }


def _constant(words: list[str]) -> Callable[[int], list[str]]:
    return lambda _: words


MEASUREMENTS = (over_a_link, on_loopback)
