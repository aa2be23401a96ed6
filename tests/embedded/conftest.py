"""Data folders, connections, and other processes that use a server."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import swiftclient

from storlet_shell.embedded import control
from storlet_shell.errors import EmbeddedError

from .storlets import Client

USER = """
import json, sys
from pathlib import Path
from storlet_shell.embedded import control
with control.join_or_start(Path(sys.argv[1]), control.Settings()) as lease:
    print(json.dumps([lease.running.pid, lease.started]), flush=True)
    sys.stdin.read()
"""


class User:
    """A process of its own that leases the server on a data folder."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-c", USER, str(folder)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def joined(self) -> tuple[int, bool]:
        """Wait until it has the server; return the server's process id, and whether this user started it."""
        assert self._process.stdout
        pid, started = json.loads(self._process.stdout.readline())
        return pid, started

    def leave(self) -> None:
        """End the process in good order."""
        self._process.communicate()

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()
        self._process.communicate()


def ended(pid: int, seconds: float = 6.0) -> bool:
    """Wait for the end of a process that is not ours."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], seconds)[0])
    finally:
        os.close(process)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Name a data folder that is not there yet; stop what was started on it."""
    path = tmp_path / "data"
    yield path
    with suppress(EmbeddedError):
        control.stop(path)


@pytest.fixture
def user(folder: Path) -> Iterator[Callable[[], User]]:
    """Start processes that use the data folder."""
    users: list[User] = []

    def begin() -> User:
        users.append(User(folder))
        return users[-1]

    yield begin
    for one in users:
        one.kill()


@pytest.fixture
def connection(swift: control.Running) -> Iterator[swiftclient.Connection]:
    """Connect to the session's server."""
    with connect(swift) as connected:
        yield connected


class connect(swiftclient.Connection):  # noqa: N801 - reads as a function
    """A connection to a server that sends each request once, and a container, ``objects``, to try things in."""

    def __init__(self, running: control.Running) -> None:
        super().__init__(running.auth_url, running.user, running.key, retries=0)
        self.put_container("objects")

    def __enter__(self) -> connect:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@pytest.fixture(scope="session")
def strict() -> Iterator[control.Running]:
    """Run a Swift with narrow limits: two seconds, 256 MiB."""
    with control.join_or_start(Path(), control.Settings(ephemeral=True, time_limit=2, memory_limit=256 << 20)) as lease:
        yield lease.running


@pytest.fixture
def client(strict: control.Running) -> Iterator[Client]:
    """Connect to the Swift with narrow limits; container ``c`` and its 1 KiB object ``o`` are there."""
    client = Client(strict)
    client.request("PUT", "/c")
    client.put("/c/o", b"x" * 1024, {"X-Object-Meta-Colour": "red"})
    yield client
    client.close()
