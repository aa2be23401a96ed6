"""One account leaves room for others in the storlet engine."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from tests.support.keystone import KeystoneSwift

from .storlets import IDENTITY, PROXY, Client, storlet

MANY = 40
"""More than may run at a time."""


@pytest.fixture
def accounts(keystone_swift: KeystoneSwift) -> Iterator[tuple[Client, Client]]:
    """Deploy the same storlets in two accounts."""
    with ExitStack() as stack:
        clients = []
        for name, project in (("tester", "test"), ("outsider", "other")):
            projects = keystone_swift.ask("GET", f"/v3/projects?name={project}")["projects"]
            account = f"AUTH_{projects[0]['id']}"
            client = stack.enter_context(closing(Client(keystone_swift.running, keystone_swift.token(name), account)))
            client.request("POST", "", {"X-Account-Meta-Storlet-Enabled": "True"})
            for container in ("storlet", "dependency", "shares"):
                client.request("PUT", f"/{container}")
            client.put("/shares/o", b"x" * 10_000_000)
            client.deploy("identity.py", IDENTITY)
            client.deploy("stalls.py", storlet("time.sleep(60)"))
            clients.append(client)
        yield clients[0], clients[1]


def send(client: Client, method: str, path: str, *headers: str) -> socket.socket:
    """Send a request's headers, and then nothing; do not read either."""
    lines = [f"{method} {client.account}{path} HTTP/1.1", "Host: x", f"X-Auth-Token: {client.token}", *headers, "", ""]
    connection = socket.create_connection(("127.0.0.1", client.running.port), 30)
    connection.sendall("\r\n".join(lines).encode())
    return connection


HOLDS = {
    "sends nothing": ("PUT", "/shares/made", "X-Run-Storlet: identity.py", "Content-Length: 10"),
    "does not read": ("GET", "/shares/o", "X-Run-Storlet: identity.py"),
    "stalls": ("GET", "/shares/o", "X-Run-Storlet: stalls.py"),
    "stalls on the proxy": ("GET", "/shares/o", "X-Run-Storlet: stalls.py", "X-Storlet-Run-On-Proxy:"),
}


@pytest.mark.slow
@pytest.mark.parametrize("way", HOLDS)
def test_one_account_leaves_room_for_another(accounts: tuple[Client, Client], way: str) -> None:
    """Whatever keeps an account's invocations from ending, another account's run, several at a time."""
    user, attacker = accounts
    with ExitStack() as stack:
        for _ in range(MANY):
            stack.enter_context(closing(send(attacker, *HOLDS[way])))
        for where in ({}, PROXY):
            assert user.run("identity.py", "/shares/o", where).status == 200
        answers: list[int] = []

        def run() -> None:
            with closing(user.connect()) as connection:
                answers.append(user.run("identity.py", "/shares/o", connection=connection).status)

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers == [200] * 4


@pytest.mark.slow
def test_slots_are_shared() -> None:
    """An account alone may take three quarters; then whose account holds least is next, and nothing is lost."""
    subprocess.run([sys.executable, "-m", "tests.embedded.slots"], check=True, timeout=60)
