"""The object store: long listings, and deletions of many objects, against ``swift`` and ``rclone``."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

from benchmarks import peers
from benchmarks.cluster import PLAIN, Wire, environment, peak_memory, tool
from benchmarks.lab import Lab, gives
from benchmarks.measure import Measured, Sample, ratio
from benchmarks.replay import Replay
from storlet_shell.embedded.control import Running

SETTINGS = PLAIN
_ROWS = """
import sys
from pathlib import Path
from swift.common.utils import Timestamp
from swift.container.backend import ContainerBroker

folder, container, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
for path in folder.glob("devices/disk/containers/*/*/*/*.db"):
    broker = ContainerBroker(str(path))
    if broker.get_info()["container"] == container:
        break
row = {"created_at": Timestamp.now().internal, "size": 1024, "content_type": "application/octet-stream",
       "etag": "d41d8cd98f00b204e9800998ecf8427e", "deleted": 0, "storage_policy_index": 0,
       "ctype_timestamp": None, "meta_timestamp": None}
names = [f"folder-{number % 100:02}/object-{number:06}.bin" for number in range(count)]
for at in range(0, count, 10000):
    broker.merge_items([{**row, "name": name} for name in names[at : at + 10000]])
"""
"""Fills a container's own database with Swift's own broker: uploading that many objects would take minutes."""


@gives("ls-replayed", "ls", "ls-rclone", "ls-memory")
def listing(lab: Lab, running: Running) -> Iterator[Measured]:
    """``ls`` of 100,000 objects as a process: its time against others', its memory against 10,000, a full page.

    All clients wait most of the time for the embedded Swift's only server process. What a client adds shows when the
    answers are immediate.
    """
    fill_database(running, "few", lab.size(10_000, 100))
    fill_database(running, "many", lab.size(100_000, 1_000))
    lines = {
        "ours": lambda _: [tool("storlet-shell"), "ls", "many"],
        "swift": lambda _: [peers.swift(), "list", "many"],
    }
    with Replay(running.port) as replay:
        yield lab.costs(5, lines, replace(running, port=replay.port)).beside("ls-replayed", "swift")
    peak = {name: peak_memory([tool("storlet-shell"), "ls", name], running) for name in ("few", "many")}
    yield ratio("ls-memory", Sample((peak["many"],), "MiB"), Sample((peak["few"],), "MiB"), peer="10,000")
    costs = lab.costs(3, lines, running)
    yield costs.beside("ls", "swift", note=costs.server_note)
    lines = {
        "ours": lines["ours"],
        "rclone": lambda _: [peers.rclone(), "lsf", "-R", "--fast-list", "--files-only", "bench:many"],
    }
    costs = lab.costs(2, lines, running, peers.remote(running), warm=False)
    yield costs.beside("ls-rclone", "rclone", note=costs.server_note)


def fill_database(running: Running, container: str, count: int) -> None:
    """Create a container that lists this many objects, none of which exist."""
    with Wire(running) as wire:
        wire.send("PUT", container)
    words = [sys.executable, "-c", _ROWS, str(running.folder), container, str(count)]
    subprocess.run(words, env=environment(), check=True)


@gives("rm", "rm-rclone")
def deletion(lab: Lab, running: Running) -> Iterator[Measured]:
    """``rm -r`` of a container with 1,000 objects as a process, each time a new container.

    A container that was emptied before would take longer.
    """
    with Wire(running) as wire:

        def doomed(name: str) -> str:
            wire.fill(name, lab.size(1_000, 20), 1)
            return name

        lines = {
            "ours": lambda number: [tool("storlet-shell"), "rm", "-r", "-y", doomed(f"ours-{number}")],
            "swift": lambda number: [peers.swift(), "delete", doomed(f"swift-{number}")],
            "rclone": lambda number: [peers.rclone(), "purge", f"bench:{doomed(f'rclone-{number}')}"],
        }
        costs = lab.costs(4, lines, running, peers.remote(running), warm=False)
    yield costs.beside("rm", "swift", note=costs.server_note)
    yield costs.beside("rm-rclone", "rclone", note=costs.server_note)


MEASUREMENTS = (listing, deletion)
