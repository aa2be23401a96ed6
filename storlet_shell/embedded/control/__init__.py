"""Start, find, join and stop the embedded Swift.

A *lasting* server runs until it is stopped. Any other runs as long as somebody holds a :class:`Lease`: it exits when
the last lease ends, by :meth:`Lease.close` or with the process that holds it.

This package doesn't import swift, storlets or eventlet: only the server's process does.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from storlet_shell.embedded.control import folder as places
from storlet_shell.embedded.control import s3
from storlet_shell.embedded.control.folder import data_folder
from storlet_shell.embedded.control.settings import ISOLATION_LEVELS, KEYSTONE, TEMPAUTH, Running, Settings, Status
from storlet_shell.embedded.control.users import TESTER, USERS, environment
from storlet_shell.errors import EmbeddedError, RefusedError, UsageError
from storlet_shell.storlets.import_path import import_path

__all__ = [
    "ISOLATION_LEVELS",
    "KEYSTONE",
    "TEMPAUTH",
    "USERS",
    "Lease",
    "Running",
    "Settings",
    "Status",
    "data_folder",
    "environment",
    "find",
    "join_or_start",
    "reset",
    "s3",
    "start",
    "status",
    "stop",
]

_SERVER = "storlet_shell.embedded.server.main"
_START_SECONDS = {TEMPAUTH: 60.0, KEYSTONE: 180.0}  # Keystone has a thousand modules, and first creates a database
_STOP_SECONDS = 8.0

# The environment variables that the server inherits: those that Python may need to start, and none that could hold a
# password. They aren't configuration, which is passed in the settings.
_PASSED_ON = ("HOME", "JAVA_HOME", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "USER")

_SHOWN = ("time_limit", "memory_limit", "isolation", "sandbox", "versions")


class Lease:
    """The use of a running server; close it, or use it as a context manager.

    :param running: the server
    :param started: whether the server was started for this lease rather than joined
    """

    def __init__(self, running: Running, started: bool, users: int) -> None:
        self.running = running
        self.started = started
        self._users = users

    @property
    def holds(self) -> bool:
        """Whether the server still runs; somebody may have stopped or killed it, or started another one since."""
        folder = self.running.folder
        if not places.is_locked(folder, places.RUNNING):
            return False
        state = places.last_state(folder)
        return (state.get("pid"), state.get("started")) == (self.running.pid, self.running.started)

    def close(self) -> None:
        """Return the lease; the last one to be returned ends a server that isn't lasting."""
        if self._users < 0:
            return
        folder = self.running.folder
        if self.running.ephemeral and places.is_ours(folder) and not places.is_locked(folder, places.RUNNING):
            places.remove(folder)  # the server was killed and couldn't do it
        os.close(self._users)
        self._users = -1

    def __enter__(self) -> Lease:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def find(folder: Path) -> Running | None:
    """Return the server that runs on a data folder, or None; wait for one that is starting."""
    folder = places.current(folder)
    if not places.is_ours(folder):
        return None
    with _starting(folder):
        return _find(folder)


def join_or_start(folder: Path, settings: Settings) -> Lease:
    """Lease the server that runs on a data folder; start one if necessary.

    An ephemeral server is always a new one with a folder of its own; ``folder`` is ignored.

    :raises EmbeddedError: if it can't be started
    """
    if settings.auth is None:
        last = {} if settings.ephemeral else places.last_state(places.current(folder))
        settings = replace(settings, auth=last.get("auth", TEMPAUTH))
    _require_packages(settings)
    folder = places.temporary_folder() if settings.ephemeral else places.current(folder)
    if not places.is_ours(folder):
        places.claim(folder)
    with _starting(folder) as starting:
        # Blocks while a server that nobody uses finds out whether it is lasting, and until it is gone if it isn't.
        users = places.lock(folder, places.USERS, shared=True, wait=True)
        assert users is not None
        try:
            running = _find(folder)
            if running:
                return Lease(running, False, users)
            return Lease(_spawn(folder, settings, starting), True, users)
        except BaseException:
            os.close(users)
            if settings.ephemeral and places.is_ours(folder):
                places.remove(folder)
            raise


