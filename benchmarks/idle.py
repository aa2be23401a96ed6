"""A storlet's first invocation after its server has been idle for five minutes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from benchmarks.cluster import Wire, cluster
from benchmarks.lab import Lab, gives
from benchmarks.measure import Measured, Sample, timed
from storlet_shell.embedded.control import Running


class Idling(NamedTuple):
    """A server that has run a storlet, and has been idle since."""

    running: Running
    headers: dict[str, str]
    since: float


@contextmanager
def idling() -> Iterator[Idling]:
    """Start one; other things are measured meanwhile."""
    with cluster() as running:
        with Wire(running) as wire:
            wire.send("PUT", "bench")
            wire.send("PUT", "bench/small", body=b"x" * 1024)
            headers = wire.deploy("idle")
            wire.send("GET", "bench/small", headers)
        yield Idling(running, headers, time.monotonic())


@gives("idle")
def first_again(lab: Lab, idle: Idling) -> Iterator[Measured]:
    """Wait for the rest of the five minutes, then measure once."""
    time.sleep(max(0.0, lab.size(300, 1) - (time.monotonic() - idle.since)))
    with Wire(idle.running) as wire:
        plain = timed(lambda: wire.send("GET", "bench/small"))
        seconds = timed(lambda: wire.send("GET", "bench/small", idle.headers))
    yield Measured("idle", seconds, {"ours": Sample((seconds,)), "plain": Sample((plain,))})


MEASUREMENTS = (first_again,)
