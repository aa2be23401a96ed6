"""Start, find, join and stop the embedded Swift.

A server either is *lasting*, and stays until it is stopped, or it stays as long as somebody has a :class:`Lease` on it:
when the last lease ends, by :meth:`Lease.close` or with its process, the server ends by itself.

Nothing here imports swift, storlets or eventlet: they live in the server's process only.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from storlet_shell.embedded.control import folder as places
from storlet_shell.embedded.control.folder import data_folder
from storlet_shell.embedded.control.settings import KEYSTONE, TEMPAUTH, Running, Settings, Status
from storlet_shell.embedded.control.users import TESTER, USERS, environment
from storlet_shell.errors import EmbeddedError, RefusedError, UsageError

__all__ = [
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
    "start",
    "status",
    "stop",
]

_SERVER = "storlet_shell.embedded.server.main"
_START_SECONDS = {TEMPAUTH: 60.0, KEYSTONE: 180.0}  # Keystone is some thousand modules, and at first a database
_STOP_SECONDS = 8.0

# What of this process's surroundings the server gets: what Python itself may need to start, and nothing that could be
# somebody's password. It is no configuration: that comes in the settings.
_PASSED_ON = ("HOME", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "USER")


class Lease:
    """The use of a running server; close it, or use it as a context, when the server is needed no more.

    :param running: the server
    :param started: whether it was started for this lease, rather than joined
    """

    def __init__(self, running: Running, started: bool, users: int) -> None:
        self.running = running
        self.started = started
        self._users = users

    @property
    def holds(self) -> bool:
        """Whether the server is still there: somebody may have stopped or killed it, or started another since."""
        folder = self.running.folder
        if not places.is_locked(folder, places.RUNNING):
            return False
        state = places.last_state(folder)
        return (state.get("pid"), state.get("started")) == (self.running.pid, self.running.started)

    def close(self) -> None:
        """Give the lease back; the last one to do so ends a server that is not lasting."""
        if self._users < 0:
            return
        folder = self.running.folder
        if self.running.ephemeral and places.is_ours(folder) and not places.is_locked(folder, places.RUNNING):
            places.remove(folder)  # the server was killed and could not do so itself
        os.close(self._users)
        self._users = -1

    def __enter__(self) -> Lease:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def find(folder: Path) -> Running | None:
    """Return the server that runs on a data folder, None if there is none; wait for one that is just starting."""
    folder = places.current(folder)
    if not places.is_ours(folder):
        return None
    with _starting(folder):
        return _find(folder)


def join_or_start(folder: Path, settings: Settings) -> Lease:
    """Lease the server that runs on a data folder; start one if there is none.

    An ephemeral server is always a new one: it has a folder of its own, and ``folder`` does not count.

    :raises EmbeddedError: it can't be started; the message says why
    """
    if settings.auth is None:
        last = {} if settings.ephemeral else places.last_state(places.current(folder))
        settings = replace(settings, auth=last.get("auth", TEMPAUTH))
    _require_packages(settings)
    folder = places.temporary_folder() if settings.ephemeral else places.current(folder)
    if not places.is_ours(folder):
        places.claim(folder)
    with _starting(folder) as starting:
        running = _find(folder)
        users = places.lock(folder, places.USERS, shared=True)
        if running and users is not None:
            return Lease(running, False, users)
        if users is None:  # the server found that nobody uses it a moment ago, and is ending
            users = places.lock(folder, places.USERS, shared=True, wait=True)
        assert users is not None
        try:
            return Lease(_spawn(folder, settings, starting), True, users)
        except BaseException:
            os.close(users)
            if settings.ephemeral and places.is_ours(folder):
                places.remove(folder)
            raise


def start(folder: Path, settings: Settings) -> tuple[Running, bool]:
    """Start a lasting server, or make the one that runs a lasting one.

    An ephemeral one stands in for the data folder as long as it runs: the others are found by the same name.

    :returns: the server, and whether it was started now
    :raises EmbeddedError: it can't be started; or one that runs is not what ``settings`` demand
    """
    running = find(folder)
    if running and (settings.ephemeral != running.ephemeral or settings.port not in (None, running.port)):
        kind = "an ephemeral" if running.ephemeral else "a"
        raise EmbeddedError(f"{kind} server runs already, on port {running.port}; stop it first: local stop")
    if running and settings.auth not in (None, running.auth):
        raise EmbeddedError(f"a server runs already, with {running.auth}; stop it first: local stop")
    if running and settings.proxies not in (1, len(running.storage_urls)):
        raise EmbeddedError(
            f"a server runs already, its proxies: {len(running.storage_urls)}; stop it first: local stop"
        )
    if running and settings.identity_port not in (None, running.identity_port):
        raise EmbeddedError(
            f"a server runs already, Keystone on port {running.identity_port}; stop it first: local stop"
        )
    asked = replace(settings, lasting=True, ephemeral=settings.ephemeral and running is None)
    with join_or_start(folder, asked) as lease:
        (lease.running.folder / places.LASTING).touch(mode=0o600)
        if asked.ephemeral:
            places.claim(folder)
            (folder / places.EPHEMERAL).write_text(str(lease.running.folder))
    return lease.running, lease.started


def stop(folder: Path) -> bool:
    """Stop the server on a data folder and wait for its end.

    :returns: False if there was none
    """
    running = find(folder)
    if running is None:
        return False
    try:
        process = os.pidfd_open(running.pid)
    except ProcessLookupError:
        return False
    try:
        # Now that the process can't be confused with a later one of the same number: is it still the server?
        if _find(running.folder) == running:
            _end(process)
    finally:
        os.close(process)
    if running.ephemeral and places.is_ours(running.folder):
        places.remove(running.folder)  # it could not do so itself
    return True


def reset(folder: Path, *, stop_first: bool = False) -> None:
    """Delete a data folder: all accounts, containers, objects and logs in it.

    :param stop_first: stop a server that runs on it, instead of refusing
    :raises RefusedError: a server runs on it
    :raises EmbeddedError: it is no data folder of ours
    """
    if stop_first:
        stop(folder)
    if find(folder):
        raise RefusedError(f"a server runs on {folder}; stop it first: local stop")
    if not places.is_ours(folder):
        raise EmbeddedError(f"{folder} is not deleted: it is no data folder of an embedded Swift")
    with _starting(folder):
        places.remove(folder)


def status(folder: Path) -> Status:
    """Return what there is to know about a data folder and its server."""
    running = find(folder)
    folder = running.folder if running else folder
    held = places.read_state(folder) if running else {}
    return Status(
        running=running,
        folder=folder,
        used_bytes=places.used_bytes(folder),
        free_bytes=places.free_bytes(folder),
        lasting=running is not None and (folder / places.LASTING).exists(),
        **{name: held[name] for name in ("time_limit", "memory_limit", "sandbox", "versions") if name in held},
    )


@contextmanager
def _starting(folder: Path) -> Iterator[int]:
    """Be the only one that starts a server on a folder; a server that is being started keeps others waiting too."""
    starting = places.lock(folder, places.STARTING, wait=True)
    assert starting is not None
    try:
        yield starting
    finally:
        os.close(starting)


def _find(folder: Path) -> Running | None:
    """Return the server that runs on a folder and is neither starting nor ending."""
    if not places.is_locked(folder, places.RUNNING):
        return None
    held, secrets = places.read_state(folder), places.read_secrets(folder)
    if not held or secrets is None:
        return None
    key = TESTER.password if held.get("auth") == KEYSTONE else secrets.key
    try:
        facts = {name: held[name] for name in ("pid", "port", "ephemeral", "started")}
    except KeyError:
        raise places.broken(folder, places.STATE) from None
    facts |= {name: held[name] for name in ("user", "auth", "identity_port", "account") if name in held}
    facts["further_ports"] = tuple(held.get("further_ports", ()))
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
    raise EmbeddedError("the embedded Swift does not end, not even when it is killed; its disk does not answer")


def _require_packages(settings: Settings) -> None:
    """Find out whether the server's packages are installed, without importing them."""
    packages = {"swift": "embedded", "storlets": "embedded"}
    if settings.auth == KEYSTONE:
        packages |= {"keystone": "keystone", "keystonemiddleware": "keystone", "waitress": "keystone"}
    for package, extra in packages.items():
        if find_spec(package) is None:
            raise UsageError(f"{package} is not installed; run: pip install 'storlet-shell[{extra}]'")


