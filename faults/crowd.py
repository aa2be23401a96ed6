"""Two hundred simultaneous shells on one embedded server, which exits with the last of them.

Of every ten, six are command files on standard input, three are one-shot lines, and one is the interactive shell on a
pseudo-terminal. All start together; once each has had its first answer, all are still at work, and continue together.
"""

from __future__ import annotations

import fcntl
import select
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect

from faults.count import EVERY, Count
from faults.plant import Plant, ended, outlived
from storlet_shell.embedded import control
from tests.adapters.test_terminal import Terminal
from tests.support.storlets import STORLETS

SHELLS = 200 // EVERY

_PATIENCE = 600.0  # two hundred processes on two cores
_END_SECONDS = 30.0
_LARGE = b"large" * 100_000
"""More than a pipe's capacity: a line that writes it waits for its reader."""

_FIRST = "put mine-{n} path:/crowd/{n}\nget path:/crowd/{n} | sh -c 'cat > got-{n}.part && mv got-{n}.part got-{n}'\n"
_WAIT = "whoami | sh -c 'cat > said-{n} && flock --shared gate true'\n"
_SECOND = "copy path:/crowd/{n} path:/crowd/{n}-loud --storlet upper.py\nget path:/crowd/{n}-loud\n"


class Shell:
    """One of the shells.

    :param number: its number, for unique names
    """

    kind_name = ""

    def __init__(self, plant: Plant, number: int) -> None:
        self.plant = plant
        self.number = number

    def is_in(self) -> bool:
        """Tell whether it has had its first answer."""
        raise NotImplementedError

    def goes_on(self) -> str:
        """Let it continue, and wait for its end; return what is wrong, ``hangs`` if it doesn't end."""
        raise NotImplementedError


class Piped(Shell):
    """A command file on standard input: it stores, reads, waits, copies through a storlet, and reads again."""

    kind_name = "command files"

    def __init__(self, plant: Plant, number: int) -> None:
        super().__init__(plant, number)
        (plant.work / f"mine-{number}").write_text(f"mine {number}\n")
        self._process = plant.shell(local=True)
        assert self._process.stdin
        self._process.stdin.write((_FIRST + _WAIT + _SECOND).format(n=number).encode())
        self._process.stdin.close()
        self._process.stdin = None

    def is_in(self) -> bool:
        """Tell whether it has read what it stored."""
        return (self.plant.work / f"got-{self.number}").exists() or self._process.poll() is not None

    def goes_on(self) -> str:
        """Read its output."""
        outcome = ended(self._process, _PATIENCE)
        if outcome is None:
            return "hangs"
        wanted = f"mine {self.number}\n".encode()
        got = self.plant.work / f"got-{self.number}"
        is_good = outcome.status == 0 and got.read_bytes() == wanted and outcome.out.endswith(wanted.upper())
        return "" if is_good else f"{outcome.status} {outcome.out!r} {outcome.err}"


class OneShot(Shell):
    """A one-shot line whose output isn't read until all shells are ready."""

    kind_name = "one-shot lines"

    def __init__(self, plant: Plant, number: int) -> None:
        super().__init__(plant, number)
        self._process = plant.shell("get", "path:/crowd/large", local=True)

    def is_in(self) -> bool:
        """Tell whether it has started to write."""
        return bool(select.select([self._process.stdout], [], [], 0)[0])

    def goes_on(self) -> str:
        """Read its output."""
        outcome = ended(self._process, _PATIENCE)
        if outcome is None:
            return "hangs"
        return "" if (outcome.status, outcome.out) == (0, _LARGE) else f"{outcome.status} {outcome.err}"


class Typed(Shell):
    """The interactive shell on a pseudo-terminal."""

    kind_name = "interactive shells"

    def __init__(self, plant: Plant, number: int) -> None:
        super().__init__(plant, number)
        variables = {
            name: str(plant.work / f"{name}-{number}") for name in ("STORLET_SHELL_HISTORY", "STORLET_SHELL_STARTUP")
        }
        self._terminal = Terminal({**plant.local_environment(), **variables}, "--local")
        self._terminal.child.timeout = _PATIENCE
        self._said = ""

    def is_in(self) -> bool:
        """Type the first line and wait for its answer."""
        try:
            self._terminal.prompt()
            self._said = self._terminal.type("stat path:/crowd/large")
        except (pexpect.EOF, pexpect.TIMEOUT) as error:
            self._said = str(error)
        return True

    def goes_on(self) -> str:
        """Type another line and exit."""
        try:
            said = self._terminal.type("get path:/crowd/word --storlet upper.py")
            status = self._terminal.leave()
        except (pexpect.EOF, pexpect.TIMEOUT) as error:
            self._terminal.child.close(force=True)
            return "hangs" if isinstance(error, pexpect.TIMEOUT) else f"{self._said} {error}"
        return (
            ""
            if "path:/crowd/large" in self._said and "\nWORD" in said and status == 0
            else f"{status} {self._said} {said}"
        )


_KINDS = (Piped, Piped, OneShot, Piped, OneShot, Piped, Typed, Piped, OneShot, Piped)


def counts() -> Iterator[Count]:
    """Yield a row for each kind of shell, and one for the server."""
    with Plant(starts=False) as plant:
        rows = {
            kind.kind_name: Count(f"of {SHELLS} shells at once: {kind.kind_name}") for kind in (Piped, OneShot, Typed)
        }
        with _gate(plant.work) as opened:
            with control.join_or_start(plant.data, control.Settings()) as lease:
                plant.running = lease.running
                _furnish(plant)
                shells = [_KINDS[number % len(_KINDS)](plant, number) for number in range(SHELLS)]
                deadline = time.monotonic() + _PATIENCE
                late = [shell for shell in shells if not _is_in(shell, deadline)]
            server = Count("the server of all these", tried=1, survived=int(plant.is_alive))
            opened()
            for shell in shells:
                _count(rows[shell.kind_name], shell, "was never let in" if shell in late else shell.goes_on())
        server.processes = len(outlived(plant.processes(), _END_SECONDS))
        server.notes = plant.left_here([path.name for path in plant.work.iterdir()])
        server.files = len(server.notes)
        yield from rows.values()
        yield server


def _furnish(plant: Plant) -> None:
    with plant.client() as client:
        client.request("PUT", "/crowd")
        client.put("/crowd/large", _LARGE)
        client.put("/crowd/word", b"word\n")
        client.deploy("upper.py", STORLETS["upper.py"], main="upper.Main")


def _is_in(shell: Shell, deadline: float) -> bool:
    while not shell.is_in():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _count(row: Count, shell: Shell, problem: str) -> None:
    row.tried += 1
    row.survived += not problem
    row.hung += problem == "hangs"
    row.lost += bool(problem) and problem != "hangs"
    row.notes += [f"{shell.kind_name} {shell.number}: {problem}"] if problem else []


@contextmanager
def _gate(folder: Path) -> Iterator[Callable[[], None]]:
    """Create the lock that command files wait for; yield a function that releases it."""
    with (folder / "gate").open("w") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        yield lambda: fcntl.flock(gate, fcntl.LOCK_UN)
