"""The client: whole processes against others, 1 GiB down and up, and memory by size."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import peers
from benchmarks.cluster import PLAIN, Wire, login, peak_memory, tool
from benchmarks.lab import Lab, gives
from benchmarks.measure import Measured, Sample, ratio
from storlet_shell.embedded.control import Running

SETTINGS = PLAIN
_MIB = 2**20


@gives("get-process")
def whole_process(lab: Lab, running: Running) -> Iterator[Measured]:
    """``storlet-shell get`` of a small object as a process, against ``swift download``."""
    with Wire(running) as wire:
        wire.send("PUT", "bench")
        wire.send("PUT", "bench/small", body=b"x" * 1024)
    lines = {
        "ours": lambda _: [tool("storlet-shell"), "get", "bench/small"],
        "swift": lambda _: [peers.swift(), "download", "bench", "small", "-o", "-"],
    }
    yield lab.costs(15, lines, running).beside("get-process", "swift")


@gives("get-large-swift", "get-large-rclone", "get-large-curl", "get-large-cpu")
def large_get(lab: Lab, running: Running) -> Iterator[Measured]:
    """1 GiB, discarded."""
    with Wire(running) as wire, tempfile.TemporaryDirectory(prefix="storlet-bench-") as folder:
        wire.send("PUT", "bench")
        file = _file(Path(folder, "large"), lab.size(1024, 8))
        _upload(lab, running, file)
    url = f"{running.storage_url}/bench/large"
    lines = {
        "ours": lambda _: [tool("storlet-shell"), "get", "bench/large"],
        "swift": lambda _: [peers.swift(), "download", "bench", "large", "-o", "-"],
        "rclone": lambda _: [peers.rclone(), "cat", "bench:bench/large"],
        "curl": lambda _: [peers.curl() and "sh", "-c", f"{login(running)}; curl -sf -H X-Auth-Token:$T {url}"],
    }
    costs = lab.costs(3, lines, running, peers.remote(running), warm=False)
    note = costs.server_note
    for peer in ("swift", "rclone", "curl"):
        yield costs.beside(f"get-large-{peer}", peer, note=note)
    yield costs.beside("get-large-cpu", "curl", of="cpu")


def _upload(lab: Lab, running: Running, file: Path) -> None:
    lab.costs(1, {"ours": lambda _: [tool("storlet-shell"), "upload", str(file), "bench/large"]}, running, warm=False)


@gives("put-large-swift", "put-large-curl")
def large_put(lab: Lab, running: Running) -> Iterator[Measured]:
    """1 GiB from a file."""
    with Wire(running) as wire, tempfile.TemporaryDirectory(prefix="storlet-bench-") as folder:
        wire.send("PUT", "bench")
        file = str(_file(Path(folder, "large"), lab.size(1024, 8)))
        url = f"{running.storage_url}/bench/large-curl"
        send = f"curl -sf -H X-Auth-Token:$T -T {file} {url}"
        lines = {
            "ours": lambda _: [tool("storlet-shell"), "upload", file, "bench/large-ours"],
            "swift": lambda _: [peers.swift(), "upload", "bench", file, "--object-name", "large-swift"],
            "curl": lambda _: [peers.curl() and "sh", "-c", f"{login(running)}; {send}"],
        }
        costs = lab.costs(3, lines, running, warm=False)
    note = costs.server_note
    for peer in ("swift", "curl"):
        yield costs.beside(f"put-large-{peer}", peer, note=note)


@gives("memory-get", "memory-put")
def memory(lab: Lab, running: Running) -> Iterator[Measured]:
    """Compare the client's peak memory for a large body with that for a small one."""
    sizes = {"small": 1, "large": lab.size(1024, 8)}
    with Wire(running) as wire, tempfile.TemporaryDirectory(prefix="storlet-bench-") as folder:
        wire.send("PUT", "bench")
        files = {name: _file(Path(folder, name), count) for name, count in sizes.items()}
        put = {
            name: peak_memory([tool("storlet-shell"), "put", str(file), f"bench/memory-{name}"], running)
            for name, file in files.items()
        }
    get = {name: peak_memory([tool("storlet-shell"), "get", f"bench/memory-{name}"], running) for name in sizes}
    for command, peak in (("get", get), ("put", put)):
        yield ratio(f"memory-{command}", _mib(peak["large"]), _mib(peak["small"]), peer="1 MiB")


def _file(path: Path, mebibytes: int) -> Path:
    with path.open("wb") as file:
        file.truncate(mebibytes * _MIB)
    return path


def _mib(value: float) -> Sample:
    return Sample((value,), "MiB")


MEASUREMENTS = (whole_process, large_get, large_put, memory)