def start(folder: Path, settings: Settings) -> tuple[Running, bool]:
    """Start a lasting server, or make the running one lasting.

    An ephemeral server stands in for the data folder while it runs: other processes find it under the same path.

    :returns: the server, and whether it was started now
    :raises EmbeddedError: if it can't be started, or the running one doesn't match ``settings``
    """
    running = find(folder)
    if running and (settings.ephemeral != running.ephemeral or settings.port not in (None, running.port)):
        kind = "an ephemeral" if running.ephemeral else "a"
        raise EmbeddedError(f"{kind} server is already running on port {running.port}; stop it first: local stop")
    if running and settings.auth not in (None, running.auth):
        raise EmbeddedError(f"a server with {running.auth} is already running; stop it first: local stop")
    if running and settings.proxies not in (1, len(running.storage_urls)):
        count = len(running.storage_urls)
        raise EmbeddedError(f"a server is already running, its proxies: {count}; stop it first: local stop")
    if running and settings.identity_port not in (None, running.identity_port):
        raise EmbeddedError(
            f"a server with Keystone on port {running.identity_port} is already running; stop it first: local stop"
        )
    if running and settings.s3 and not running.s3:
        raise EmbeddedError("a server without S3 is already running; stop it first: local stop")
    asked = replace(settings, lasting=True, ephemeral=settings.ephemeral and running is None)
    with join_or_start(folder, asked) as lease:
        (lease.running.folder / places.LASTING).touch(mode=0o600)
        if asked.ephemeral:
            places.claim(folder)
            (folder / places.EPHEMERAL).write_text(str(lease.running.folder))
    return lease.running, lease.started


def stop(folder: Path) -> bool:
    """Stop the server on a data folder and wait for its end.

    :returns: False if no server was running
    """
    running = find(folder)
    if running is None:
        return False
    try:
        process = os.pidfd_open(running.pid)
    except ProcessLookupError:
        return False
    try:
        # The pidfd rules out another process with the same number from now on: is it still the server?
        if _find(running.folder) == running:
            _end(process)
    finally:
        os.close(process)
    if running.ephemeral and places.is_ours(running.folder):
        places.remove(running.folder)  # the server couldn't do it
    return True


def reset(folder: Path, *, stop_first: bool = False) -> None:
    """Delete a data folder: all accounts, containers, objects and logs in it.

    :param stop_first: stop a server that runs on it instead of refusing
    :raises RefusedError: if a server runs on it
    :raises EmbeddedError: if it isn't our data folder
    """
    if stop_first:
        stop(folder)
    if find(folder):
        raise RefusedError(f"a server is running on {folder}; stop it first: local stop")
    if not places.is_ours(folder):
        raise EmbeddedError(f"{folder}: not deleted, because it isn't the data folder of an embedded Swift")
    with _starting(folder):
        places.remove(folder)


def status(folder: Path) -> Status:
    """Return the state of a data folder and its server."""
    running = find(folder)
    folder = running.folder if running else folder
    state = places.read_state(folder) if running else {}
    return Status(
        running=running,
        folder=folder,
        used_bytes=places.used_bytes(folder),
        free_bytes=places.free_bytes(folder),
        lasting=running is not None and (folder / places.LASTING).exists(),
        **{name: state[name] for name in _SHOWN if name in state},
    )


@contextmanager
def _starting(folder: Path) -> Iterator[int]:
    """Hold the exclusive right to start a server on a folder; wait while another one is starting."""
    starting = places.lock(folder, places.STARTING, wait=True)
    assert starting is not None
    try:
        yield starting
    finally:
        os.close(starting)


