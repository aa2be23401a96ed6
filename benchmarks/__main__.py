"""Measure everything and print the table, in which a figure that misses its target is marked."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

from benchmarks import batch, client, endpoints, engine, keystone, notebook, objects
from benchmarks.cluster import Wire, cluster
from benchmarks.measure import Figure, table
from storlet_shell.embedded.control import KEYSTONE


def figures() -> Iterator[Figure]:
    """Yield the figures as they are measured."""
    yield from engine.start_up()
    with cluster() as running, Wire(running) as wire:
        wire.send("PUT", "bench")
        wire.send("PUT", "bench/small", body=b"x" * 1024)
        idle = wire.deploy("idle")
        wire.send("GET", "bench/small", idle)
        since = time.monotonic()
        yield from engine.first_invocations(wire)
        yield from engine.warm_requests(wire)
        yield from engine.large_bodies(wire)
        yield from engine.eight_clients(running, wire)
        yield from engine.fifty_at_once(running, wire)
        yield from client.whole_process(running, wire)
        yield from client.memory(running)
        yield from notebook.figures(running, wire)
        yield from objects.figures(running, wire)
        yield from batch.figures(running, wire)
        with cluster(KEYSTONE) as cloud:
            yield from keystone.figures(cloud)
        yield from endpoints.figures()
        yield engine.after_idling(wire, idle, since)


def main() -> None:
    """Print the table."""
    measured = []
    for figure in figures():
        print(f"… {figure.what}: {figure.cells()[2]}", file=sys.stderr, flush=True)
        measured.append(figure)
    print("\n".join(table(measured)))


if __name__ == "__main__":
    main()
