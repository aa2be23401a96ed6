"""The setting for faults of clients: a real embedded Swift, a folder, and a separate client to inspect them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from faults.clients import Clients, Ended
from faults.count import Count
from faults.relay import Choose, FaultyRelay
from storlet_shell.embedded import control
from storlet_shell.identity.login import Login
from storlet_shell.identity.values import Credentials
from storlet_shell.values import Connection
from storlet_shell.wire.client import Client
from tests.support.lines import ROOT


@dataclass(frozen=True)
class Place:
    """A Swift and its clients.

    :param folder: an empty folder
    """

    running: control.Running
    clients: Clients
    folder: Path

    def client(self) -> Client:
        """Return a client for this process, bypassing every relay."""
        credentials = Credentials("faults", "v1", self.running.auth_url, self.running.user, self.running.key)
        return Client(Login(credentials, Connection()))

    def relay(self, choose: Choose) -> FaultyRelay:
        """Return a relay in front of the Swift."""
        return FaultyRelay(self.running.port, choose)

    def environ(self, relay: FaultyRelay) -> Mapping[str, str]:
        """Return the environment of a client that uses a relay."""
        url = f"http://127.0.0.1:{relay.port}/auth/v1.0"
        return self.clients.environ(ST_AUTH=url, ST_USER=self.running.user, ST_KEY=self.running.key)

    def own_environ(self, **variables: str) -> dict[str, str]:
        """Return the environment of a separate program, bypassing every relay."""
        identity = {"ST_AUTH": self.running.auth_url, "ST_USER": self.running.user, "ST_KEY": self.running.key}
        return self.clients.environ(**identity, PYTHONPATH=str(ROOT), **variables)

    def shell_environ(self, history: str) -> dict[str, str]:
        """Return the environment of the interactive shell on a terminal that doesn't report its cursor position.

        :param history: its history file
        """
        return self.own_environ(TERM="xterm", PROMPT_TOOLKIT_NO_CPR="1", STORLET_SHELL_HISTORY=history)


@contextmanager
def place() -> Iterator[Place]:
    """Start a separate Swift, with processes for its clients."""
    settings = control.Settings(ephemeral=True)
    with tempfile.TemporaryDirectory() as name, control.join_or_start(Path(), settings) as lease:
        folder = Path(name)
        with Clients(folder) as clients:
            yield Place(lease.running, clients, folder)


def judge(count: Count, label: str, ended: Ended, *, good: bool, whole: bool, files: int = 0) -> None:
    """Count how a client ended.

    :param label: the fault, for notes
    :param good: whether it ended as documented
    :param whole: whether nothing is lost, changed or incomplete
    :param files: leftover temporary files and objects
    """
    count.tried += 1
    survived = good and ended.status is not None
    count.survived += survived
    count.hung += ended.status is None
    count.lost += not whole
    count.processes += ended.leftover
    count.files += files
    if not (survived and whole) or files or ended.leftover:
        lost = "" if whole else "; something is lost or half-made"
        count.notes.append(f"{label}: status {ended.status}, {files} files left{lost}: {ended.err.strip()[-600:]}")
