"""Another user of this machine listens on the port of a server that has ended."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path

import pytest
import swiftclient

from storlet_shell.embedded import control
from storlet_shell.session import Options, Session, Surroundings
from storlet_shell.wire.requests import Request
from tests.embedded.conftest import ended
from tests.support.keystone import TOKENS, KeystoneSwift
from tests.support.lines import Runner, base_environment, one_line

pytestmark = pytest.mark.slow

ANSWER = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Name a data folder; stop what was started on it."""
    yield tmp_path / "data"
    with suppress(control.EmbeddedError):
        control.stop(tmp_path / "data")


@contextmanager
def impostor(port: int) -> Iterator[bytearray]:
    """Listen on a port and take down whatever is sent there."""
    heard = bytearray()

    def listen(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(1)
                    with suppress(TimeoutError):
                        while b"\r\n\r\n" not in (part := connection.recv(65536)):
                            heard.extend(part)
                        heard.extend(part)
                    connection.sendall(ANSWER)

    with socket.create_server(("127.0.0.1", port)) as listener:
        thread = threading.Thread(target=listen, args=(listener,))
        thread.start()
        try:
            yield heard
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def status(url: str, token: str) -> int:
    """Return what a server answers to a token."""
    host, _, path = url.removeprefix("http://").partition("/")
    connection = HTTPConnection(host, timeout=60)
    try:
        connection.request("HEAD", f"/{path}", headers={"X-Auth-Token": token})
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize("ending", ["stopped", "killed"])
def test_password_and_token_that_it_hears_open_nothing(folder: Path, tmp_path: Path, ending: str) -> None:
    """A terminal that holds ``local env`` sends both; neither is good at the next server, where a new login is told."""
    running, _ = control.start(folder, control.Settings())
    identity = control.environment(running)
    terminal = Runner({**base_environment(tmp_path), **identity})
    url, token = swiftclient.get_auth(running.auth_url, running.user, running.key)
    holder = Runner({**base_environment(tmp_path), "OS_STORAGE_URL": url, "OS_AUTH_TOKEN": token})
    assert terminal("ls").status == holder("ls").status == 0
    if ending == "stopped":
        assert control.stop(folder)
    else:
        os.kill(running.pid, signal.SIGKILL)
        assert ended(running.pid)
    with impostor(running.port) as heard:
        assert 0 not in (terminal("ls").status, holder("ls").status)
    assert running.key.encode() in heard
    assert token.encode() in heard
    again, _ = control.start(folder, control.Settings(port=running.port))
    with pytest.raises(swiftclient.ClientException, match="401"):
        swiftclient.get_auth(again.auth_url, again.user, running.key)
    assert status(url, token) == 401
    refused = terminal("ls")
    assert (refused.status, "storlet-shell local env" in one_line(refused)) == (3, True)
    assert Runner({**base_environment(tmp_path), **control.environment(again)})("ls").status == 0


def test_what_it_hears_of_the_administrator_opens_nothing(folder: Path) -> None:
    """Keystone's random passwords, and all its tokens, are good for one run as well."""
    running, _ = control.start(folder, control.Settings(auth=control.KEYSTONE))
    before = KeystoneSwift(running)
    old, token = control.environment(running, "admin")["OS_PASSWORD"], before.token("admin")
    assert status(running.storage_url, token) == 204
    control.stop(folder)
    again, _ = control.start(folder, control.Settings())
    after = KeystoneSwift(again)
    assert status(again.storage_url, token) == 401
    assert status(again.storage_url, after.token("admin")) == status(again.storage_url, after.token("tester")) == 204
    name = {"name": "default"}
    user = {"user": {"name": "admin", "password": old, "domain": name}}
    body = {"auth": {"identity": {"methods": ["password"], "password": user}}}
    with pytest.raises(AssertionError, match=r"\b401\b"):
        after._send("POST", TOKENS, body, {})
    assert after.ask("GET", "/v3/projects?name=test")["projects"]


def test_session_asks_the_data_folder_again(folder: Path) -> None:
    """A session with ``--local`` goes on with a server that somebody else has started in the place of its own."""
    with Session(Surroundings({"STORLET_SHELL_DATA": str(folder)}), options=Options(local=True)) as session:
        session.client.send(Request("PUT", "kept")).close()
        assert control.stop(folder)
        control.start(folder, control.Settings())
        assert session.client.find(Request("HEAD", "kept")) is not None