def _spawn(folder: Path, settings: Settings, starting: int) -> Running:
    """Start the server's process and wait until it answers requests.

    :param starting: the lock that keeps others from starting one; the process holds it too until it is ready
    """
    places.check(folder)
    seconds = _START_SECONDS[settings.auth or TEMPAUTH]
    process, reader = _launch(folder, settings, starting)
    try:
        answer = _answer(reader, seconds)
    finally:
        os.close(reader)
        process.wait()  # it only forks the server, which is in its process group
    if answer is None:
        os.killpg(process.pid, signal.SIGKILL)
        raise EmbeddedError(f"the embedded Swift did not answer within {seconds:.0f} seconds of its start")
    if "error" in answer:
        raise EmbeddedError(answer["error"])
    running = _find(folder)
    if running is None:
        last = places.last_line(folder)
        raise EmbeddedError(f"the embedded Swift did not start: {last}; its log: {folder / places.LOG}")
    return running


def _launch(folder: Path, settings: Settings, starting: int) -> tuple[subprocess.Popen[bytes], int]:
    """Start the server's process.

    :returns: the process, and the pipe that it answers through
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
    """Return the environment of the server's process."""
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    # The same packages as here, wherever this process has them from; but not what lies in its working folder ("", or
    # its name after python -m) or beside the program that it runs: that may be full of a user's modules of any name,
    # and a home folder at that, and storlets can read what is passed.
    here = str(Path(__file__).parents[3])
    kept = [entry for entry in sys.path if entry == here or (entry and not _is_users(entry))]
    path = os.pathsep.join([*kept, here])
    # Names on loopback need no resolver, and eventlet's takes a quarter of a second to import. Every thread waits by
    # poll, as in Swift's own servers (swift/common/utils: get_hub): the kernel bounds the epoll watches of a user, and
    # storlets may be the same user's.
    return {**passed, "PYTHONPATH": path, "EVENTLET_NO_GREENDNS": "yes", "EVENTLET_HUB": "poll"}


def _is_users(entry: str) -> bool:
    """Tell whether a folder is on the path only because this process works there, or its program lies there."""
    program = getattr(sys.modules["__main__"], "__file__", None)
    for place in (Path(), *([Path(program).parent] if program else [])):
        with suppress(OSError):  # one of them is not there
            if Path(entry).samefile(place):
                return True
    return False


def _answer(reader: int, seconds: float) -> dict[str, Any] | None:
    """Read the one line that a starting server sends: ready, or what went wrong.

    :returns: empty if it died, None if it takes too long
    """
    text = b""
    while select.select([reader], [], [], seconds)[0]:
        part = os.read(reader, 65536)
        text += part
        if not part or text.endswith(b"\n"):
            return json.loads(text) if text else {}
    return None
