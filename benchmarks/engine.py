"""The embedded Swift: storlet requests against plain ones, for the same object on the same connection."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial

from benchmarks.cluster import IDENTITY, ON_PROXY, PLAIN, Wire, run, tool
from benchmarks.lab import Lab, gives
from benchmarks.measure import Measured, Sample, ratio, timed
from storlet_shell.embedded.control import Running

SETTINGS = PLAIN
_MIB = 2**20
_RUN_SECONDS = re.compile(r"\((\d+\.\d+) s\)$", re.MULTILINE)
_FIRST_LINES = """mkdir bench
upload bench/object <<END
hello
END
deploy identity.Identity <<END
{code}
END
get bench/object --storlet identity.py
"""


@gives("start-up")
def start_up(lab: Lab, _running: Running) -> Iterator[Measured]:
    """From nothing to the first storlet GET: a process, a server, a container, an upload, a deployment."""
    lines = _FIRST_LINES.format(code=IDENTITY.decode()).encode()
    words = [tool("storlet-shell"), "--local", "--ephemeral", "-f", "-"]
    sample = lab.in_turns(5, ours=lambda: run(words, stdin=lines))["ours"]
    yield Measured("start-up", sample.median, {"ours": sample}, "to its end")


@gives("first-deploy", "first-redeploy")
def first_invocations(lab: Lab, running: Running) -> Iterator[Measured]:
    """Measure the first invocation after a deployment and after a redeployment."""
    fresh: list[float] = []
    again: list[float] = []
    with _wire(running) as wire:
        for number in range(lab.rounds(7)):
            for seconds in (fresh, again):
                headers = wire.deploy(f"fresh{number}")
                seconds.append(timed(partial(wire.send, "GET", "bench/small", headers)))
    for name, seconds in (("first-deploy", fresh), ("first-redeploy", again)):
        sample = Sample(tuple(seconds))
        yield Measured(name, sample.median, {"ours": sample})


@gives("warm-get")
def warm_requests(lab: Lab, running: Running) -> Iterator[Measured]:
    """Small objects: a storlet GET against a plain one."""
    with _wire(running) as wire:
        headers = wire.deploy("warm")
        times = lab.in_turns(
            200,
            plain=lambda: wire.send("GET", "bench/small"),
            storlet=lambda: wire.send("GET", "bench/small", headers),
        )
        engine = statistics.median(float(seconds) for seconds in _RUN_SECONDS.findall(wire.log("warm.py")))
    beyond = times["storlet"].median - times["plain"].median
    note = f"{1000 * beyond:.1f} ms beyond plain, of which the engine's own log tells {1000 * engine:.1f} ms"
    yield ratio("warm-get", times["storlet"], times["plain"], note, peer="plain")


@gives("large-node", "large-proxy")
def large_bodies(lab: Lab, running: Running) -> Iterator[Measured]:
    """64 MiB through an identity storlet: its rate against the plain rate."""
    size = lab.size(64, 2)
    with _wire(running) as wire:
        wire.send("PUT", "bench/large", body=b"x" * (size * _MIB))
        headers = wire.deploy("large")
        times = lab.in_turns(
            7,
            plain=lambda: wire.send("GET", "bench/large"),
            node=lambda: wire.send("GET", "bench/large", headers),
            proxy=lambda: wire.send("GET", "bench/large", {**headers, **ON_PROXY}),
        )
    note = f"{size / times['plain'].median:.0f} MiB/s plain"
    for place in ("node", "proxy"):
        rate = times["plain"].median / times[place].median
        yield Measured(f"large-{place}", rate, {"ours": times[place], "plain": times["plain"]}, note)


@gives("eight-clients")
def eight_clients(lab: Lab, running: Running) -> Iterator[Measured]:
    """Eight simultaneous connections: storlet requests per second against plain ones."""
    requests = lab.size(25, 2)
    with ExitStack() as stack, ThreadPoolExecutor(8) as threads:
        headers = stack.enter_context(_wire(running)).deploy("eight")
        wires = [stack.enter_context(Wire(running)) for _ in range(8)]

        def all_at_once(sent: dict[str, str]) -> None:
            def client(wire: Wire) -> None:
                for _ in range(requests):
                    wire.send("GET", "bench/small", sent)

            list(threads.map(client, wires))

        times = lab.in_turns(5, plain=lambda: all_at_once({}), storlet=lambda: all_at_once(headers))
    rates = {name: 8 * requests / sample.median for name, sample in times.items()}
    note = f"{rates['storlet']:.0f}/s, plain {rates['plain']:.0f}/s"
    samples = {"ours": times["storlet"], "plain": times["plain"]}
    yield Measured("eight-clients", rates["storlet"] / rates["plain"], samples, note)


@gives("fifty")
def fifty_at_once(lab: Lab, running: Running) -> Iterator[Measured]:
    """Fifty simultaneous storlet GETs of 4 MiB, and the durations of plain GETs meanwhile."""
    size = lab.size(4 * _MIB, 4096)
    with _wire(running) as wire:
        wire.send("PUT", "bench/four", body=b"x" * size)
        headers = wire.deploy("fifty")

        def client() -> int:
            with Wire(running) as connection:
                return connection.send("GET", "bench/four", headers)

        plain = []
        with ThreadPoolExecutor(50) as threads:
            answers = [threads.submit(client) for _ in range(50)]
            while not all(answer.done() for answer in answers):
                plain.append(timed(lambda: wire.send("GET", "bench/small")))
    whole = sum(answer.exception() is None and answer.result() == size for answer in answers)
    samples = {"plain GET of 1 KiB meanwhile": Sample(tuple(plain))} if plain else {}
    yield Measured("fifty", whole, samples, f"{len(plain)} plain GETs were answered meanwhile")


def _wire(running: Running) -> Wire:
    """Log in, and create a container with a small object."""
    wire = Wire(running)
    wire.send("PUT", "bench")
    wire.send("PUT", "bench/small", body=b"x" * 1024)
    return wire


MEASUREMENTS = (start_up, first_invocations, warm_requests, large_bodies, eight_clients, fifty_at_once)
