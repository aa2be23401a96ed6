"""Several proxies for one cluster: they behave alike, and see each other's changes."""

from __future__ import annotations

import io
import os
import secrets
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from storlet_shell.embedded import control
from storlet_shell.errors import EmbeddedError, NotFoundError, StorletFailedError
from storlet_shell.identity.login import Login
from storlet_shell.identity.values import Credentials
from storlet_shell.store.failures import log_of_failure, send_run
from storlet_shell.values import Connection
from storlet_shell.wire.bodies import Body
from storlet_shell.wire.client import Client
from storlet_shell.wire.requests import Request
from tests.support.lines import Runner, base_environment
from tests.support.storlets import STORLETS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def three() -> Iterator[control.Running]:
    """Run a Swift with three proxies."""
    with control.join_or_start(Path(), control.Settings(ephemeral=True, proxies=3)) as lease:
        yield lease.running


@pytest.fixture(scope="module")
def clients(three: control.Running) -> Iterator[list[Client]]:
    """Return a client of each proxy, over one login at the first."""
    first = Client(Login(Credentials("the test", "v1", three.auth_url, three.user, three.key), Connection()))
    with ExitStack() as stack:
        made = [first.another(url) for url in three.storage_urls]
        for client in made:
            stack.callback(client.close)
        yield made


@pytest.fixture(scope="module")
def filled(three: control.Running, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a container with an object, and deploy storlets."""
    folder = tmp_path_factory.mktemp("proxies")
    identity = {"ST_AUTH": three.auth_url, "ST_USER": three.user, "ST_KEY": three.key}
    run = Runner({**base_environment(folder), **identity})
    for name in ("upper.py", "raises.py"):
        (folder / name).write_text(STORLETS[name])
        assert run("deploy", str(folder / name)).status == 0
    assert run("mkdir", "c").status == 0
    assert run("upload", "c/o", stdin=b"abc").status == 0
    return "c"


def ask(client: Client, method: str, container: str, name: str = "", **headers: str) -> bytes:
    """Send a request and return the answer's body; underscores in the headers' names stand for hyphens."""
    reply = client.send(Request(method, container, name, headers={k.replace("_", "-"): v for k, v in headers.items()}))
    try:
        return reply.read()
    finally:
        reply.close()


@pytest.mark.parametrize("number", range(3))
def test_storlets_run_by_every_proxy(clients: list[Client], filled: str, number: int) -> None:
    """On the object server, on the proxy itself, and over a copy."""
    client, made = clients[number], f"copy-{number}"
    assert ask(client, "GET", filled, "o", X_Run_Storlet="upper.py") == b"ABC"
    assert ask(client, "GET", filled, "o", X_Run_Storlet="upper.py", X_Storlet_Run_On_Proxy="") == b"ABC"
    copy = {"Destination": f"{filled}/{made}", "X_Run_Storlet": "upper.py", "X_Storlet_Run_On_Proxy": ""}
    ask(client, "COPY", filled, "o", **copy)
    assert [ask(each, "GET", filled, made) for each in clients] == [b"ABC"] * 3


@pytest.mark.parametrize("on_proxy", [{}, {"X-Storlet-Run-On-Proxy": ""}], ids=["node", "proxy"])
def test_failures_and_logs_are_known_to_every_proxy(
    clients: list[Client], filled: str, on_proxy: dict[str, str]
) -> None:
    """Wherever a storlet fails, the client that asked learns why, and every proxy tells its log."""
    for client in clients:
        with pytest.raises(StorletFailedError) as caught:
            send_run(client, Request("GET", filled, "o", headers={"X-Run-Storlet": "raises.py", **on_proxy}))
        assert "failed on path:/c/o: ValueError: on purpose" in str(caught.value)
        assert "Traceback" in caught.value.details
        for other in clients:
            assert "on purpose" in log_of_failure(other, "raises.py", caught.value.transaction_id)


def test_what_one_changes_the_others_see(clients: list[Client]) -> None:
    """A container that was looked for in vain is there for all as soon as one has made it, and gone just so."""
    name = f"seen-{secrets.token_hex(4)}"
    for client in clients:
        with pytest.raises(NotFoundError):
            ask(client, "GET", name)
    ask(clients[1], "PUT", name)
    for client in clients:
        assert ask(client, "GET", name) == b""
    ask(clients[2], "DELETE", name)
    for client in clients:
        with pytest.raises(NotFoundError):
            ask(client, "GET", name)


def test_redeployed_storlet_runs_by_every_proxy(clients: list[Client], filled: str) -> None:
    """Even on a proxy that ran the old version a moment ago."""
    headers = {
        "X-Object-Meta-Storlet-Language": "python",
        "X-Object-Meta-Storlet-Interface-Version": "1.0",
        "X-Object-Meta-Storlet-Object-Metadata": "no",
        "X-Object-Meta-Storlet-Main": "again.Main",
    }
    for deployer, change in ((clients[0], "upper"), (clients[2], "title"), (clients[1], "upper")):
        code = STORLETS["upper.py"].replace("upper()", f"{change}()").encode()
        body = Body(io.BytesIO(code), len(code), replayable=True, label="the code")
        reply = deployer.send(Request("PUT", "storlet", "again.py", headers=headers), body)
        reply.close()
        for client in clients:
            assert ask(client, "GET", filled, "o", X_Run_Storlet="again.py") == getattr(b"abc", change)()


def test_proxy_that_dies_is_started_again(clients: list[Client], filled: str, three: control.Running) -> None:
    """On its port, whose connections wait meanwhile; the others go on."""
    children = Path(f"/proc/{three.pid}/task/{three.pid}/children").read_text().split()
    proxies = [int(pid) for pid in children if b"proxy_process" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    assert len(proxies) == 2
    os.kill(proxies[0], signal.SIGKILL)
    for client in clients:
        assert ask(client.another(client.storage_url), "GET", filled, "o", X_Run_Storlet="upper.py") == b"ABC"


def test_other_number_of_proxies_needs_another_start(three: control.Running) -> None:
    """One that runs keeps its proxies; who does not name a number takes it as it is."""
    with pytest.raises(EmbeddedError, match="is already running, its proxies: 3; stop it first"):
        control.start(three.folder, control.Settings(proxies=2, ephemeral=True))


@pytest.mark.parametrize("count", ["0", "-1", "17", "x", "1.5"])
def test_number_of_proxies_is_checked(run: Runner, count: str) -> None:
    """It must be positive, and not more than a machine can run."""
    outcome = run("local", "start", "--proxies", count)
    assert outcome.status == 2
    assert len(outcome.err.splitlines()) == 1
