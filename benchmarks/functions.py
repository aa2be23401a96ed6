"""Functions as storlets: framed results against plain ones, and tables against the same Python over a local file."""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.cluster import PLAIN
from benchmarks.lab import Lab, gives
from benchmarks.measure import Measured, ratio
from storlet_shell.deployments.deploy import deploy
from storlet_shell.deployments.package import read_package
from storlet_shell.embedded.control import Running
from storlet_shell.identity.login import Login
from storlet_shell.identity.values import Credentials
from storlet_shell.store.functions import look_up
from storlet_shell.store.objects import put
from storlet_shell.store.reading import get, read_result
from storlet_shell.store.runs import Answer
from storlet_shell.values import Connection, Invocation, ObjectPath, StorletName
from storlet_shell.wire.bodies import bytes_body, file_body
from storlet_shell.wire.client import Client
from storlet_shell.wire.requests import Request

SETTINGS = PLAIN
_MIB = 2**20
_COPY = b"""
from collections.abc import Iterator
from typing import BinaryIO


def copy(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(65536):
        yield chunk
"""
_WARM = b"""
from collections.abc import Iterator


def warm(rows: Iterator[dict[str, str]], least: float = 39.4) -> Iterator[dict[str, str]]:
    for row in rows:
        if float(row["degrees"]) >= least:
            yield row
"""
_MEAN = b"""
import csv
from typing import TextIO


def mean(file: TextIO) -> dict[str, float]:
    rows = csv.reader(file)
    column = next(rows).index("degrees")
    count = total = 0
    for count, row in enumerate(rows, 1):
        total += float(row[column])
    return {"mean": total / count}
"""


@gives("framed-large", "framed-small")
def framed_results(lab: Lab, running: Running) -> Iterator[Measured]:
    """Read the same function's result with frames and without them."""
    with _client(running) as client:
        run = _deploy(client, "bench_copy", _COPY)
        function = look_up(client, run.storlet)
        for name, size, rounds in (("framed-large", lab.size(64, 2) * _MIB, 9), ("framed-small", 1024, 200)):
            source = ObjectPath("bench", name)
            put(client, source, bytes_body(b"x" * size))
            times = lab.in_turns(
                rounds,
                framed=lambda: _drain(partial(read_result, client, source, run, function)),  # noqa: B023  called here
                plain=lambda: _drain(partial(read_result, client, source, run, None)),  # noqa: B023  likewise
            )
            yield ratio(name, times["framed"], times["plain"], peer="plain")


@gives("table-rows", "table-text")
def tables(lab: Lab, running: Running) -> Iterator[Measured]:
    """Run functions over a table of 40 MB, and the same Python over a local file."""
    with _client(running) as client, tempfile.TemporaryDirectory() as folder:
        table, source = Path(folder) / "table.csv", ObjectPath("bench", "table.csv")
        _write_table(table, lab.size(1_000_000, 1000))
        with file_body(str(table)) as body:
            put(client, source, body)
        note = f"{table.stat().st_size / 1e6:.0f} MB; the local file is read in a process that has started"
        pairs: tuple[tuple[str, bytes, Callable[[Path], bytes]], ...] = (
            ("table-rows", _WARM, _warm_locally),
            ("table-text", _MEAN, _mean_locally),
        )
        for name, code, locally in pairs:
            run = _deploy(client, name.replace("-", "_"), code)
            if get(client, source, run).content != locally(table):
                raise RuntimeError(f"{name}: the results differ")
            times = lab.in_turns(
                5,
                ours=lambda: get(client, source, run).content,  # noqa: B023  called here
                local=lambda: locally(table),  # noqa: B023  likewise
            )
            yield ratio(name, times["ours"], times["local"], note, peer="local")


def _warm_locally(table: Path) -> bytes:
    scope: dict[str, Callable[..., Iterator[dict[str, str]]]] = {}
    exec(_WARM, scope)
    result = table.with_name("result.csv")
    with table.open(encoding="utf-8", newline="") as file, result.open("w", encoding="utf-8", newline="") as output:
        rows = csv.DictReader(file)
        writer = csv.DictWriter(output, rows.fieldnames or (), lineterminator="\n")
        writer.writeheader()
        writer.writerows(scope["warm"](rows))
    return result.read_bytes()


def _mean_locally(table: Path) -> bytes:
    scope: dict[str, Callable[..., dict[str, float]]] = {}
    exec(_MEAN, scope)
    with table.open(encoding="utf-8", newline="") as file:
        return f"{json.dumps(scope['mean'](file))}\n".encode()


def _write_table(path: Path, count: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["place", "day", "degrees", "station"])
        for number in range(count):
            day = f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}"
            writer.writerow([f"place-{number % 997}", day, f"{(number * 7919 % 6000) / 100 - 20:.2f}", f"s{number:07}"])


def _drain(read: Callable[[], Answer]) -> None:
    for _ in read().reply.chunks():
        pass


def _deploy(client: Client, module: str, code: bytes) -> Invocation:
    """Deploy a function, and return the run of it."""
    deploy(client, read_package(module, None, code))
    return Invocation(StorletName(f"{module}.py"))


@contextmanager
def _client(running: Running) -> Iterator[Client]:
    """Connect a client, and create the container."""
    credentials = Credentials("the benchmark", "v1", running.auth_url, running.user, running.key)
    client = Client(Login(credentials, Connection()))
    try:
        client.send(Request("PUT", "bench")).read()
        yield client
    finally:
        client.close()


MEASUREMENTS = (framed_results, tables)
