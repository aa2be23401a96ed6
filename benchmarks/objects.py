"""The object store's figures: long listings, and many objects deleted, beside python-swiftclient."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from benchmarks.cluster import Wire, environment, peak_memory, run, tool
from benchmarks.measure import Figure, Sample, in_turns, timed
from benchmarks.replay import Replay
from storlet_shell.embedded.control import Running

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
"""Fills a container's own database, by Swift's own broker: uploading as many objects would take minutes."""

_DOOMED = 1_000
_ROUNDS = 5


def figures(running: Running, wire: Wire) -> Iterator[Figure]:
    """Measure both."""
    yield from listing(running, wire)
    yield deletion(running, wire)


def listing(running: Running, wire: Wire) -> Iterator[Figure]:
    """``ls`` of 100,000 objects as a process: its time over ``swift list``, its memory over that for 1,000.

    Most of the time both wait for the one process in which all servers of the embedded Swift are. What a client adds to
    that is seen when the answers are there at once.
    """
    for name, count in (("few", 1_000), ("many", 100_000)):
        wire.send("PUT", name)
        words = [sys.executable, "-c", _ROWS, str(running.folder), name, str(count)]
        subprocess.run(words, env=environment(), check=True)
    with Replay(running.port) as replay:
        yield _listed("ls of 100,000 objects ÷ swift list, answers at once", 5, replace(running, port=replay.port))
    yield _listed("ls of 100,000 objects ÷ swift list", 2, running)
    peak = {name: peak_memory([tool("storlet-shell"), "ls", name], running) for name in ("few", "many")}
    note = f"{peak['many'] / 1024:.1f} MiB, {peak['few'] / 1024:.1f} MiB; once each"
    yield Figure("peak memory, ls of 100,000 ÷ 1,000", peak["many"] / peak["few"], 1.2, True, "", note)


def _listed(what: str, count: int, running: Running) -> Figure:
    ours, theirs = in_turns(
        count,
        lambda: run([tool("storlet-shell"), "ls", "many"], running),
        lambda: run([tool("swift"), "list", "many"], running),
    )
    return Figure(what, ours.median / theirs.median, 0.8, True, "", f"{ours}, swift list {theirs}")


def deletion(running: Running, wire: Wire) -> Figure:
    """``rm -r`` of a container with 1,000 objects as a process over ``swift delete`` of another."""
    lines = {
        "ours": [tool("storlet-shell"), "rm", "-r", "-y"],
        "theirs": [tool("swift"), "delete"],
    }
    seconds: dict[str, list[float]] = {name: [] for name in lines}
    objects = _archive(_DOOMED)
    for number in range(_ROUNDS):
        for name, words in lines.items():
            container = f"doomed-{name}-{number}"  # a container that was emptied before would take longer
            wire.send("PUT", f"{container}?extract-archive=tar", body=objects)
            seconds[name].append(timed(partial(run, [*words, container], running)))
    ours, theirs = (Sample(tuple(seconds[name])) for name in lines)
    note = f"{ours}, swift delete {theirs}"
    return Figure("rm -r of 1,000 objects ÷ swift delete", ours.median / theirs.median, 1.0, True, "", note)


def _archive(count: int) -> bytes:
    """Return small objects as an archive that the server makes them from."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for number in range(count):
            member = tarfile.TarInfo(f"object-{number:06}")
            member.size = 1
            tar.addfile(member, io.BytesIO(b"x"))
    return archive.getvalue()
