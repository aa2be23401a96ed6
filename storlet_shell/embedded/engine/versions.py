"""The server's view of warm parents, one for each deployed storlet version, and of the children that they fork."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import eventlet
from eventlet.event import Event
from eventlet.patcher import original

from storlet_shell.embedded.engine import reports
from storlet_shell.embedded.engine.failures import Failure, InvocationError, ended
from storlet_shell.embedded.engine.reports import Done, Hello, Idle, Loaded, Reaped, Report
from storlet_shell.embedded.processes import descriptors, messages
from storlet_shell.embedded.processes.descriptors import Progress, StalledError
from storlet_shell.embedded.processes.messages import Message

_socket = original("socket")
_SPARES = 1
_STATUSES = 256
_REAP_SECONDS = 1.0
_FORK_SECONDS = 15.0

PYTHON, JAVA = "python", "java"
"""The languages of storlets."""

MOST_IDLE = 4
"""The maximum number of idle children of a version that can run another invocation."""

_IDLE_SECONDS = 60.0
_SETTLE_SECONDS = 0.05  # a child is idle very soon after its result, unless threads are left

_FORKS = 3  # how often a new child may turn out dead before an invocation fails


@dataclass(frozen=True)
class Key:
    """The identity of a storlet's version: if any of it changes, a new warm parent is needed.

    :ivar timestamp: Swift's ``X-Timestamp`` of the storlet object
    :ivar dependencies: the name, ETag, timestamp and permissions of each
    :ivar language: :data:`PYTHON` or :data:`JAVA`
    """

    account: str
    storlet: str
    main: str
    timestamp: str
    dependencies: tuple[tuple[str, ...], ...] = ()
    language: str = PYTHON

    @property
    def deployment(self) -> tuple[str, str]:
        """The part that all versions of a storlet share."""
        return self.account, self.storlet

    @property
    def files(self) -> tuple[str, ...]:
        """The names of its files."""
        return self.storlet, *(name for name, *_ in self.dependencies)


def green_pair() -> tuple[Any, int]:
    """Return this process's end of a channel, non-blocking, and the descriptor of the other end."""
    channel, other = _socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    channel.setblocking(False)
    return channel, other.detach()


def send(channel: Any, message: Message, handed_over: list[int], seconds: float | None = None) -> None:
    """Send a message as soon as the channel has room for it.

    :param seconds: the time limit for that; None for a reader that is trusted to read
    :raises OSError: if either end is closed
    :raises StalledError: if the time limit is exceeded
    """
    while True:
        try:
            return messages.send(channel, message, handed_over)
        except BlockingIOError:  # its reader is busy, but not dead
            descriptors.wait_writable(channel.fileno(), seconds)


