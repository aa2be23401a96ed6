"""Clients that open connections and send nothing, or half a request, lock nobody out."""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest
import swiftclient

from storlet_shell.embedded import control
from storlet_shell.embedded.control.settings import MOST_WAITING
from tests.support.keystone import KeystoneSwift

HALVES = {
    "nothing": b"",
    "half a line": b"POST /v3/auth/tok",
    "half the headers": b"POST /v3/auth/tokens HTTP/1.1\r\nHost: x\r\nContent-Le",
    "no body": b"POST /v3/auth/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
}
TEXTS = pytest.mark.parametrize(
    "text", [pytest.param(text, marks=[] if text == "nothing" else [pytest.mark.slow]) for text in HALVES]
)
MANY = 500
FAR_TOO_MANY = 2 * MOST_WAITING + 100


@pytest.fixture(autouse=True)
def files() -> Iterator[None]:
    """Let this process have that many connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = FAR_TOO_MANY + 500
    if hard != resource.RLIM_INFINITY and hard < needed:
        pytest.skip(f"this user may have {hard} open files; allow {needed}: ulimit -Hn")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def half_open(port: int, text: bytes, number: int) -> Iterator[list[socket.socket]]:
    """Hold so many connections on which the rest of a request is missing."""
    with ExitStack() as stack:
        connections = []
        for _ in range(number):
            connections.append(stack.enter_context(socket.create_connection(("127.0.0.1", port), 30)))
            connections[-1].sendall(text)
        yield connections


@TEXTS
def test_login_at_keystone_works(keystone_swift: KeystoneSwift, text: str) -> None:
    """A token is given out while hundreds of connections wait for the rest of a request."""
    with half_open(keystone_swift.running.identity_port, HALVES[text], MANY):
        assert keystone_swift.token("tester")


@TEXTS
def test_proxy_answers(swift: control.Running, text: str) -> None:
    """So does the proxy, to which a body that doesn't come is no request that it would wait for."""
    with half_open(swift.port, HALVES[text], MANY):
        assert swiftclient.get_auth(swift.auth_url, swift.user, swift.key)


@pytest.mark.slow
@pytest.mark.parametrize("text", ["nothing", "half the headers"])
@pytest.mark.parametrize("where", ["proxy", "keystone"])
def test_oldest_makes_room(swift: control.Running, keystone_swift: KeystoneSwift, where: str, text: str) -> None:
    """However many there are, a request that comes whole is answered; the oldest of those that wait are closed."""
    port = swift.port if where == "proxy" else keystone_swift.running.identity_port
    with half_open(port, HALVES[text], FAR_TOO_MANY) as connections:
        for _ in range(3):
            if where == "proxy":
                assert swiftclient.get_auth(swift.auth_url, swift.user, swift.key)
            else:
                assert keystone_swift.token("tester")
        with suppress(ConnectionResetError):
            connections[0].recv(4096)  # ends, where it would time out
