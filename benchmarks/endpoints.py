"""Schedulers: three proxies, one of them slowed down, with a scheduler that notices and one that doesn't."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.cluster import Wire, run, tool
from benchmarks.lab import Lab, gives
from benchmarks.measure import Measured, ratio
from storlet_shell.embedded import control
from storlet_shell.wire import headers as wire_headers

SETTINGS = control.Settings(ephemeral=True, proxies=3)
_STOPPED, _GOING = 0.09, 0.01


@gives("slow-proxy")
def one_slow_proxy(lab: Lab, running: control.Running) -> Iterator[Measured]:
    """Run the same batch with both schedulers."""
    count = lab.size(300, 20)
    with Wire(running) as wire:
        storlet = wire.deploy("many")[wire_headers.RUN_STORLET]
        wire.fill("many", count, 10240)
    words = [tool("storlet-shell"), "map", "--storlet", storlet, "--input", "path:/many/*", "-j", "8"]
    for url in running.storage_urls:
        words += ["--endpoint", url]
    with _slowed(_a_proxy(running)):
        times = lab.in_turns(
            3,
            noticing=lambda: run([*words, "--scheduler", "least-outstanding"], running),
            turning=lambda: run([*words, "--scheduler", "round-robin"], running),
        )
    note = f"{count} objects; the slow proxy stands still nine tenths of the time"
    yield ratio("slow-proxy", times["noticing"], times["turning"], note, peer="round-robin")


def _a_proxy(running: control.Running) -> int:
    """Return the process of one of the additional proxies."""
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
    return next(int(pid) for pid in children if b"proxy_process" in Path(f"/proc/{pid}/cmdline").read_bytes())


@contextmanager
def _slowed(pid: int) -> Iterator[None]:
    """Suspend a process for most of the time."""
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


MEASUREMENTS = (one_slow_proxy,)
