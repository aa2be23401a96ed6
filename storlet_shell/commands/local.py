"""``local``: the embedded Swift."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from storlet_shell.commands._arguments import YES
from storlet_shell.embedded import control
from storlet_shell.errors import EmbeddedError, UsageError
from storlet_shell.registry import Arg, command
from storlet_shell.results import Done, Report, Result
from storlet_shell.session import Session

_MIB = 2**20


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise UsageError(f"a number above 0 is wanted, not {text}")
    return int(text)


def _port(text: str) -> int:
    number = _positive(text)
    if number > 65535:
        raise UsageError(f"a port is a number from 1 to 65535, not {text}")
    return number


@command(
    "local",
    "Start, stop, show or empty the embedded Swift.",
    Arg("action", nargs="?", choices=("start", "stop", "status", "reset"), default="status", help="status by default"),
    Arg("--port", type=_port, metavar="PORT", help="start: the port; otherwise the last one, or a free one"),
    Arg("--time-limit", type=_positive, metavar="SECONDS", help="start: how long a storlet may run (40)"),
    Arg("--memory-limit", type=_positive, metavar="MIB", help="start: the memory a storlet may use (512)"),
    YES,
    category="Session",
)
def local(
    session: Session,
    action: str,
    port: int | None = None,
    time_limit: int | None = None,
    memory_limit: int | None = None,
    yes: bool = False,
) -> Result:
    """Start, stop, show or empty the embedded Swift: a real Swift with real storlets on this machine alone.

    Started by this command it stays until it is stopped, and its data stay until they are reset. Use it from any
    storlet-shell with --local, or for a whole terminal with STORLET_SHELL_LOCAL=1.

    :raises EmbeddedError: when it can't be started or stopped
    :raises RefusedError: when data are to be deleted and the answer is no
    """
    if session.options.ephemeral and action != "status":
        raise UsageError("this session's embedded Swift is its own (--ephemeral), and ends with it")
    folder = session.leased_folder or control.data_folder(session.local_folder)
    if action == "start":
        return _start(session, folder, port, time_limit, memory_limit)
    if action == "status":
        return Report(_status(control.status(folder)))
    if action == "reset":
        session.confirm(f"Delete every container and object of the embedded Swift in {folder}?", yes=yes)
        session.close()
        control.reset(folder, stop_first=True)
        return Done(f"the embedded Swift's data are deleted: {folder}", {"deleted": str(folder)})
    session.close()
    session.adopt_local(adopt=False)
    stopped = control.stop(folder)
    message = "the embedded Swift is stopped; its data are kept" if stopped else "the embedded Swift was not running"
    return Done(message, {"stopped": stopped})


def _start(
    session: Session, folder: Path, port: int | None, time_limit: int | None, memory_limit: int | None
) -> Result:
    settings = control.Settings(port, time_limit or 40, (memory_limit or 512) * _MIB)
    running, started = control.start(folder, settings)
    if not started:
        _require_limits(control.status(folder), time_limit, memory_limit)
    use = "this session uses it" if session.adopt_local(adopt=True) else "use it with --local"
    facts = {"started": started, "auth_url": running.auth_url, "user": running.user, "pid": running.pid}
    verb = "started" if started else "runs already"
    return Done(f"the embedded Swift {verb}: {running.auth_url}, user {running.user}; {use}", facts)


def _require_limits(status: control.Status, time_limit: int | None, memory_limit: int | None) -> None:
    """Check that a server that runs already has the limits that are asked for; it keeps those it was started with."""
    held = status.time_limit, status.memory_limit // _MIB
    if held != (time_limit or held[0], memory_limit or held[1]):
        raise EmbeddedError(
            f"the embedded Swift runs already, with the limits {held[0]} s and {held[1]} MiB; stop it first: local stop"
        )


def _status(status: control.Status) -> dict[str, Any]:
    running = status.running
    facts: dict[str, Any] = {"running": "yes" if running else "no"}
    if running:
        facts |= {
            "auth URL": running.auth_url,
            "user": running.user,
            "process": running.pid,
            "since": time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(running.started)),
            "until": "it is stopped" if status.lasting else "nobody uses it any more",
            "time limit": f"{status.time_limit} s",
            "memory limit": f"{status.memory_limit // _MIB} MiB",
            "sandbox": status.sandbox or "none",
            "versions": ", ".join(f"{name} {version}" for name, version in status.versions.items()),
        }
    facts |= {
        "data": str(status.folder),
        "used": f"{status.used_bytes / _MIB:.1f} MiB",
        "free": f"{status.free_bytes / _MIB:.0f} MiB",
    }
    return facts
