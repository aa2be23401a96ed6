"""Misbehaving storlets, deployed and run on a real embedded server.

Its limits are narrow: two seconds, 256 MiB. Each storlet runs on the object server and on the proxy, by a one-shot
line.
"""

from __future__ import annotations

import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

from faults.bad import BAD, ENDS, MARK, PLACES, SLEEPER, Bad, reaching_out
from faults.count import EVERY, Count
from faults.plant import Plant, ended, is_clear
from storlet_shell.embedded.control import Settings
from tests.embedded.storlets import Client, storlet
from tests.embedded.test_engine_sandbox import alive
from tests.support.storlets import STORLETS

_SECRET = "what another storlet and another object hold"
_GONE_SECONDS = 15.0
_USUAL_PROCESSES = 8
"""The server, the zygote, and two warm parents, each with a child forked in advance; another version may be exiting."""


def counts() -> Iterator[Count]:
    """Yield a row for each kind."""
    rows: dict[str, Count] = {}
    with Plant(Settings(time_limit=2, memory_limit=256 << 20)) as plant:
        with plant.client() as client:
            client.request("PUT", "/c")
            client.put("/c/o", b"honest\n" * 1000)
            client.put("/c/secret", _SECRET.encode())
            client.deploy("honest.py", STORLETS["upper.py"] + f"\n# {_SECRET}\n", main="honest.Main")
            for bad in [*BAD, *reaching_out(plant.data, plant.running.port, _SECRET)][::EVERY]:
                row = rows.setdefault(bad.row, Count(bad.row))
                for options in ([], ["--on-proxy"]):
                    client.deploy("bad.py", bad.code)
                    _try(plant, client, bad, options, row)
        yield from rows.values()
        last = Count("the server of all these", tried=1, survived=int(plant.is_alive))
        last.processes = plant.kill()
        yield last


def _try(plant: Plant, client: Client, bad: Bad, options: list[str], row: Count) -> None:
    """Run one storlet; count the result for it, for the server, and for an honest storlet."""
    row.tried += 1
    label = textwrap.shorten(bad.code if bad.is_imported else bad.code.partition("out_files[0]\n")[2], 100)
    outcome = ended(plant.shell("get", "path:/c/o", "--storlet", "bad.py", *options))
    if outcome is None:
        row.hung += 1
        row.notes.append(f"hangs: {label}")
    elif (
        is_clear(outcome)
        and outcome.status in bad.statuses
        and (outcome.status or outcome.out.strip(b".") == bad.answer)
    ):
        row.survived += 1
    else:
        row.notes.append(f"{outcome.status} {outcome.out[:200]!r} {outcome.err[-300:]}: {label}")
    honest = client.run("honest.py", "/c/o") if plant.is_alive else None
    if honest is None or honest.body != b"HONEST\n" * 1000:
        row.lost += 1
        row.notes.append(f"an honest run gives {honest}, after: {label}")
        if not plant.is_alive:
            plant.start()
    if bad.is_imported:
        client.deploy("bad.py", storlet(ENDS))
        client.run("bad.py", "/c/o")
    processes, files = _left(plant)
    row.processes += processes
    row.files += len(files)
    row.notes += [f"left over: {name}, by: {label}" for name in [*files, *(["processes"] if processes else [])]]


def _left(plant: Plant) -> tuple[int, list[str]]:
    """Return the number of leftover processes, once they had time to exit, and the files that were created."""
    deadline = time.monotonic() + _GONE_SECONDS
    while time.monotonic() < deadline:
        excess = max(0, len(plant.processes()) - _USUAL_PROCESSES) + alive(SLEEPER)
        if not excess:
            break
        time.sleep(0.1)
    marked = [str(path) for place in (*PLACES, plant.data.parent) for path in Path(place).glob(f"{MARK}*")]
    return excess, [*marked, *map(str, plant.data.rglob(f"{MARK}*")), *plant.left_here(())]
