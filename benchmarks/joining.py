"""``map --concat`` against ``map --save`` and ``cat``, and its memory."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Iterator

from benchmarks.cluster import PLAIN, Wire, peak_memory, tool
from benchmarks.lab import Lab, gives
from benchmarks.measure import Measured, Sample, ratio
from benchmarks.stand_in import StandIn
from storlet_shell.embedded.control import Running
from storlet_shell.wire import headers as wire_headers

SETTINGS = PLAIN


@gives("concat")
def beside_save(lab: Lab, running: Running) -> Iterator[Measured]:
    """1,000 objects of 10 KiB into one file."""
    with Wire(running) as wire:
        headers = wire.deploy("joining")
        wire.fill("joining", lab.size(1000, 20), 10240)
        wire.send("GET", "joining/object-000000", headers)
    words = [tool("storlet-shell"), "map", "--storlet", headers[wire_headers.RUN_STORLET]]
    words += ["--input", "path:/joining/*"]
    with tempfile.TemporaryDirectory(prefix="storlet-bench-") as folder:
        save = f"{shlex.join([*words, '--save', f'{folder}/files'])} && cat {folder}/files/* > {folder}/all"
        lines = {
            "ours": lambda _: [*words, "--concat", f"{folder}/joined"],
            "map --save": lambda _: ["sh", "-c", save],
        }
        costs = lab.costs(5, lines, running)
    yield costs.beside("concat", "map --save", note=costs.server_note)


@gives("concat-memory")
def memory(lab: Lab, _running: Running) -> Iterator[Measured]:
    """10,000 objects against 100, on a server that does nothing, so that only the client is measured."""
    with tempfile.TemporaryDirectory(prefix="storlet-bench-") as folder, StandIn() as server:
        words = [tool("storlet-shell"), "map", "--storlet", "s.py", "--concat", f"{folder}/joined", "--input"]
        plenty, few = (
            Sample((peak_memory([*words, f"path:/{count}/*"], server.running),), "MiB")
            for count in (lab.size(10_000, 200), lab.size(100, 20))
        )
    yield ratio("concat-memory", plenty, few, peer="100")


MEASUREMENTS = (beside_save, memory)
