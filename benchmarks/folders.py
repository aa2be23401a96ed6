"""Folders of small files, up, down, and unchanged, against ``swift`` and ``rclone`` with as many connections."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import peers
from benchmarks.cluster import PLAIN, Wire, tool
from benchmarks.lab import Lab, gives
from benchmarks.measure import Measured
from storlet_shell.embedded.control import Running

SETTINGS = PLAIN
_JOBS = "8"


@gives("upload-swift", "upload-rclone")
def upload(lab: Lab, running: Running) -> Iterator[Measured]:
    """Each time to a new container."""
    with tempfile.TemporaryDirectory(prefix="storlet-bench-") as folder, Wire(running) as wire:
        for number in range(lab.size(1000, 20)):
            Path(folder, f"file-{number:04}").write_bytes(b"x" * 1024)

        def new(name: str) -> str:
            wire.send("PUT", name)
            return name

        lines = {
            "ours": lambda number: [tool("storlet-shell"), "upload", "-j", _JOBS, folder, new(f"up-ours-{number}")],
            "swift": lambda number: [
                *(peers.swift(), "upload", "-q", "--object-threads", _JOBS, "--object-name", "f"),
                *(new(f"up-swift-{number}"), folder),
            ],
            "rclone": lambda number: [
                *(peers.rclone(), "copy", "--transfers", _JOBS, folder),
                f"bench:{new(f'up-rclone-{number}')}",
            ],
        }
        costs = lab.costs(3, lines, running, peers.remote(running), warm=False)
    for peer in ("swift", "rclone"):
        yield costs.beside(f"upload-{peer}", peer, note=costs.server_note)


@gives("download-swift", "download-rclone")
def download(lab: Lab, running: Running) -> Iterator[Measured]:
    """Each time to a new folder."""
    with Wire(running) as wire:
        wire.fill("down", lab.size(1000, 20), 1024)
    with tempfile.TemporaryDirectory(prefix="storlet-bench-") as folder:
        lines = {
            "ours": lambda number: [
                *(tool("storlet-shell"), "download", "-j", _JOBS, "down"),
                f"{folder}/ours-{number}",
            ],
            "swift": lambda number: [
                *(peers.swift(), "download", "-q", "--object-threads", _JOBS, "down"),
                *("-D", f"{folder}/swift-{number}"),
            ],
            "rclone": lambda number: [
                *(peers.rclone(), "copy", "--transfers", _JOBS, "bench:down"),
                f"{folder}/rclone-{number}",
            ],
        }
        costs = lab.costs(3, lines, running, peers.remote(running), warm=False)
    for peer in ("swift", "rclone"):
        yield costs.beside(f"download-{peer}", peer, note=costs.server_note)


@gives("sync-rclone")
def sync(lab: Lab, running: Running) -> Iterator[Measured]:
    """Sync what is the same already; the uncounted first run uploads it."""
    with tempfile.TemporaryDirectory(prefix="storlet-bench-") as folder, Wire(running) as wire:
        for number in range(lab.size(1000, 20)):
            Path(folder, f"file-{number:04}").write_bytes(b"x" * 1024)
        for name in ("sync-ours", "sync-rclone"):
            wire.send("PUT", name)
        lines = {
            "ours": lambda _: [tool("storlet-shell"), "sync", "-j", _JOBS, folder, "path:/sync-ours"],
            "rclone": lambda _: [peers.rclone(), "sync", "--checkers", _JOBS, folder, "bench:sync-rclone"],
        }
        costs = lab.costs(5, lines, running, peers.remote(running))
    yield costs.beside("sync-rclone", "rclone", note=costs.server_note)


MEASUREMENTS = (upload, download, sync)
