"""This version uses a data folder of an earlier one, and everything is still there."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from storlet_shell.embedded import control
from storlet_shell.embedded.control import KEYSTONE, TEMPAUTH, Settings
from tests.support.keystone import KeystoneSwift
from tests.support.lines import ROOT, Runner, base_environment
from tests.support.upgrade import check, connected, go_on, store, unpack

from .conftest import ended
from .storlets import Client

pytestmark = pytest.mark.slow

EARLIER = "b4d7cb3"
"""The commit whose data folder is an archive here, made by ``tests/support/upgrade.py``, and whose server is run."""

ARCHIVE = Path(__file__).parent / "data" / f"{EARLIER}.tar.xz"

START = """
import sys
from pathlib import Path
from storlet_shell.embedded import control
control.start(Path(sys.argv[1]), control.Settings(auth=sys.argv[2]))
"""


@pytest.fixture
def stopped(folder: Path) -> Iterator[Path]:
    """Name a data folder; stop whatever server runs there at the end."""
    yield folder
    with suppress(control.EmbeddedError):
        control.stop(folder)


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Check the earlier version out of the repository's history."""
    command = ["git", "-C", str(ROOT), "archive", EARLIER, "storlet_shell"]
    packed = subprocess.run(command, capture_output=True)
    if packed.returncode:
        pytest.skip(f"there is no commit {EARLIER} here; clone the whole history: {packed.stderr.decode().strip()}")
    folder = tmp_path_factory.mktemp("earlier")
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as tar:
        tar.extractall(folder, filter="data")
    return folder


def start_earlier(earlier: Path, folder: Path, auth: str) -> control.Running:
    """Start the earlier version's server, and find it with this version."""
    environment = {**os.environ, "PYTHONPATH": str(earlier)}
    subprocess.run([sys.executable, "-c", START, str(folder), auth], env=environment, cwd="/", check=True, timeout=300)
    running = control.find(folder)
    assert running is not None
    assert str(earlier).encode() in Path(f"/proc/{running.pid}/environ").read_bytes()
    return running


@pytest.mark.parametrize("auth", [TEMPAUTH, KEYSTONE])
def test_kept_folder_is_whole(stopped: Path, auth: str) -> None:
    """Objects, large ones, versions, ACLs, storlets, dependencies and logs are there after each of two starts."""
    unpack(ARCHIVE, stopped)
    for turn in range(2):
        running, _ = control.start(stopped, Settings(auth=auth))
        with connected(running) as client:
            if not turn:
                check(client)
                go_on(client)
            assert client.request("GET", "/kept/o").body == b"changed"
        control.stop(stopped)


@pytest.mark.parametrize("auth", [TEMPAUTH, KEYSTONE])
def test_running_server_is_used_and_replaced(earlier: Path, stopped: Path, tmp_path: Path, auth: str) -> None:
    """This version joins a server of the earlier one, stops it, and goes on with its own on the same folder."""
    running = start_earlier(earlier, stopped, auth)
    with connected(running) as client:
        store(client)
        check(client)
    run = Runner({**base_environment(tmp_path), "STORLET_SHELL_DATA": str(stopped)})
    assert run("--local", "get", "kept/o").out == b"content"
    assert run("--local", "get", "kept/o", "--storlet", "words.py").out == b"words and content"
    assert run("local", "status", "--json").json["running"] is True
    assert control.start(stopped, Settings()) == (running, False)
    assert run("local", "stop").status == 0
    assert ended(running.pid)

    again, started = control.start(stopped, Settings())
    assert (started, again.auth, again.account, again.port) == (True, auth, running.account, running.port)
    with connected(again) as client:
        check(client)
        go_on(client)
    assert run("--local", "get", "kept/new").out == b"new"


def test_storlets_of_an_earlier_folder_become_readable(earlier: Path, stopped: Path) -> None:
    """The member gets the read ACL of new containers, once: an ACL that was changed or removed stays so."""
    readers = "test:tester_member"
    running = start_earlier(earlier, stopped, KEYSTONE)
    with connected(running) as client:
        assert read_acls(client) == ("", "", "")
        set_read_acl(client, "dependency", "other:outsider")
    control.stop(stopped)
    running, _ = control.start(stopped, Settings())
    with connected(running) as client, closing(member_of(running)) as member:
        assert read_acls(client) == (readers, "other:outsider", "")
        assert [member.request("GET", f"/{name}").status for name in ("storlet", "dependency")] == [204, 403]
        set_read_acl(client, "storlet", "")
        set_read_acl(client, "dependency", "")
    control.stop(stopped)
    running, _ = control.start(stopped, Settings())
    with connected(running) as client, closing(member_of(running)) as member:
        assert read_acls(client) == ("", "", "")
        assert member.request("GET", "/storlet").status == 403
        for method in ("DELETE", "PUT"):
            assert client.request(method, "/dependency").status < 300
    control.stop(stopped)
    running, _ = control.start(stopped, Settings())
    with connected(running) as client:
        assert read_acls(client) == ("", "", "")


def read_acls(client: Client) -> tuple[str, ...]:
    """Return the read ACLs of the containers that storlets need."""
    names = ("storlet", "dependency", "storletlog")
    return tuple(client.request("HEAD", f"/{name}").headers.get("X-Container-Read", "") for name in names)


def set_read_acl(client: Client, container: str, acl: str) -> None:
    """Replace a container's read ACL."""
    assert client.request("POST", f"/{container}", {"X-Container-Read": acl}).status == 204


def member_of(running: control.Running) -> Client:
    """Log in as tester_member, for tester's account."""
    return Client(running, KeystoneSwift(running).token("tester_member"))
