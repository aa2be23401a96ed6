"""Expiring tokens: by Keystone's clock, and by a client's clock that is wrong or jumps."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from faults.clients import HUNG_SECONDS, Clients, Ended
from faults.count import Count, UntriedError
from faults.place import judge
from faults.relay import FaultyRelay
from faults.terminals import Terminal
from storlet_shell.embedded import control
from tests.support.lines import ROOT
from tests.support.storlets import STORLETS, storlet

LIFETIME = 60
"""The lifetime of a token, in seconds. keystoneauth renews tokens with 30 seconds left."""

LATER = LIFETIME - 30 + 3
_SLOW = storlet("import time\ntime.sleep(4)\ntarget.set_metadata({})\ntarget.write(source.read())\ntarget.close()")
_PROGRAM = [sys.executable, "-m", "storlet_shell"]
_JOBS = 2
_OBJECTS = _JOBS * (LIFETIME + 8) // 4
_CLOCKS = {"right": ("+0", "+0"), "an hour slow": ("-3600", "-3600"), "two hours ahead at once": ("+0", "+7200")}
"""Offsets between the client's and the server's clocks: initially, and from the middle of a batch on."""


class World:
    """A Swift whose tokens come from a Keystone and expire quickly.

    :param library: the path of faketime's library
    """

    def __init__(self, running: control.Running, clients: Clients, folder: Path, library: str) -> None:
        self.folder = folder
        self.port = running.port
        self._running, self._clients, self._library = running, clients, library

    def relay(self) -> FaultyRelay:
        """Return a relay in front of the Swift."""
        return FaultyRelay(self.port, lambda _number, _sent: None)

    def environ(self, relay: FaultyRelay) -> dict[str, str]:
        """Return the environment of a client that sends its Swift requests through a relay."""
        variables = {name: value for name, value in control.environment(self._running, "tester").items() if value}
        url = f"http://127.0.0.1:{relay.port}/v1/{self._running.account}"
        return self._clients.environ(**{**variables, "OS_STORAGE_URL": url, "PYTHONPATH": str(ROOT)})

    def run(self, relay: FaultyRelay, line: str, first: str = "+0", later: str = "+0") -> Ended:
        """Run a line whose clock is off by these seconds, initially and after a while."""
        clock = self.folder / f"clock{first}{later}"
        clock.write_text(first)
        faked = {
            "LD_PRELOAD": self._library,
            "FAKETIME_TIMESTAMP_FILE": str(clock),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        jump = threading.Timer(5, clock.write_text, [later])
        jump.start()
        ended = subprocess.run(
            [*_PROGRAM, *line.split()],
            cwd=self.folder,
            env={**self.environ(relay), **(faked if (first, later) != ("+0", "+0") else {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=5 * HUNG_SECONDS,
            check=False,
        )
        jump.cancel()
        return Ended(ended.returncode, ended.stdout, ended.stderr.decode())


def counts() -> Iterator[Count]:
    """Yield a row for each clock."""
    library = next(map(str, Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), "")
    if not library:
        raise UntriedError("libfaketime is not installed; on Debian: apt-get install libfaketime")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").mkdir()
        for number in range(_OBJECTS):
            (folder / "in" / str(number)).write_text(f"object {number}")
        (folder / "slow.py").write_text(_SLOW)
        (folder / "upper.py").write_text(STORLETS["upper.py"])
        settings = control.Settings(ephemeral=True, auth=control.KEYSTONE, token_seconds=LIFETIME)
        with control.join_or_start(Path(), settings) as lease, Clients(folder) as clients:
            world = World(lease.running, clients, folder, library)
            with world.relay() as relay:
                for line in ("mkdir clock", "deploy upper.py", "deploy slow.py", "upload in clock/in"):
                    ended = world.run(relay, line)
                    assert ended.status == 0, ended.err
            with ThreadPoolExecutor() as threads:
                session = threads.submit(_session, world)
                batches = [threads.submit(_batch, world, clock, *ways) for clock, ways in _CLOCKS.items()]
                yield from (future.result() for future in (session, *batches))


def _session(world: World) -> Count:
    """Run a shell for longer than keystoneauth trusts its token."""
    count = Count("token expires in a session")
    with world.relay() as relay:
        environ = {**world.environ(relay), "TERM": "xterm", "STORLET_SHELL_HISTORY": "/dev/null"}
        with Terminal(_PROGRAM, {**environ, "PROMPT_TOOLKIT_NO_CPR": "1"}) as terminal:
            terminal.wait_for_prompt()
            for _ in range(2):
                terminal.type("get clock/in/1 --storlet upper.py\r")
                terminal.wait_for_prompt()
                threading.Event().wait(LATER)
            terminal.type("\x04")
            ended = terminal.end()
        good = ended.status == 0 and len(_tokens(relay)) == 2
        judge(count, f"{len(_tokens(relay))} tokens", ended, good=good, whole=list(_runs(relay).values()) == [2])
    return count


def _batch(world: World, clock: str, first: str, later: str) -> Count:
    """Run a batch for longer than a token's lifetime: nothing may run twice."""
    count = Count(f"token expires in a batch, the client's clock {clock}")
    with world.relay() as relay:
        ended = world.run(relay, f"map --storlet slow.py --input path:/clock/in/* -j {_JOBS}", first, later)
        runs, tokens = _runs(relay), len(_tokens(relay))
    whole = len(runs) == _OBJECTS and set(runs.values()) == {1}
    # A client with a clock far ahead considers each token expired, and logs in for each request.
    good = ended.status == 0 and ended.is_clear and tokens >= 2
    judge(count, f"{tokens} tokens, {len(runs)} objects", ended, good=good, whole=whole)
    return count


def _tokens(relay: FaultyRelay) -> set[str]:
    return {request.header("X-Auth-Token") for request in relay.arrived}


def _runs(relay: FaultyRelay) -> Counter[str]:
    """Count the storlet's runs over each object."""
    answered = ((request, status) for request, status in relay.answered if request.header("X-Run-Storlet"))
    return Counter(request.target for request, status in answered if status != 401)
