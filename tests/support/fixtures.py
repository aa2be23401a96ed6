"""Fixtures for most tests: a scripted server with a client, and lines that run against it or a real Swift."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from storlet_shell.batches import endpoints, throttle
from storlet_shell.embedded import control
from storlet_shell.identity.login import Login
from storlet_shell.identity.values import Credentials
from storlet_shell.values import Connection
from storlet_shell.wire import client as client_module
from storlet_shell.wire.client import Client
from tests.support.folders import FILES
from tests.support.lines import Runner, base_environment
from tests.support.observers import Notebook
from tests.support.responder import KEY, USER, Answer, Recorded, Responder, ok
from tests.support.storlets import STORLETS

TEXT = b"hello\nworld\n"
"""The content of the object ``o`` of the fixture ``here``."""


@pytest.fixture
def responder() -> Iterator[Responder]:
    """Run a scripted server; an unscripted request fails the test."""
    with Responder() as running:
        yield running
    assert not running.unexpected


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the pauses between a client's retries."""
    monkeypatch.setattr(client_module, "BACK_OFF", 0.01)


@pytest.fixture
def traced() -> list[str]:
    """Return the list that receives the client's trace."""
    return []


@pytest.fixture
def client(responder: Responder, quick_retries: None, traced: list[str]) -> Iterator[Client]:
    """Connect a client to the scripted server."""
    credentials = Credentials("the test", "v1", responder.auth_url, USER, KEY)
    client = Client(Login(credentials, Connection(timeout=10)), traced.append)
    yield client
    client.close()


@pytest.fixture
def run_scripted(responder: Responder, quick_retries: None, tmp_path: Path) -> Runner:
    """Run lines against the scripted server."""
    return Runner({**base_environment(tmp_path), **responder.environ})


@pytest.fixture(scope="session")
def run(swift: control.Running, tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """Run lines against the real embedded Swift."""
    identity = {"ST_AUTH": swift.auth_url, "ST_USER": swift.user, "ST_KEY": swift.key}
    return Runner({**base_environment(tmp_path_factory.mktemp("home")), **identity})


@pytest.fixture
def container(run: Runner) -> str:
    """Create a container for one test on the real Swift."""
    name = f"c-{secrets.token_hex(4)}"
    assert run("mkdir", name).status == 0
    return name


@pytest.fixture(scope="session")
def storlets(run: Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """Deploy every storlet of ``STORLETS`` on the real Swift; return the runner of lines.

    At the end of the session, they must still be what was deployed: a test deploys its own storlets by other names.
    """
    folder = tmp_path_factory.mktemp("storlets")
    for name, code in STORLETS.items():
        (folder / name).write_text(code)
        outcome = run("deploy", str(folder / name))
        assert outcome.status == 0, outcome.err
    yield run
    changed = [name for name, code in STORLETS.items() if run("get", f"storlet/{name}").out != code.encode()]
    assert not changed, f"a test has replaced or removed the storlets of the session: {changed}"


@pytest.fixture(scope="session")
def selecting(run: Runner) -> Runner:
    """Deploy the storlet of ``select`` on the real Swift; return the runner of lines."""
    outcome = run("deploy", "std:select")
    assert outcome.status == 0, outcome.err
    return run


@pytest.fixture
def here(storlets: Runner, container: str) -> str:
    """Create a container with an object ``o``, on the real Swift with every storlet deployed."""
    assert storlets("upload", f"{container}/o", stdin=TEXT).status == 0
    return container


@pytest.fixture
def real_client(swift: control.Running) -> Iterator[Client]:
    """Connect a client to the real Swift, for requests that no command sends."""
    client = Client(Login(Credentials("the test", "v1", swift.auth_url, swift.user, swift.key), Connection()))
    yield client
    client.close()


@pytest.fixture
def observer() -> Notebook:
    """Return the observer of the client :func:`observed`."""
    return Notebook()


@pytest.fixture
def observed(swift: control.Running, observer: Notebook) -> Iterator[Client]:
    """Connect a client to the real Swift, with ``observer`` as its observer."""
    login = Login(Credentials("the test", "v1", swift.auth_url, swift.user, swift.key), Connection())
    client = Client(login, observer.requests.append, observer=observer)
    yield client
    client.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Create a folder with files of every kind, with dates in the past."""
    root = tmp_path / "from"
    for name, content in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
        os.utime(root / name, (1_600_000_000.25, 1_600_000_000.25))
    (root / "empty").mkdir()
    return root


@pytest.fixture
def module() -> str:
    """Return a unique module name for a storlet."""
    return f"d{secrets.token_hex(4)}"


@pytest.fixture
def quick_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the pauses of batches."""
    monkeypatch.setattr(throttle, "FIRST_PAUSE", 0.02)
    monkeypatch.setattr(endpoints, "FIRST_PAUSE", 0.02)
    monkeypatch.setattr(endpoints, "PATIENCE", 0.5)


@pytest.fixture
def listed(responder: Responder, quick_batches: None) -> Responder:
    """Run a scripted server with a storlet, and with the objects ``a`` to ``t``."""
    entries = [{"name": name, "bytes": 1} for name in "abcdefghijklmnopqrst"]

    def listing(request: Recorded) -> Answer:
        return ok(json.dumps([] if "marker" in request.query else entries).encode())

    responder.on("GET", "/c", listing)
    responder.on("HEAD", "*", ok())
    responder.on("GET", "*", Answer(200, b"made", chunked=True))
    return responder
