"""The embedded Swift's figures: a storlet's request over a plain one, of the same object on the same connection."""

from __future__ import annotations

import re
import statistics
import threading
import time
from collections.abc import Iterator

from benchmarks.cluster import IDENTITY, ON_PROXY, Wire, run, tool
from benchmarks.measure import Figure, Sample, in_turns, timed
from storlet_shell.embedded.control import Running

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


def start_up() -> Iterator[Figure]:
    """From nothing to the first answered storlet GET: a process, a server, a container, an upload, a deployment."""
    lines = _FIRST_LINES.format(code=IDENTITY.decode()).encode()
    words = [tool("storlet-shell"), "--local", "--ephemeral", "-f", "-"]
    sample = Sample(tuple(timed(lambda: run(words, stdin=lines)) for _ in range(5)))
    yield Figure("--local from nothing to the first storlet GET", sample.median, 4, True, " s", f"{sample}, to its end")


def first_invocations(wire: Wire) -> Iterator[Figure]:
    """Measure the first invocation after a deployment and after a redeployment."""
    wire.send("PUT", "bench/small", body=b"x" * 1024)
    fresh, again = [], []
    for number in range(7):
        run_it = wire.deploy(f"fresh{number}")
        fresh.append(timed(lambda headers=run_it: wire.send("GET", "bench/small", headers)))
        wire.deploy(f"fresh{number}")
        again.append(timed(lambda headers=run_it: wire.send("GET", "bench/small", headers)))
    for what, seconds in (("a deploy", fresh), ("a redeploy", again)):
        sample = Sample(tuple(seconds))
        yield Figure(f"first invocation after {what}", sample.median, 0.2, True, " s", str(sample))


def after_idling(wire: Wire, headers: dict[str, str], since: float) -> Figure:
    """Measure the first invocation after five idle minutes, once; the rest of them is waited for."""
    time.sleep(max(0.0, 300 - (time.monotonic() - since)))
    plain = Sample((timed(lambda: wire.send("GET", "bench/small")),))
    seconds = timed(lambda: wire.send("GET", "bench/small", headers))
    return Figure("first invocation after five idle minutes", seconds, 0.2, True, " s", f"once; plain: {plain}")


def warm_requests(wire: Wire) -> Iterator[Figure]:
    """Small objects: a storlet GET over a plain one."""
    wire.send("PUT", "bench/small", body=b"x" * 1024)
    headers = wire.deploy("warm")
    plain, storlet = in_turns(
        200, lambda: wire.send("GET", "bench/small"), lambda: wire.send("GET", "bench/small", headers)
    )
    engine = statistics.median(
        float(seconds) for seconds in re.findall(r"\((\d+\.\d+) s\)$", wire.log("warm.py"), re.M)
    )
    middleware = storlet.median - plain.median - engine
    note = (
        f"storlet {storlet}, plain {plain}; beyond plain, the engine takes {1000 * engine:.1f} ms (its log), the "
        f"middleware {1000 * middleware:.1f} ms"
    )
    yield Figure("warm storlet GET of 1 KiB ÷ plain GET", storlet.median / plain.median, 2.5, True, "", note)


def large_bodies(wire: Wire) -> Iterator[Figure]:
    """64 MiB through an identity storlet: its rate over the plain rate."""
    wire.send("PUT", "bench/large", body=b"x" * (64 * _MIB))
    headers = wire.deploy("large")
    plain, node, proxy = in_turns(
        7,
        lambda: wire.send("GET", "bench/large"),
        lambda: wire.send("GET", "bench/large", headers),
        lambda: wire.send("GET", "bench/large", {**headers, **ON_PROXY}),
    )
    for what, sample, limit in (("node", node, 0.85), ("proxy", proxy, 0.6)):
        note = f"storlet {sample}, plain {plain}, {64 / plain.median:.0f} MiB/s plain"
        yield Figure(f"64 MiB on the {what}: rate ÷ plain rate", plain.median / sample.median, limit, False, "", note)


def eight_clients(running: Running, wire: Wire) -> Iterator[Figure]:
    """Eight connections at once: storlet requests per second over plain ones."""
    wire.send("PUT", "bench/small", body=b"x" * 1024)
    headers = wire.deploy("eight")
    rounds = [(_rate(running, {}), _rate(running, headers)) for _ in range(5)]
    plain, storlet = (Sample(tuple(8 * 25 / rate for rate in column)) for column in zip(*rounds, strict=True))
    note = f"{200 / storlet.median:.0f}/s, plain {200 / plain.median:.0f}/s"
    yield Figure("eight clients: storlet requests/s ÷ plain", plain.median / storlet.median, 0.3, False, "", note)


def _rate(running: Running, headers: dict[str, str]) -> float:
    def client() -> None:
        with Wire(running) as own:
            barrier.wait()
            for _ in range(25):
                own.send("GET", "bench/small", headers)

    barrier = threading.Barrier(9)
    threads = [threading.Thread(target=client) for _ in range(8)]
    for thread in threads:
        thread.start()
    barrier.wait()
    started = time.perf_counter()
    for thread in threads:
        thread.join()
    return 8 * 25 / (time.perf_counter() - started)


def fifty_at_once(running: Running, wire: Wire) -> Iterator[Figure]:
    """Fifty storlet GETs of 4 MiB at once, and what plain GETs take meanwhile."""
    wire.send("PUT", "bench/four", body=b"x" * (4 * _MIB))
    headers = wire.deploy("fifty")
    complete: list[int] = []

    def client() -> None:
        with Wire(running) as own:
            complete.append(own.send("GET", "bench/four", headers))

    threads = [threading.Thread(target=client) for _ in range(50)]
    for thread in threads:
        thread.start()
    plain = []
    while any(thread.is_alive() for thread in threads):
        plain.append(timed(lambda: wire.send("GET", "bench/small")))
    whole = sum(count == 4 * _MIB for count in complete)
    note = f"{len(plain)} plain GETs of 1 KiB answered meanwhile, {Sample(tuple(plain))}"
    yield Figure("fifty storlet GETs of 4 MiB at once: complete", whole, 50, False, "", note)
