"""The lifetime of a server: start, sharing, data, end."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import swiftclient

from storlet_shell.embedded import control
from storlet_shell.embedded.control import Settings
from storlet_shell.embedded.control import folder as places
from storlet_shell.errors import EmbeddedError, ExitStatus, RefusedError
from storlet_shell.session import Options, Session, Surroundings
from storlet_shell.wire.requests import Request

from .conftest import User, connect, ended
from .storlets import Client, storlet


@pytest.mark.slow
def test_a_lasting_server_stays_until_it_is_stopped(folder: Path) -> None:
    """What was stored is there in the next run, at the same port and with a new password."""
    running, started = control.start(folder, Settings())
    assert started
    with connect(running) as connection:
        connection.put_object("objects", "kept", b"content")
    assert control.find(folder) == running
    assert control.stop(folder)
    assert control.find(folder) is None
    assert not control.stop(folder)
    assert ended(running.pid, 0)

    again, started = control.start(folder, Settings())
    assert started
    assert again.port == running.port
    assert again.key != running.key
    with connect(again) as connection:
        assert connection.get_object("objects", "kept")[1] == b"content"


@pytest.mark.slow
def test_start_on_a_running_server_changes_nothing(folder: Path) -> None:
    """A second start finds the first one's server, and refuses what that is not."""
    running, _ = control.start(folder, Settings())
    assert control.start(folder, Settings()) == (running, False)
    with pytest.raises(EmbeddedError, match=f"is already running on port {running.port}; stop it first"):
        control.start(folder, Settings(port=running.port + 1))
    with pytest.raises(EmbeddedError, match="is already running"):
        control.start(folder, Settings(ephemeral=True))


@pytest.mark.slow
def test_a_server_that_looks_for_users_is_joined(folder: Path) -> None:
    """It takes the users' lock for a moment; who joins then waits for it, and doesn't start a second server."""
    running, _ = control.start(folder, Settings())
    taken = places.lock(folder, places.USERS, wait=True)
    assert taken is not None
    release = threading.Timer(0.3, os.close, [taken])
    release.start()
    assert control.start(folder, Settings()) == (running, False)
    release.join()


@pytest.mark.slow
def test_the_last_of_two_users_ends_the_server(folder: Path, user: Callable[[], User]) -> None:
    """Who started it may leave first; the other one's requests are answered until it leaves as well."""
    first = user()
    pid, started = first.joined()
    assert started
    second = user()
    assert second.joined() == (pid, False)
    first.leave()
    assert not ended(pid, 1)
    running = control.find(folder)
    assert running is not None
    with connect(running) as connection:
        assert connection.get_container("objects")[1] == []
    second.leave()
    assert ended(pid)


@pytest.mark.slow
def test_two_users_at_once_share_one_server(folder: Path, user: Callable[[], User]) -> None:
    """Of five processes that want a server at the same time one starts it and the others join."""
    users = [user() for _ in range(5)]
    joined = [one.joined() for one in users]
    assert len({pid for pid, _ in joined}) == 1
    assert sorted(started for _, started in joined) == [False] * 4 + [True]


@pytest.mark.slow
def test_a_killed_user_does_not_leave_its_server_behind(user: Callable[[], User]) -> None:
    """The kernel gives back what a killed process leased."""
    one = user()
    pid, _ = one.joined()
    one.kill()
    assert ended(pid)


@pytest.mark.slow
def test_a_server_whose_starter_is_killed_ends(folder: Path) -> None:
    """A server that can tell nobody that it is ready has no user, and ends."""
    places.claim(folder)
    starting = places.lock(folder, places.STARTING, wait=True)
    assert starting is not None
    process, reader = control._launch(folder, Settings(), starting)
    os.close(reader)
    os.close(starting)
    process.wait()
    waited = time.monotonic() + 60
    while (not places.last_state(folder) or places.is_locked(folder, places.RUNNING)) and time.monotonic() < waited:
        time.sleep(0.05)
    assert places.last_state(folder)
    assert not places.is_locked(folder, places.RUNNING)


