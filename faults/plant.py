"""An embedded Swift to break, the shells that use it, and the leftovers of both."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from storlet_shell.embedded import control
from storlet_shell.errors import ExitStatus
from tests.embedded.storlets import Client
from tests.support.lines import Outcome, base_environment

PATIENCE = 300.0
"""Seconds after which a process counts as hung: several times what a client waits by itself."""

_GONE_SECONDS = 10.0
_DOCUMENTED = {int(status) for status in ExitStatus}


class Plant:
    """An embedded Swift with its own data folder, and a folder for shells; a context manager.

    :param settings: the server's settings; it is a lasting one in any case
    :param starts: whether it is started immediately
    """

    running: control.Running

    def __init__(self, settings: control.Settings | None = None, *, starts: bool = True) -> None:
        self._settings = settings or control.Settings()
        self._starts = starts
        self._place = tempfile.TemporaryDirectory(prefix="faults-")
        self.data = Path(self._place.name, "data")
        self.work = Path(self._place.name, "work")
        self.temporary = Path(self._place.name, "tmp")
        for folder in (self.work, self.temporary):
            folder.mkdir()

    def __enter__(self) -> Plant:
        if self._starts:
            self.start()
        return self

    def __exit__(self, *_: object) -> None:
        control.stop(self.data)
        self._place.cleanup()

    def start(self) -> None:
        """Start the server on the same port as last time."""
        self.running, _ = control.start(self.data, self._settings)

    def kill(self) -> int:
        """Kill the server like ``kill -9``; return how many of its processes survive."""
        processes = self.processes()
        with suppress(ProcessLookupError):
            os.kill(self.running.pid, signal.SIGKILL)
        return len(outlived(processes))

    @property
    def is_alive(self) -> bool:
        """Whether the server that was last started responds."""
        return control.find(self.data) == self.running

    def processes(self) -> list[int]:
        """Return the processes of the server and its storlets, by an argument or the working folder."""
        children = []
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                named = os.fsencode(self.data) in (process / "cmdline").read_bytes()
                if named or (process / "cwd").readlink() == self.data:
                    children.append(int(process.name))
        return children

    @contextmanager
    def client(self) -> Iterator[Client]:
        """Connect a plain HTTP client, which doesn't retry or correct anything."""
        client = Client(self.running)
        try:
            yield client
        finally:
            client.close()

    def environment(self, port: int | None = None) -> dict[str, str]:
        """Return a shell's environment.

        :param port: the port of a relay in front of the server
        """
        address = f"http://127.0.0.1:{port or self.running.port}/auth/v1.0"
        return {
            **self.local_environment(),
            "ST_AUTH": address,
            "ST_USER": self.running.user,
            "ST_KEY": self.running.key,
        }

    def local_environment(self) -> dict[str, str]:
        """Return the environment of a shell that finds the server by itself."""
        variables = {"TMPDIR": str(self.temporary), "STORLET_SHELL_DATA": str(self.data)}
        return {**base_environment(self.work), **variables}

    def user_environment(self, user: str) -> dict[str, str]:
        """Return the environment of a shell for one of Keystone's users."""
        return {**self.local_environment(), **control.environment(self.running, user)}

    def shell(
        self, *words: str, port: int | None = None, local: bool = False, user: str | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a shell with a line, in the shells' folder.

        :param local: let it find the server by itself
        :param user: one of Keystone's users, if the server has a Keystone
        """
        environment = self.user_environment(user) if user else self.environment(port)
        return subprocess.Popen(
            [sys.executable, "-m", "storlet_shell", *(["--local"] if local else []), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.work,
            env=self.local_environment() if local else environment,
        )

    def line(self, *words: str) -> Outcome:
        """Run a line against the server.

        :raises TimeoutError: if it hangs
        """
        outcome = ended(self.shell(*words))
        if outcome is None:
            raise TimeoutError(f"{' '.join(words)}: it hangs")
        return outcome

    def left_here(self, expected: Collection[str]) -> list[str]:
        """Return files that shells left over, except those that are expected in their folder."""
        here = [path.name for path in self.work.rglob("*") if path.name.startswith(".storlet-shell-")]
        others = [path.name for path in self.work.iterdir() if path.name not in expected]
        return sorted({*here, *others, *(path.name for path in self.temporary.iterdir())})

    def left_in_data(self) -> list[str]:
        """Return files left over by a server that was restarted and hasn't run storlets since."""
        patterns = ("tmp*", "devices/*/tmp*/*", "devices/*/async_pending*/**/*", "storlets/code/v*")
        files = [
            path for pattern in patterns for path in self.data.glob(pattern) if not path.is_dir() or "code" in str(path)
        ]
        return sorted(str(path.relative_to(self.data)) for path in files)


def ended(process: subprocess.Popen[bytes], seconds: float = PATIENCE, stdin: bytes = b"") -> Outcome | None:
    """Wait for a process's end; kill it and return None if it hangs."""
    try:
        out, err = process.communicate(stdin, seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return None
    return Outcome(process.returncode, out, err.decode(errors="replace"))


def is_clear(outcome: Outcome) -> bool:
    """Tell whether a line ended as documented; if it failed, with a known status and its own one-line reason.

    A failed storlet's traceback is allowed; any other isn't.
    """
    lines = outcome.err.splitlines()
    is_storlets = outcome.status == ExitStatus.STORLET_FAILED
    if outcome.status not in _DOCUMENTED or ("Traceback" in outcome.err and not is_storlets):
        return False
    return not outcome.status or bool(lines and lines[-1].startswith("storlet-shell: "))


def outlived(processes: list[int], seconds: float = _GONE_SECONDS) -> list[int]:
    """Wait until processes are gone; return those that aren't."""
    deadline = time.monotonic() + seconds
    alive = []
    for number in processes:
        try:
            process = os.pidfd_open(number)
        except ProcessLookupError:
            continue
        try:
            if not select.select([process], [], [], max(0.0, deadline - time.monotonic()))[0]:
                alive.append(number)
        finally:
            os.close(process)
    return alive
