"""The server's side of warm parents: one for each deployed storlet version, and the children that they fork."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import eventlet
from eventlet.event import Event
from eventlet.patcher import original

from storlet_shell.embedded import descriptors, messages
from storlet_shell.embedded.descriptors import Progress
from storlet_shell.embedded.failures import Failure, InvocationError, ended
from storlet_shell.embedded.messages import Message

_socket = original("socket")
_SPARES = 1
_STATUSES = 256
_REAP_SECONDS = 1.0

_FORKS = 3  # how often a fresh child may turn out to be none before an invocation fails


@dataclass(frozen=True)
class Key:
    """What makes a storlet's version: any change of it needs another warm parent.

    :ivar timestamp: Swift's ``X-Timestamp`` of the storlet object
    :ivar dependencies: each one's name, ETag, timestamp and permissions
    """

    account: str
    storlet: str
    main: str
    timestamp: str
    dependencies: tuple[tuple[str, ...], ...] = ()

    @property
    def deployment(self) -> tuple[str, str]:
        """What is the same in all versions of a storlet."""
        return self.account, self.storlet


def green_pair() -> tuple[Any, int]:
    """Return this process's end of a channel, non-blocking, and the descriptor of the other end."""
    own, other = _socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    own.setblocking(False)
    return own, other.detach()


def send(channel: Any, message: Message, handed_over: list[int]) -> None:
    """Send a message as soon as the channel has room for it.

    :raises OSError: the other end is closed, or this one
    """
    while True:
        try:
            return messages.send(channel, message, handed_over)
        except BlockingIOError:  # its reader is busy, which is no reason to take it for dead
            descriptors.wait_writable(channel.fileno())


class Child:
    """A process that waits for one invocation, or is in it.

    :param channel: to it
    :param status: returns its exit status, or None as long as that is not known
    :ivar refusal: why it is not ready, in words
    """

    def __init__(self, channel: Any, status: Callable[[], int | None]) -> None:
        self.refusal = ""
        self._channel = channel
        self._status = status
        self._process = -1

    def is_ready(self, progress: Progress) -> bool:
        """Wait until it has introduced itself; False if it has ended before."""
        hello, pid = self._receive(progress)
        if hello is None or hello.get("event") != "hello":
            self.refusal = _failure(hello).message if hello else "it ended at once"
            return False
        try:
            self._process = os.pidfd_open(pid)
        except OSError as error:
            self.refusal = f"process {pid} is gone: {error}"
            return False
        return True

    def send(self, order: Message, handed_over: list[int]) -> None:
        """Give it its invocation."""
        send(self._channel, order, handed_over)

    def verdict(self, progress: Progress) -> Failure | None:
        """Wait until it says how the invocation went, or ends without; None if it went well."""
        message, _ = self._receive(progress)
        if message is None:
            return ended(self._exit_status())
        if message.get("event") == "done":
            return None
        return ended(message.get("status")) if message.get("event") == "ended" else _failure(message)

    def kill(self) -> None:
        """End it now; as the first of its process namespace it takes everything that it started along."""
        if self._process >= 0:
            with suppress(OSError):
                signal.pidfd_send_signal(self._process, signal.SIGKILL)

    def close(self) -> None:
        """End it, and forget it."""
        self.kill()
        descriptors.close(self._process)
        self._process = -1
        self._channel.close()

    def _receive(self, progress: Progress) -> tuple[Message | None, int]:
        while True:
            try:
                return messages.receive_from_child(self._channel)
            except BlockingIOError:
                descriptors.wait_readable(self._channel.fileno(), progress)
            except (OSError, ValueError):
                return None, 0

    def _exit_status(self) -> int | None:
        deadline = time.monotonic() + _REAP_SECONDS
        while (status := self._status()) is None and time.monotonic() < deadline:
            eventlet.sleep(0.005)
        return status


def _failure(message: Message) -> Failure:
    return Failure(*(str(message.get(name, "")) for name in ("kind", "message", "traceback")))


@dataclass
class Version:
    """A deployed storlet version and its warm parent.

    :ivar channel: to the warm parent
    :ivar log: a file in memory with what the storlet printed while it was imported
    :ivar active: how many invocations are in it
    :ivar replaced: whether a newer version has been invoked
    """

    key: Key
    number: int
    folder: str
    channel: Any = None
    log: int = -1
    active: int = 0
    alive: bool = True
    replaced: bool = False
    last_used: float = field(default_factory=time.monotonic)
    _loaded: Event = field(default_factory=Event)
    _spares: deque[Child] = field(default_factory=deque)
    _statuses: dict[int, int] = field(default_factory=dict)
    _tasks: int = 0
    _reader: Any = None

    def listen(self) -> None:
        """Begin to receive what the warm parent says."""
        self._reader = eventlet.spawn(self._listen)

    def wait_loaded(self, limit: float) -> None:
        """Wait until the storlet is imported.

        :raises InvocationError: it can't be, or takes too long
        """
        failure = None
        with eventlet.Timeout(limit, False):
            failure = self._loaded.wait()
        if not self._loaded.ready():
            failure = Failure("timeout", f"its import took longer than {limit:g} s, the time limit")
        if failure is not None:
            raise InvocationError(failure)

    def take(self, progress: Progress) -> Child:
        """Return a child that waits for an invocation.

        :raises InvocationError: there is none to be had
        """
        forks, refusal = 0, ""
        while self.alive and forks < _FORKS:
            spare = bool(self._spares)
            child = self._spares.popleft() if spare else self._fork()
            try:
                is_ready = child.is_ready(progress)
            except BaseException:
                child.close()
                raise
            if is_ready:
                return child
            refusal = child.refusal
            child.close()  # it has run nothing yet, so another may take its place
            forks += not spare
        ended = "" if self.alive else "its warm parent ended"
        reason = ", ".join(part for part in (ended, refusal) if part)
        raise InvocationError(Failure("engine", f"there is no process to run it in: {reason}"))

    def prepare(self) -> None:
        """Have a child forked in advance, for the next invocation."""
        while self.alive and len(self._spares) < _SPARES:
            self._spares.append(self._fork())

    def close(self) -> None:
        """Let the warm parent end, and with it all that it forked."""
        self.alive = False
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
        own, other = green_pair()
        own.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        try:
            send(self.channel, {"event": "fork", "task": number}, [other])
        except OSError:
            self.alive = False
        finally:
            os.close(other)
        return Child(own, lambda: self._statuses.pop(number, None))

    def _listen(self) -> None:
        try:
            while (message := self._receive()) is not None:
                if message["event"] == "loaded":
                    self._loaded.send(None)
                elif message["event"] == "failed" and not self._loaded.ready():
                    self._loaded.send(_failure(message))
                elif message["event"] == "reaped":
                    self._statuses[int(message["task"])] = int(message["status"])
                    while len(self._statuses) > _STATUSES:
                        self._statuses.pop(next(iter(self._statuses)))
        finally:
            self._end(Failure("killed", "its process ended while it was imported"))

    def _receive(self) -> Message | None:
        while True:
            try:
                message, handed_over = messages.receive(self.channel)
            except BlockingIOError:
                eventlet.hubs.trampoline(self.channel.fileno(), read=True)
            except (OSError, ValueError):
                return None
            else:
                for descriptor in handed_over:  # from a stranger's process: not wanted
                    os.close(descriptor)
                return message

    def _end(self, failure: Failure) -> None:
        self.alive = False
        if not self._loaded.ready():
            self._loaded.send(failure)
        if self.channel is not None:
            self.channel.close()
            self.channel = None