@pytest.mark.slow
def test_a_user_that_comes_while_the_server_ends_gets_a_new_one(user: Callable[[], User]) -> None:
    """Nobody is handed a server that is about to go."""
    for _ in range(2):
        one = user()
        pid, _ = one.joined()
        one.leave()
        next_one = user()
        next_pid, _ = next_one.joined()
        assert not ended(next_pid, 0.3)
        next_one.kill()
        assert ended(next_pid)
        assert pid != next_pid or ended(pid)


@pytest.mark.slow
def test_start_makes_a_users_server_a_lasting_one(folder: Path, user: Callable[[], User]) -> None:
    """``local start`` keeps the server of a running shell with ``--local``."""
    one = user()
    pid, _ = one.joined()
    running, started = control.start(folder, Settings())
    assert (running.pid, started) == (pid, False)
    one.leave()
    assert not ended(pid, 1)
    assert control.status(folder).lasting
    assert control.stop(folder)


@pytest.mark.slow
def test_a_killed_server_is_not_in_the_way(folder: Path) -> None:
    """Neither its state nor its locks nor its sockets keep the next one from starting."""
    running, _ = control.start(folder, Settings())
    os.kill(running.pid, signal.SIGKILL)
    assert ended(running.pid)
    assert (folder / "state.json").exists()
    assert control.find(folder) is None
    with control.join_or_start(folder, Settings()) as lease:
        assert lease.started
        assert lease.running.pid != running.pid
        assert not control.status(folder).lasting, "the killed one's wish to stay is gone with it"


HIDE = """
import ctypes
ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)  # PR_SET_PDEATHSIG
while True: time.sleep(1)
"""