class Child:
    """A process that waits for an invocation, or runs it.

    :param channel: the channel to it
    :param status: returns its exit status; None while that is unknown
    :ivar refusal: why it isn't ready, in words
    """

    def __init__(self, channel: Any, status: Callable[[], int | None]) -> None:
        self.refusal = ""
        self._channel = channel
        self._status = status
        self._process = -1

    def is_ready(self, parent: int, progress: Progress) -> bool:
        """Wait until it has introduced itself; return False if it exits first.

        :param parent: the process ID of its warm parent
        """
        hello, pid = self._receive(progress)
        if not isinstance(hello, Hello):
            self.refusal = hello.message if isinstance(hello, Failure) else "it exited at once"
            return False
        self._process = _open_child(pid, parent)
        if self._process < 0:
            self.refusal = f"process {pid} is gone"
            return False
        return True

    def send(self, order: Message, handed_over: list[int]) -> None:
        """Send it its invocation."""
        send(self._channel, order, handed_over)

    def verdict(self, progress: Progress) -> Failure | None:
        """Wait until it reports the result, or exits without; return None on success."""
        report, _ = self._receive(progress)
        if report is None:
            return ended(self._exit_status())
        if isinstance(report, Done):
            return None
        # It has said hello, so it was started: it can no longer claim that the engine failed.
        return report if isinstance(report, Failure) and report.kind != "engine" else reports.NONSENSE

    def is_idle(self) -> bool:
        """Whether it has reported, after its result, that it can run another invocation."""
        try:
            report, _ = self._receive(Progress(_SETTLE_SECONDS))
        except StalledError:
            return False
        return isinstance(report, Idle)

    def kill(self) -> None:
        """Kill it; since it is the first of its process namespace, everything it started dies with it."""
        if self._process >= 0:
            with suppress(OSError):
                signal.pidfd_send_signal(self._process, signal.SIGKILL)

    def close(self) -> None:
        """End it, and forget it."""
        self.kill()
        descriptors.close(self._process)
        self._process = -1
        self._channel.close()

    def _receive(self, progress: Progress) -> tuple[Report | None, int]:
        while True:
            try:
                packet, sender = messages.receive_packet(self._channel)
            except BlockingIOError:
                descriptors.wait_readable(self._channel.fileno(), progress)
            except OSError:
                return None, 0
            else:
                return (reports.parse(packet) if packet else None), sender

    def _exit_status(self) -> int | None:
        deadline = time.monotonic() + _REAP_SECONDS
        while (status := self._status()) is None and time.monotonic() < deadline:
            eventlet.sleep(0.005)
        return status


def _open_child(pid: int, parent: int) -> int:
    """Return a descriptor of a process that is a child of another; -1 if it isn't.

    The process that reported its ID may have exited, and the ID may have been reused. A process keeps its ID until it
    is reaped: if it still exists after its parent was read, that was its parent.
    """
    try:
        process = os.pidfd_open(pid)
    except OSError:
        return -1
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        signal.pidfd_send_signal(process, 0)
        if int(fields[1]) == parent:
            return process
    except (OSError, ValueError, IndexError):
        pass
    os.close(process)
    return -1