def _find(folder: Path) -> Running | None:
    """Return the server that runs on a folder, unless it is starting or exiting."""
    if not places.is_locked(folder, places.RUNNING):
        return None
    state, secrets = places.read_state(folder), places.read_secrets(folder)
    if not state or secrets is None:
        return None
    key = TESTER.password if state.get("auth") == KEYSTONE else secrets.key
    try:
        facts = {name: state[name] for name in ("pid", "port", "ephemeral", "started")}
    except KeyError:
        raise places.broken(folder, places.STATE) from None
    facts |= {name: state[name] for name in ("user", "auth", "identity_port", "account", "s3") if name in state}
    facts["further_ports"] = tuple(state.get("further_ports", ()))
    return Running(key=key, folder=folder, **facts)


def _end(process: int) -> None:
    """End a process and wait for it.

    :param process: its pidfd
    """
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            signal.pidfd_send_signal(process, number)
        except ProcessLookupError:
            return
        if select.select([process], [], [], _STOP_SECONDS)[0]:
            return
    raise EmbeddedError("the embedded Swift doesn't exit, even when killed; its disk doesn't respond")


def _require_packages(settings: Settings) -> None:
    """Check that the server's packages are installed, without importing them."""
    packages = {"swift": "embedded", "storlets": "embedded"}
    if settings.auth == KEYSTONE:
        packages |= {"keystone": "keystone", "keystonemiddleware": "keystone", "waitress": "keystone"}
    for package, extra in packages.items():
        if find_spec(package) is None:
            raise UsageError(f"{package} is not installed; run: pip install 'storlet-shell[{extra}]'")


def _spawn(folder: Path, settings: Settings, starting: int) -> Running:
    """Start the server's process and wait until it answers requests.

    :param starting: the lock that keeps others from starting one; the process holds it as well until it is ready
    """
    places.check(folder)
    seconds = _START_SECONDS[settings.auth or TEMPAUTH]
    process, reader = _launch(folder, settings, starting)
    try:
        answer = _answer(reader, seconds)
    finally:
        os.close(reader)
        process.wait()  # it only forks the server, which is in the same process group
    if answer is None:
        os.killpg(process.pid, signal.SIGKILL)
        raise EmbeddedError(f"the embedded Swift didn't respond within {seconds:.0f} seconds of its start")
    if "error" in answer:
        raise EmbeddedError(answer["error"])
    running = _find(folder)
    if running is None:
        last = places.last_line(folder)
        raise EmbeddedError(f"the embedded Swift didn't start: {last}; see its log: {folder / places.LOG}")
    return running


def _launch(folder: Path, settings: Settings, starting: int) -> tuple[subprocess.Popen[bytes], int]:
    """Start the server's process.

    :returns: the process, and the pipe that it reports through
    """
    log = places.open_log(folder)
    reader, writer = os.pipe()
    arguments = {**asdict(settings), "ready": writer, "starting": starting}
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", _SERVER, json.dumps(arguments)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            env=_environment(),
            pass_fds=(writer, starting),
            start_new_session=True,
        )
    except BaseException:
        os.close(reader)
        raise
    finally:
        os.close(log)
        os.close(writer)
    return process, reader


def _environment() -> dict[str, str]:
    """Return the environment for the server's process."""
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    # Names on loopback need no resolver, and importing eventlet's takes a quarter of a second. All threads wait with
    # poll, as in Swift's own servers (swift/common/utils: get_hub): the kernel limits a user's epoll watches, and
    # storlets may run as the same user.
    return {
        **passed,
        "PYTHONPATH": os.pathsep.join(import_path()),
        "EVENTLET_NO_GREENDNS": "yes",
        "EVENTLET_HUB": "poll",
    }


def _answer(reader: int, seconds: float) -> dict[str, Any] | None:
    """Read the single line that a starting server sends: that it is ready, or what went wrong.

    :returns: empty if it died, None if it takes too long
    """
    text = b""
    while select.select([reader], [], [], seconds)[0]:
        part = os.read(reader, 65536)
        text += part
        if not part or text.endswith(b"\n"):
            return json.loads(text) if text else {}
    return None
