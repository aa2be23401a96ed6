"""A batch and ``swift download`` on a server that answers immediately: the clients' own costs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

from benchmarks import peers
from benchmarks.cluster import PLAIN, tool
from benchmarks.lab import Lab, gives
from benchmarks.measure import Measured
from benchmarks.stand_in import StandIn
from storlet_shell.embedded.control import Running
from storlet_shell.wire import headers as wire_headers

SETTINGS = PLAIN
_JOBS = 8


@gives("map-alone")
def batch(lab: Lab, _running: Running) -> Iterator[Measured]:
    """1,000 objects of 1 KiB to files, with the same number of connections."""
    with tempfile.TemporaryDirectory(prefix="storlet-bench-") as folder, StandIn() as server:
        count, header = str(lab.size(1000, 20)), f"{wire_headers.RUN_STORLET}:s.py"
        words = {
            "ours": [
                tool("storlet-shell"),
                "map",
                "--storlet",
                "s.py",
                "--input",
                f"path:/{count}/*",
                "--save",
                folder,
            ],
            "swift": [peers.swift(), "download", count, "-D", folder, "-H", header, "--ignore-checksum", "-q"],
        }
        threads = {"ours": "-j", "swift": "--object-threads"}
        lines = {name: lambda _, name=name: [*words[name], threads[name], str(_JOBS)] for name in words}
        costs = lab.costs(7, lines, server.running)
    yield costs.beside("map-alone", "swift", note=f"-j {_JOBS} each")


MEASUREMENTS = (batch,)
