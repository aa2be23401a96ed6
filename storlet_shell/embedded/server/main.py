"""The process of the embedded Swift: ``python -m storlet_shell.embedded.server.main ARGUMENTS`` in the data folder.

:mod:`.control` starts it. ``ARGUMENTS`` is JSON: the settings and two file descriptors. ``ready`` is the pipe that one
line is written to once requests are answered, or the start has failed; ``starting`` is a lock to release then.
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

# The kernel's own function: eventlet's replacement retries forever when nobody reads the other end (EPIPE).
_write = os.write

HERE = Path()


def main() -> None:
    """Run the server until it is stopped, or until nobody uses it."""
    if os.fork():
        os._exit(0)  # so that the process that started it has no child to wait for
    arguments = json.loads(sys.argv[1])
    ready, starting = arguments.pop("ready"), arguments.pop("starting")
    for fd in (ready, starting):
        os.set_inheritable(fd, False)  # child processes must not hold them
    # Blocks only while an exiting server isn't gone yet: a starter has checked that no other server runs.
    running = places.lock(HERE, places.RUNNING, wait=True)
    assert running is not None
    settings = Settings(**arguments)
    failure = _attempt(settings, ready, starting)
    if settings.ephemeral:
        _remove(Path.cwd())
    os.close(running)
    if failure:
        _tell(ready, {"error": failure})  # last, when nothing of this server is in the way of the next one
    os._exit(0)  # without waiting for native threads that wait for locks or disks


def _attempt(settings: Settings, ready: int, starting: int) -> str:
    """Run the server; return the reason if it failed, or an empty text."""
    try:
        _run(settings, ready, starting)
    except EmbeddedError as error:
        return str(error)
    except Exception as error:
        traceback.print_exc()
        return f"the embedded Swift didn't start: {error!r}; see its log: {Path.cwd() / places.LOG}"
    return ""


def _run(settings: Settings, ready: int, starting: int) -> None:
    """Start all servers, report that they are ready, and serve until the end."""
    os.umask(0o077)
    log.start()
    _raise_file_limit()
    wakeup = _listen_to_signals()
    last = _forget_last_run(settings)

    import eventlet

    eventlet.monkey_patch()

    from swift.common.utils import monkey_patch

    monkey_patch()  # as Swift's own servers do: gives logging locks that native threads can share

    from storlet_shell.embedded.server.servers import Servers  # after patching, which Swift's modules rely on

    servers = Servers(settings, last)
    _publish(settings, servers)
    os.close(starting)
    _tell(ready, {"ready": True})
    _watch_users()
    eventlet.hubs.trampoline(wakeup, read=True)
    _stop(servers)


def _publish(settings: Settings, servers: Any) -> None:
    """Store this server's description for other processes."""
    state = {
        "pid": os.getpid(),
        "port": servers.port,
        "further_ports": servers.further_ports,
        "ephemeral": settings.ephemeral,
        "s3": settings.s3,
        "started": time.time(),
        "time_limit": settings.time_limit,
        "memory_limit": settings.memory_limit,
        "isolation": settings.isolation,
        "sandbox": servers.sandbox,
        "versions": servers.versions,
        **servers.identity,
    }
    places.write_state(HERE, state)


def _stop(servers: Any) -> None:
    """Stop everything, within a few seconds in any case."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(_LAST_SECONDS)  # the kernel ends the process if anything below hangs
    (HERE / places.STATE).rename(HERE / places.LAST_STATE)  # nobody joins from now on
    (HERE / places.LASTING).unlink(missing_ok=True)
    servers.stop(_GRACE_SECONDS)


def _forget_last_run(settings: Settings) -> dict[str, Any]:
    """Archive the last server's description and return it; empty if it is missing or damaged."""
    last = places.last_state(HERE)
    (HERE / places.STATE).unlink(missing_ok=True)
    if not settings.lasting:
        (HERE / places.LASTING).unlink(missing_ok=True)
    return last


def _raise_file_limit() -> None:
    """Raise the limit of open files to this user's maximum: each request needs several."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


def _listen_to_signals() -> int:
    """Make termination signals readable from a file descriptor.

    :returns: the descriptor; eventlet's hub isn't woken by signal handlers, but by this
    """
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(writer)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    return reader


def _watch_users() -> None:
    """Stop this process when nobody uses it, unless it has become a lasting one."""
    from eventlet.patcher import original  # waiting for a lock in the kernel needs a native thread

    original("threading").Thread(target=_wait_for_last_user, daemon=True).start()


def _wait_for_last_user() -> None:
    """Wait for the lock that all users share."""
    users = places.lock(HERE, places.USERS, wait=True)
    assert users is not None
    if (HERE / places.LASTING).exists():
        os.close(users)
    else:
        os.kill(os.getpid(), signal.SIGTERM)  # keeps the lock: newcomers wait for the end, then start another server


def _remove(folder: Path) -> None:
    """Delete an ephemeral folder; whatever remains is deleted by a lease or by whoever stops the server."""
    try:
        places.remove(folder)
    except EmbeddedError:
        traceback.print_exc()


def _tell(ready: int, message: dict[str, Any]) -> None:
    """Send one line to the process that started this one, unless that is gone."""
    try:
        _write(ready, json.dumps(message).encode() + b"\n")
        os.close(ready)
    except OSError:
        pass


if __name__ == "__main__":
    main()