@dataclass
class Version:
    """A deployed storlet version and its warm parent.

    :ivar channel: the channel to the warm parent
    :ivar parent: the warm parent's process ID; 0 until it is known
    :ivar log: a file in memory with the storlet's output during its import
    :ivar active: the number of its current invocations
    :ivar replaced: whether a newer version has been invoked
    """

    key: Key
    number: int
    folder: str
    channel: Any = None
    parent: int = 0
    log: int = -1
    active: int = 0
    alive: bool = True
    replaced: bool = False
    last_used: float = field(default_factory=time.monotonic)
    _started: Event = field(default_factory=Event)
    _loaded: Event = field(default_factory=Event)
    _spares: deque[Child] = field(default_factory=deque)
    _idle: deque[tuple[float, str, Child]] = field(default_factory=deque)
    _statuses: dict[int, int] = field(default_factory=dict)
    _tasks: int = 0
    _unreaped: set[int] = field(default_factory=set)
    _reader: Any = None

    def listen(self) -> None:
        """Start receiving the warm parent's reports."""
        self._reader = eventlet.spawn(self._listen)

    def started(self, parent: int) -> None:
        """Record the warm parent's process ID, which the zygote reports."""
        self.parent = parent
        self._started.send()

    def wait_loaded(self, limit: float) -> None:
        """Wait until the storlet is imported.

        :raises InvocationError: if it can't be, or that takes too long
        """
        failure = None
        with eventlet.Timeout(limit, False):
            failure = self._loaded.wait()
            if failure is None:
                self._started.wait()  # reported before, but on another channel
        if failure is None and not (self._loaded.ready() and self._started.ready()):
            failure = Failure("timeout", f"its import took longer than {limit:g} s, the time limit")
        if failure is not None:
            raise InvocationError(failure)

    def take(self, progress: Progress, user: str = "") -> Child:
        """Return a child that waits for an invocation.

        :param user: the user whose earlier invocations a child may have run; empty for a new child
        :raises InvocationError: if there isn't one
        """
        for entry in [entry for entry in reversed(self._idle) if user and entry[1] == user]:
            if entry in self._idle:  # still, since waiting lets other green threads run
                self._idle.remove(entry)
                if entry[2].is_idle():
                    return entry[2]
                entry[2].close()
        forks, refusal = 0, ""
        while self.alive and forks < _FORKS:
            spare = bool(self._spares)
            child = self._spares.popleft() if spare else self._fork()
            try:
                is_ready = child.is_ready(self.parent, progress)
            except BaseException:
                child.close()
                raise
            if is_ready:
                return child
            refusal = child.refusal
            child.close()  # it hasn't run anything, so another one can take its place
            forks += not spare
        ended = "" if self.alive else "its warm parent exited"
        reason = ", ".join(part for part in (ended, refusal) if part)
        raise InvocationError(Failure("engine", f"no process could be started for it: {reason}"))

    def prepare(self) -> None:
        """Fork a child in advance, for the next invocation."""
        while self.alive and len(self._spares) < _SPARES:
            self._spares.append(self._fork())

    def keep(self, child: Child, user: str) -> None:
        """Keep a child that has succeeded for the same user's next invocation."""
        self._idle.append((time.monotonic(), user, child))
        self.end_idle()

    def end_idle(self) -> None:
        """End the children that have been idle for long, or are too many."""
        is_current = self.alive and not self.replaced
        while self._idle:
            is_fresh = time.monotonic() - self._idle[0][0] <= _IDLE_SECONDS
            if is_current and is_fresh and len(self._idle) <= MOST_IDLE:
                return
            self._idle.popleft()[2].close()

    def close(self) -> None:
        """Let the warm parent exit, with everything that it forked."""
        self.alive = False
        self.end_idle()
        while self._spares:
            self._spares.popleft().close()
        if self._reader is not None:
            self._reader.kill()
        self._end(Failure("engine", "its warm parent was ended"))
        descriptors.close(self.log)
        self.log = -1

    def _fork(self) -> Child:
        self._tasks += 1
        number = self._tasks
        channel, other = green_pair()
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        try:
            self._unreaped.add(number)
            send(self.channel, {"event": "fork", "task": number}, [other], _FORK_SECONDS)
        except (OSError, StalledError):  # import code may have stopped the warm parent from reading
            self.alive = False
        finally:
            os.close(other)
        return Child(channel, lambda: self._statuses.pop(number, None))

    def _listen(self) -> None:
        failure = Failure("killed", "its process exited during its import")
        try:
            while (report := self._receive()) is not None:
                if not self._accept(report):
                    failure = report if isinstance(report, Failure) else reports.NONSENSE
                    break
        finally:
            self._end(failure)

    def _accept(self, report: Report) -> bool:
        """Process a report of the warm parent; return False if it must not continue.

        Each report is expected once: a storlet that sends endless reports would keep this process busy forever.
        """
        if isinstance(report, Loaded) and not self._loaded.ready():
            self._loaded.send(None)
        elif isinstance(report, Reaped) and report.task in self._unreaped:
            self._unreaped.remove(report.task)
            self._statuses[report.task] = report.status
            while len(self._statuses) > _STATUSES:
                self._statuses.pop(next(iter(self._statuses)))
        else:
            return False
        return True

    def _receive(self) -> Report | None:
        while True:
            try:
                packet, _ = messages.receive_packet(self.channel)
            except BlockingIOError:
                eventlet.hubs.trampoline(self.channel.fileno(), read=True)
            except OSError:
                return None
            else:
                return reports.parse(packet) if packet else None

    def _end(self, failure: Failure) -> None:
        self.alive = False
        if not self._loaded.ready():
            self._loaded.send(failure)
        if self.channel is not None:
            self.channel.close()
            self.channel = None