@pytest.mark.slow
def test_a_killed_server_takes_imports_along_that_would_outlive_it(folder: Path) -> None:
    """Import code can't have the kernel forget that the end of the server is its own."""
    running, _ = control.start(folder, Settings())
    client = Client(running)
    client.request("PUT", "/c")
    client.put("/c/o", b"x")
    client.deploy("hide.py", storlet("", HIDE))
    connection = client.connect()
    sent = {"X-Auth-Token": client.token, "X-Run-Storlet": "hide.py"}
    connection.request("GET", f"{client.account}/c/o", headers=sent)
    server = psutil.Process(running.pid)
    deadline = time.monotonic() + 20
    while not (hidden := [one for child in server.children() for one in child.children()]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(1)  # its import has begun
    os.kill(running.pid, signal.SIGKILL)
    connection.close()
    client.close()
    assert all(ended(process.pid) for process in hidden)


@pytest.mark.slow
def test_a_number_of_a_dead_server_is_never_signalled(folder: Path) -> None:
    """A state file that names another living process, because numbers are used again, means nothing."""
    running, _ = control.start(folder, Settings())
    os.kill(running.pid, signal.SIGKILL)
    assert ended(running.pid)
    state = (folder / "state.json").read_text()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        (folder / "state.json").write_text(state.replace(str(running.pid), str(bystander.pid)))
        assert not control.stop(folder)
        assert bystander.poll() is None


@pytest.mark.slow
def test_an_ephemeral_server_leaves_nothing(folder: Path) -> None:
    """Its folder goes with it; the data folder is not even made."""
    with control.join_or_start(folder, Settings(ephemeral=True)) as lease:
        running = lease.running
        assert running.folder.exists()
        assert running.ephemeral
        assert control.find(folder) is None
    assert ended(running.pid)
    assert not running.folder.exists()
    assert not folder.exists()


@pytest.mark.slow
def test_a_killed_ephemeral_server_leaves_nothing_either(folder: Path) -> None:
    """The process that leased the server cleans up."""
    with control.join_or_start(folder, Settings(ephemeral=True)) as lease:
        os.kill(lease.running.pid, signal.SIGKILL)
        assert ended(lease.running.pid)
        assert lease.running.folder.exists()
    assert not lease.running.folder.exists()


@pytest.mark.slow
def test_a_lasting_ephemeral_server_stands_in_for_the_data_folder(folder: Path, user: Callable[[], User]) -> None:
    """It is found, joined and stopped by the data folder's name, and does not touch the data."""
    kept, _ = control.start(folder, Settings())
    control.stop(folder)
    running, started = control.start(folder, Settings(ephemeral=True))
    assert started
    assert running.folder != folder
    assert control.find(folder) == running
    assert control.status(folder).running == running
    assert user().joined() == (running.pid, False)
    assert control.start(folder, Settings(ephemeral=True)) == (running, False)
    assert control.stop(folder)
    assert not running.folder.exists()
    again, _ = control.start(folder, Settings())
    assert (again.folder, again.port) == (folder, kept.port)


@pytest.mark.slow
def test_the_server_belongs_to_no_terminal(folder: Path) -> None:
    """It has a session of its own, nothing to read from, and is nobody's child to wait for."""
    running, _ = control.start(folder, Settings())
    process = psutil.Process(running.pid)
    assert os.getsid(running.pid) != os.getsid(0)
    assert process.terminal() is None
    assert process.ppid() != os.getpid()
    assert Path(f"/proc/{running.pid}/fd/0").readlink() == Path("/dev/null")
    assert Path(f"/proc/{running.pid}/fd/2").readlink() == folder / "log"


@pytest.mark.slow
def test_the_password_is_seen_by_its_owner_only(folder: Path) -> None:
    """It is in files of mode 0600 in a folder of mode 0700, and in no process's arguments or environment."""
    running, _ = control.start(folder, Settings())
    assert len(running.key) >= 32
    assert running.key not in repr(running)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    holders = [path for path in folder.rglob("*") if path.is_file() and running.key.encode() in path.read_bytes()]
    assert {path.name for path in holders} == {"credentials.json", "proxy-server.conf"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in holders} == {0o600}
    for process in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            try:
                assert running.key.encode() not in (process / name).read_bytes()
            except OSError:
                continue  # ended, or somebody else's


@pytest.mark.slow
def test_only_loopback_listens(folder: Path) -> None:
    """One TCP port, on 127.0.0.1; the storage servers are behind sockets in the folder."""
    running, _ = control.start(folder, Settings())
    process = psutil.Process(running.pid)
    listening = [c.laddr for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN]
    assert listening == [("127.0.0.1", running.port)]


@pytest.mark.slow
def test_a_fixed_port_is_used_or_named(folder: Path, swift: control.Running) -> None:
    """A port in use is one clear line, and the next start works."""
    with pytest.raises(EmbeddedError, match=f"^port {swift.port} on 127.0.0.1 can't be used: Address already in use"):
        control.start(folder, Settings(port=swift.port))
    running, started = control.start(folder, Settings())
    assert started
    control.stop(folder)
    assert control.start(folder, Settings(port=running.port))[0].port == running.port


@pytest.mark.slow
def test_the_last_port_is_a_wish_only(folder: Path, swift: control.Running) -> None:
    """If another process has the port by now, the server takes another one."""
    running, _ = control.start(folder, Settings())
    control.stop(folder)
    state = folder / "state-last.json"
    state.write_text(state.read_text().replace(str(running.port), str(swift.port)))
    assert control.start(folder, Settings())[0].port != swift.port


@pytest.mark.slow
def test_stop_waits_for_what_is_being_answered(folder: Path) -> None:
    """An upload that ends soon after the signal is stored and answered; nothing outlives five seconds."""
    running, _ = control.start(folder, Settings())
    with connect(running) as connection:
        url, token = connection.get_auth()

        def body() -> object:
            yield b"first"
            time.sleep(1)  # until the server surely reads the upload: what it has not begun, it refuses
            os.kill(running.pid, signal.SIGTERM)
            time.sleep(0.5)
            yield b"second"

        swiftclient.put_object(url, token, "objects", "slow", body())
    assert ended(running.pid, 5.0)
    with control.join_or_start(folder, Settings()) as lease, connect(lease.running) as connection:
        assert connection.get_object("objects", "slow")[1] == b"firstsecond"


@pytest.mark.slow
def test_stop_ends_a_request_that_never_ends(folder: Path) -> None:
    """A client that neither sends nor leaves does not keep the server."""
    running, _ = control.start(folder, Settings())
    with connect(running) as connection:
        url, token = connection.get_auth()

        def body() -> object:
            yield b"first"
            began = time.monotonic()
            assert control.stop(folder)
            assert time.monotonic() - began < 5
            yield b"second"

        with pytest.raises((swiftclient.ClientException, OSError)):
            swiftclient.put_object(url, token, "objects", "slow", body())


@pytest.mark.slow
def test_reset_deletes_data_only(folder: Path, tmp_path: Path) -> None:
    """It refuses while a server runs, deletes a data folder whole, and nothing that is not one."""
    running, _ = control.start(folder, Settings())
    with pytest.raises(RefusedError, match="stop it first") as refused:
        control.reset(folder)
    assert refused.value.exit_status is ExitStatus.REFUSED
    control.reset(folder, stop_first=True)
    assert ended(running.pid, 0)
    assert not folder.exists()
    other = tmp_path / "other"
    other.mkdir()
    (other / "precious").touch()
    for path in (other, folder):
        with pytest.raises(EmbeddedError, match="isn't the data folder"):
            control.reset(path)
    assert (other / "precious").exists()


@pytest.mark.slow
def test_status_tells_what_there_is(folder: Path) -> None:
    """Show the status before, during, and after a server's run."""
    before = control.status(folder)
    assert before == control.Status(running=None, folder=folder, used_bytes=0, free_bytes=before.free_bytes)
    assert before.free_bytes > 0
    running, _ = control.start(folder, Settings(time_limit=7, memory_limit=2**28))
    shown = control.status(folder)
    assert replace(shown, used_bytes=0, free_bytes=0, sandbox="") == control.Status(
        running=running,
        folder=folder,
        used_bytes=0,
        free_bytes=0,
        lasting=True,
        time_limit=7,
        memory_limit=2**28,
        versions=shown.versions,
    )
    assert sorted(shown.versions) == ["storlets", "swift"]
    assert shown.used_bytes > 0
    assert shown.sandbox
    control.stop(folder)
    assert control.status(folder).running is None


def test_control_is_cheap_to_import() -> None:
    """Nothing of Swift is imported by those who only talk to the server."""
    code = "import sys; from storlet_shell.embedded import control; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"swift", "storlets", "eventlet", "swiftclient", "requests"} & set(modules)


@pytest.mark.slow
def test_a_failed_ephemeral_start_leaves_nothing(
    swift: control.Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its folder is gone, whether the server said what is wrong or could not even begin."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(EmbeddedError, match="can't be used"):
        control.join_or_start(Path(), Settings(ephemeral=True, port=swift.port))
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(EmbeddedError, match="didn't start"):
        control.join_or_start(Path(), Settings(ephemeral=True))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("reset", [False, True], ids=["killed", "reset"])
def test_a_session_whose_server_is_gone_starts_another(folder: Path, reset: bool) -> None:
    """A shell is not left with a server that somebody else has stopped, or that was killed."""
    surroundings = Surroundings({"STORLET_SHELL_DATA": str(folder)})
    with Session(surroundings, options=Options(local=True)) as session:
        session.client.send(Request("PUT", "kept")).close()
        running = control.find(folder)
        assert running is not None
        if reset:
            control.reset(folder, stop_first=True)
        else:
            os.kill(running.pid, signal.SIGKILL)
        assert ended(running.pid)
        assert (session.client.find(Request("HEAD", "kept")) is None) is reset
        other = control.find(folder)
        assert other is not None
        assert other.pid != running.pid
    assert ended(other.pid)
