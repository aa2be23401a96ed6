"""Java storlets in the embedded Swift: an identity jar against the same in Python, with JVMs that are reused."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

from benchmarks.cluster import Wire, cluster
from benchmarks.lab import Lab, gives
from benchmarks.measure import Measured, Sample, ratio, timed
from storlet_shell.embedded import control
from storlet_shell.embedded.control import Running
from storlet_shell.java import jdk, program
from storlet_shell.java.compiler import compile_classes, interface_jar, jar_of
from storlet_shell.wire import headers as wire_headers

SETTINGS = control.Settings(ephemeral=True, auth=control.TEMPAUTH, isolation="account")

_MIB = 2**20
_TOGETHER = 10
_SERIES = 20
_PAUSE_SECONDS = 1.0  # long enough for the JVM that is started in advance
_IDENTITY = """
import java.io.*;
import java.util.*;
import org.openstack.storlet.common.*;

public class Identity implements IStorlet {
    public void invoke(ArrayList<StorletInputStream> inputs, ArrayList<StorletOutputStream> outputs,
            Map<String, String> parameters, StorletLogger logger) throws StorletException {
        StorletObjectOutputStream result = (StorletObjectOutputStream) outputs.get(0);
        result.setMetadata(new HashMap<>());
        byte[] buffer = new byte[65536];
        try (InputStream in = inputs.get(0).getStream(); OutputStream out = result.getStream()) {
            for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) out.write(buffer, 0, count);
        } catch (IOException failure) {
            throw new StorletException(failure.toString());
        }
    }
}
"""


@gives("java-first")
def first_invocations(lab: Lab, running: Running) -> Iterator[Measured]:
    """Measure the first invocation after a deployment; one before shows that the engine has compiled its classes."""
    seconds: list[float] = []
    alone: list[float] = []
    version = [jdk.find_program("java"), *program.OPTIONS, "-version"]
    with _wire(running) as wire:
        for number in range(lab.rounds(7) + 1):
            headers = _deploy(wire, f"first{number}")
            seconds.append(timed(partial(wire.send, "GET", "bench/small", headers)))
            alone.append(timed(partial(subprocess.run, version, check=True, capture_output=True)))
    sample, peer = Sample(tuple(seconds[1:])), Sample(tuple(alone[1:]))
    note = f"{seconds[0]:.2f} s the first time; java -version {peer.median * 1000:.0f} ms"
    yield Measured("java-first", sample.median, {"ours": sample, "java -version": peer}, note)


@gives("java-warm")
def warm_requests(lab: Lab, running: Running) -> Iterator[Measured]:
    """Small objects: a GET through a reused JVM against one through Python."""
    with _wire(running) as wire:
        python, java = wire.deploy("warm"), _deploy(wire, "warm")
        times = lab.in_turns(
            200,
            plain=lambda: wire.send("GET", "bench/small"),
            python=lambda: wire.send("GET", "bench/small", python),
            java=lambda: wire.send("GET", "bench/small", java),
        )
    note = f"{times['java'].median / times['plain'].median:.1f} times a plain GET"
    yield ratio("java-warm", times["java"], times["python"], note, peer="python")


@gives("java-isolation")
def isolation_levels(lab: Lab, running: Running) -> Iterator[Measured]:
    """Small objects, one right after another: a JVM for each GET against a reused one."""
    alone: list[float] = []
    with cluster(replace(SETTINGS, isolation="run")) as other, _wire(running) as reusing, _wire(other) as starting:
        headers = _deploy(reusing, "level")
        _deploy(starting, "level")

        def series(wire: Wire) -> None:
            # In series, since the JVM that is started in advance would slow the other server's next GET.
            for _ in range(_SERIES):
                wire.send("GET", "bench/small", headers)

        times = lab.in_turns(7, run=partial(series, starting), account=partial(series, reusing))
        for _ in range(lab.rounds(7)):
            time.sleep(_PAUSE_SECONDS)
            alone.append(timed(partial(starting.send, "GET", "bench/small", headers)))
    per_get = {name: Sample(tuple(value / _SERIES for value in sample.values)) for name, sample in times.items()}
    note = f"with a JVM for each, {Sample(tuple(alone)).median * 1000:.1f} ms after a pause of {_PAUSE_SECONDS:g} s"
    yield ratio("java-isolation", per_get["run"], per_get["account"], note, peer="account")


@gives("java-large")
def large_bodies(lab: Lab, running: Running) -> Iterator[Measured]:
    """64 MiB through an identity storlet: Java's rate against Python's."""
    size = lab.size(64, 2)
    with _wire(running) as wire:
        wire.send("PUT", "bench/large", body=b"x" * (size * _MIB))
        python, java = wire.deploy("large"), _deploy(wire, "large")
        times = lab.in_turns(
            7,
            python=lambda: wire.send("GET", "bench/large", python),
            java=lambda: wire.send("GET", "bench/large", java),
        )
    rate = times["python"].median / times["java"].median
    note = f"{size / times['java'].median:.0f} MiB/s"
    yield Measured("java-large", rate, {"ours": times["java"], "python": times["python"]}, note)


@gives("java-ten")
def ten_at_once(lab: Lab, running: Running) -> Iterator[Measured]:
    """Ten simultaneous GETs of 4 MiB."""
    size = lab.size(4 * _MIB, 4096)
    with _wire(running) as wire:
        wire.send("PUT", "bench/four", body=b"x" * size)
        headers = _deploy(wire, "ten")

    def client(_: int) -> int:
        with Wire(running) as connection:
            return connection.send("GET", "bench/four", headers)

    with ThreadPoolExecutor(_TOGETHER) as threads:
        answers = [threads.submit(client, number) for number in range(_TOGETHER)]
    whole = sum(answer.exception() is None and answer.result() == size for answer in answers)
    yield Measured("java-ten", whole, {})


@cache
def _jar() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "Identity.java")
        source.write_text(_IDENTITY)
        return jar_of(compile_classes([source], [interface_jar()]))


def _deploy(wire: Wire, name: str) -> dict[str, str]:
    """Deploy the jar and return the header that runs it."""
    jar = f"{name}-1.0.jar"
    description = wire_headers.StorletDescription("java", "Identity")
    wire.send("PUT", f"storlet/{jar}", wire_headers.encode_storlet(description), _jar())
    return {wire_headers.RUN_STORLET: jar}


def _wire(running: Running) -> Wire:
    """Log in, and create a container with a small object."""
    wire = Wire(running)
    wire.send("PUT", "bench")
    wire.send("PUT", "bench/small", body=b"x" * 1024)
    return wire


MEASUREMENTS = (first_invocations, warm_requests, isolation_levels, large_bodies, ten_at_once)
