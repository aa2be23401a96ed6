"""The server survives a full disk, reports it, and continues when there is room again."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from storlet_shell.embedded import control
from storlet_shell.embedded.sandbox.disk import RESERVED_BYTES
from tests.support.keystone import KeystoneSwift
from tests.support.small_disk import filled, small_disk

from .conftest import ended
from .storlets import IDENTITY, PROXY, Client, storlet

pytestmark = pytest.mark.slow

MIB = 2**20
LEFT = (0, 4096, 20480, 1 * MIB)


@pytest.fixture(params=[control.TEMPAUTH, control.KEYSTONE])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """Start a server with two proxies on a disk of its own."""
    with small_disk(tmp_path / "disk", RESERVED_BYTES + 96 * MIB) as disk:
        control.start(disk / "swift", control.Settings(auth=request.param, proxies=2))
        yield disk
        control.stop(disk / "swift")


@contextmanager
def connected(disk: Path) -> Iterator[Client]:
    """Log in at the server on a disk."""
    running = control.find(disk / "swift")
    assert running
    token = KeystoneSwift(running).token("tester") if running.auth == control.KEYSTONE else ""
    with closing(Client(running, token)) as client:
        yield client


@pytest.fixture
def client(disk: Path) -> Iterator[Client]:
    """Log in, and store an object."""
    with connected(disk) as client:
        client.request("PUT", "/c")
        client.put("/c/o", b"body")
        yield client


def free(disk: Path) -> int:
    """Return how many bytes are free."""
    room = os.statvfs(disk)
    return room.f_bavail * room.f_frsize


def requests(client: Client) -> Iterator[Callable[[], int]]:
    """Yield requests that write somewhere, or fail with something to be logged."""
    yield lambda: client.request("PUT", "/full").status
    yield lambda: client.request("PUT", "/c/new", {}, b"x" * 100).status
    yield lambda: client.request("POST", "/c/o", {"X-Object-Meta-A": "b" * 200}).status
    yield lambda: client.request("POST", "/c", {"X-Container-Meta-A": "b" * 200}).status
    yield lambda: client.request("POST", "", {"X-Account-Meta-A": "b" * 200}).status
    yield lambda: client.request("COPY", "/c/o", {"Destination": "c/p"}).status
    yield lambda: client.request("PUT", "/c/tar?extract-archive=tar", {}, b"x" * 1024).status
    yield lambda: client.run("fails.py", "/c/o").status
    yield lambda: client.run("fails.py", "/c/o", PROXY).status
    yield lambda: client.run("identity.py", "/c/o").status
    yield lambda: client.run("first.py", "/c/o").status
    yield lambda: client.run("identity.py", "/c/o", {"X-Storlet-Generate-Log": "True"}).status
    yield lambda: client.run("identity.py", "/c/o", {"X-Storlet-Generate-Log": "True", **PROXY}).status
    yield lambda: client.request("PUT", "/c/made", {"X-Run-Storlet": "identity.py"}, b"x").status
    yield lambda: client.request("DELETE", "/c/nothing").status
    yield lambda: client.request("GET", "?storlet-log=fails.py").status


def break_off(client: Client) -> None:
    """Send what leaves tracebacks: requests that end in their middle."""
    for text in (
        b"GET",
        b"PUT /v1/a/c/o HTTP/1.1\r\nContent-Length: 9\r\n\r\n1",
        b"\xff\x00\r\n\r\n",
        b"GET / HTTP/9\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", client.running.port), 10) as connection:
            connection.sendall(text)


def test_server_outlives_a_full_disk(disk: Path, client: Client) -> None:
    """Every request is answered, whatever is left of the disk; afterwards everything is there, and all goes on."""
    running = client.running
    for name, code in {
        "identity.py": IDENTITY,
        "first.py": IDENTITY,
        "fails.py": storlet("raise ValueError(1)"),
    }.items():
        client.deploy(name, code)
    assert client.run("identity.py", "/c/o").body == b"body"
    for left in LEFT:
        with filled(disk, left):
            for request in requests(client):
                for _ in range(3):
                    assert request() in (200, 202, 204, 404, 503, 507)
            break_off(client)
            assert client.request("GET", "/c/o").body == b"body"
            for method, path in (("PUT", "/c/new"), ("POST", "/c/o"), ("POST", "/c"), ("POST", "")):
                refused = client.request(method, path, {}, b"x" if method == "PUT" else b"")
                assert (refused.status, "is full" in refused.text) == (507, True), (method, path, refused)
            with connected(disk) as another:
                assert another.request("GET", "/c/o").status == 200
            assert control.find(disk / "swift") == running
        assert client.request("PUT", "/c/new", {}, b"x" * 100).status == 201
        assert client.request("POST", "/c/o", {"X-Object-Meta-A": "b"}).status == 202
        assert client.run("identity.py", "/c/o").body == b"body"
        assert client.run("fails.py", "/c/o").failure == "raised"
        assert "ValueError" in client.log("fails.py")
    with filled(disk, 0):
        assert control.stop(disk / "swift")
    assert ended(running.pid)
    control.start(disk / "swift", control.Settings())
    with connected(disk) as another:
        assert another.request("GET", "/c/o").body == b"body"


@pytest.mark.parametrize("where", [{}, PROXY], ids=["node", "proxy"])
def test_code_leaves_the_reserve_alone(disk: Path, client: Client, where: dict[str, str]) -> None:
    """A storlet whose code doesn't fit next to the reserve fails with the reason, and runs when there is room."""
    client.depend("large", "x" * (20 * MIB))
    client.deploy("large.py", IDENTITY, dependencies="large")
    for left in (RESERVED_BYTES // 2, RESERVED_BYTES + 4 * MIB):
        with filled(disk, left):
            before = free(disk)
            answer = client.run("large.py", "/c/o", where)
            assert (answer.status, answer.failure) == (503, "engine"), answer
            assert "the disk of the embedded Swift is full" in answer.text
            assert free(disk) >= before - MIB
    assert client.run("large.py", "/c/o", where).body == b"body"


def test_server_does_not_start_on_a_full_disk(tmp_path: Path) -> None:
    """It says why, and starts when there is room; nothing half-written is in its way."""
    with small_disk(tmp_path / "disk", 64 * MIB) as disk:
        for left in (0, 4096, 8 * MIB):
            with filled(disk, left), pytest.raises(control.EmbeddedError, match=r"disk .*is full"):
                control.start(disk / "swift", control.Settings())
        control.start(disk / "swift", control.Settings())
        assert control.stop(disk / "swift")
