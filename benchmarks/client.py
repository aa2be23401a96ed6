"""The client's figures: memory over size, and a whole process beside python-swiftclient's."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.cluster import Wire, peak_memory, run, tool
from benchmarks.measure import Figure, in_turns
from storlet_shell.embedded.control import Running

_MIB = 2**20


def memory(running: Running) -> Iterator[Figure]:
    """Measure the client's peak memory for a large body over that for a small one."""
    with tempfile.TemporaryDirectory(prefix="storlet-bench-") as folder:
        files = {}
        for name, count in (("small", 1), ("large", 1024)):
            files[name] = Path(folder, name)
            with files[name].open("wb") as file:
                file.truncate(count * _MIB)
        put = {
            name: peak_memory([tool("storlet-shell"), "put", str(file), f"bench/memory-{name}"], running)
            for name, file in files.items()
        }
    get = {name: peak_memory([tool("storlet-shell"), "get", f"bench/memory-{name}"], running) for name in files}
    for what, peak in (("get", get), ("put", put)):
        note = f"{peak['large'] / 1024:.1f} MiB, {peak['small'] / 1024:.1f} MiB; once each"
        ratio = peak["large"] / peak["small"]
        yield Figure(f"client's peak memory, {what} of 1 GiB ÷ 1 MiB", ratio, 1.2, True, "", note)


def whole_process(running: Running, wire: Wire) -> Iterator[Figure]:
    """``storlet-shell get`` as a process over ``swift download`` of the same object."""
    wire.send("PUT", "bench/small", body=b"x" * 1024)
    ours, theirs = in_turns(
        15,
        lambda: run([tool("storlet-shell"), "get", "bench/small"], running),
        lambda: run([tool("swift"), "download", "bench", "small", "-o", "-"], running),
    )
    note = f"{ours}, swift download {theirs}"
    yield Figure("storlet-shell get ÷ swift download", ours.median / theirs.median, 1.0, True, "", note)
