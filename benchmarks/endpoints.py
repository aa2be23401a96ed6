"""Schedulers: three proxies, of which one is slowed down, with a scheduler that notices and with one that does not."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.cluster import Wire, run, tool
from benchmarks.measure import Figure, in_turns
from storlet_shell import headers as wire_headers
from storlet_shell.embedded import control

_OBJECTS = 300
_ROUNDS = 3
_STOPPED, _GOING = 0.09, 0.01


def figures() -> Iterator[Figure]:
    """Measure on a cluster of its own."""
    settings = control.Settings(ephemeral=True, proxies=3)
    with control.join_or_start(control.data_folder(), settings) as lease, Wire(lease.running) as wire:
        storlet = wire.deploy("many")
        wire.send("PUT", "many")
        for number in range(_OBJECTS):
            wire.send("PUT", f"many/{number:04}", body=b"x" * 10240)
        with _slowed(_a_proxy(lease.running)):
            yield one_slow_proxy(lease.running, storlet[wire_headers.RUN_STORLET])


def one_slow_proxy(running: control.Running, storlet: str) -> Figure:
    """Run the same batch with both schedulers."""
    words = [tool("storlet-shell"), "map", "--storlet", storlet, "--input", "path:/many/*", "-j", "8"]
    for url in running.storage_urls:
        words += ["--endpoint", url]
    noticing, turning = in_turns(
        _ROUNDS,
        lambda: run([*words, "--scheduler", "least-outstanding"], running),
        lambda: run([*words, "--scheduler", "round-robin"], running),
    )
    return Figure(
        f"map of {_OBJECTS} objects by three proxies, one slowed: least-outstanding ÷ round-robin, time",
        noticing.median / turning.median,
        0.8,
        True,
        "",
        f"{noticing}, {turning}; the slow one stands still nine tenths of the time",
    )


def _a_proxy(running: control.Running) -> int:
    """Return the process of one of the further proxies."""
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
    return next(int(pid) for pid in children if b"proxy_process" in Path(f"/proc/{pid}/cmdline").read_bytes())


@contextmanager
def _slowed(pid: int) -> Iterator[None]:
    """Have a process stand still for most of the time."""
    ended = threading.Event()

    def slow() -> None:
        while not ended.is_set():
            os.kill(pid, signal.SIGSTOP)
            ended.wait(_STOPPED)
            os.kill(pid, signal.SIGCONT)
            ended.wait(_GOING)

    thread = threading.Thread(target=slow)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
