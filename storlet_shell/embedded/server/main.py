"""The process of the embedded Swift: ``python -m storlet_shell.embedded.server.main ARGUMENTS`` in the data folder.

:mod:`.control` starts it; ``ARGUMENTS`` is the JSON text of the settings and of two file descriptors: ``ready``, the
pipe that one line is written to when requests are answered or when that has failed, and ``starting``, a lock to let go
then.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from storlet_shell.embedded.control import folder as places
from storlet_shell.embedded.control.settings import Settings
from storlet_shell.embedded.server import log
from storlet_shell.errors import EmbeddedError

_GRACE_SECONDS = 2.0
_LAST_SECONDS = 5
_MOST_FILES = 65536

# The kernel's own: with nobody at the other end, eventlet's, which takes its place, tries again without end (EPIPE).
_write = os.write

HERE = Path()


def main() -> None:
    """Run the server until it is told to end, or until nobody uses it any more."""
    if os.fork():
        os._exit(0)  # whoever started it has no child to wait for, now or later
    arguments = json.loads(sys.argv[1])
    ready, starting = arguments.pop("ready"), arguments.pop("starting")
    for fd in (ready, starting):
        os.set_inheritable(fd, False)  # nothing that is started here may hold them
    # Blocks only while a server that is ending is not gone yet: whoever starts one has looked for others.
    running = places.lock(HERE, places.RUNNING, wait=True)
    assert running is not None
    settings = Settings(**arguments)
    failure = _attempt(settings, ready, starting)
    if settings.ephemeral:
        _remove(Path.cwd())
    os.close(running)
    if failure:
        _tell(ready, {"error": failure})  # at last, when nothing of this server is in the next one's way
    os._exit(0)  # native threads that wait for locks or disks keep nothing up


def _attempt(settings: Settings, ready: int, starting: int) -> str:
    """Run the server; return why it could not, empty at a good end."""
    try:
        _run(settings, ready, starting)
    except EmbeddedError as error:
        return str(error)
    except Exception as error:
        traceback.print_exc()
        return f"the embedded Swift did not start: {error!r}; its log: {Path.cwd() / places.LOG}"
    return ""


def _run(settings: Settings, ready: int, starting: int) -> None:
    """Start all servers, say so, and serve until the end."""
    os.umask(0o077)
    log.start()
    _raise_file_limit()
    wakeup = _listen_to_signals()
    last = _forget_last_run(settings)

    import eventlet

    eventlet.monkey_patch()

    from swift.common.utils import monkey_patch

    monkey_patch()  # what Swift's own servers do: locks of the logging that native threads can share

    from storlet_shell.embedded.server.servers import Servers  # Swift's modules must find everything patched

    servers = Servers(settings, last)
    _publish(settings, servers)
    os.close(starting)
    _tell(ready, {"ready": True})
    _watch_users()
    eventlet.hubs.trampoline(wakeup, read=True)
    _stop(servers)


def _publish(settings: Settings, servers: Any) -> None:
    """Store what others need to know of this server."""
    state = {
        "pid": os.getpid(),
        "port": servers.port,
        "further_ports": servers.further_ports,
        "ephemeral": settings.ephemeral,
        "started": time.time(),
        "time_limit": settings.time_limit,
        "memory_limit": settings.memory_limit,
        "sandbox": servers.sandbox,
        "versions": servers.versions,
        **servers.identity,
    }
    places.write_state(HERE, state)


def _stop(servers: Any) -> None:
    """End everything, within a few seconds in any case."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(_LAST_SECONDS)  # the kernel's last word, should anything below hang
    (HERE / places.STATE).rename(HERE / places.LAST_STATE)  # from now on nobody joins
    (HERE / places.LASTING).unlink(missing_ok=True)
    servers.stop(_GRACE_SECONDS)


def _forget_last_run(settings: Settings) -> dict[str, Any]:
    """Put away what the last server said of itself, and return it; empty if there is nothing or it makes no sense."""
    last = places.last_state(HERE)
    (HERE / places.STATE).unlink(missing_ok=True)
    if not settings.lasting:
        (HERE / places.LASTING).unlink(missing_ok=True)
    return last


def _raise_file_limit() -> None:
    """Allow as many open files as this user may have: each request holds several."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _listen_to_signals() -> int:
    """Make the signals to end readable.

    :returns: a file descriptor; eventlet's hub sleeps through a signal's handler, but not through this
    """
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(writer)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    return reader


def _watch_users() -> None:
    """End this process when nobody uses it any more, unless it is a lasting one by then."""
    from eventlet.patcher import original  # a green thread can't wait for a lock in the kernel

    original("threading").Thread(target=_wait_for_last_user, daemon=True).start()


def _wait_for_last_user() -> None:
    """Wait for the lock that every user shares."""
    users = places.lock(HERE, places.USERS, wait=True)
    assert users is not None
    if (HERE / places.LASTING).exists():
        os.close(users)
    else:
        os.kill(os.getpid(), signal.SIGTERM)  # keeps the lock: who comes now waits for the end and starts another


def _remove(folder: Path) -> None:
    """Delete an ephemeral folder; who holds a lease on it, or stops it, deletes what is left."""
    try:
        places.remove(folder)
    except EmbeddedError:
        traceback.print_exc()


def _tell(ready: int, message: dict[str, Any]) -> None:
    """Send one line to whoever started this process, unless that is gone."""
    try:
        _write(ready, json.dumps(message).encode() + b"\n")
        os.close(ready)
    except OSError:
        pass


if __name__ == "__main__":
    main()
