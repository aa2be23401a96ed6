"""The process that forks warm parents. It imports everything they need once, before any storlet is known.

It starts and ends with the server, however that ends, and never runs a storlet's code.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass, field

from storlet_shell.embedded.processes import messages, warm
from storlet_shell.embedded.processes.messages import Message
from storlet_shell.embedded.sandbox import isolation as sandbox
from storlet_shell.embedded.sandbox import linux
from storlet_shell.embedded.sandbox.isolation import Place, Sandbox

# What storlets import most. No more than that: every page of this process makes every fork slower.
_USUAL = ("collections", "contextlib", "functools", "io", "itertools", "json", "re")


@dataclass
class Zygote:
    """The state of the zygote.

    :ivar channel: the channel to the server
    :ivar holds: the restrictions that this kernel enforces
    :ivar parents: each warm parent's process ID and number, by the descriptor that signals its end
    """

    channel: socket.socket
    holds: Sandbox
    parents: dict[int, tuple[int, int]] = field(default_factory=dict)

    def serve(self) -> None:
        """Fork warm parents on request until the server exits."""
        messages.send(self.channel, {"event": "ready", "sandbox": self.holds.as_data()})
        poll = select.poll()
        poll.register(self.channel, select.POLLIN)
        while True:
            for ready, _ in poll.poll():
                if ready != self.channel.fileno():
                    poll.unregister(ready)
                    self._reap(ready)
                    continue
                order, descriptors = messages.receive(self.channel)
                if order is None:
                    return self.close()
                self._obey(order, descriptors, poll)

    def _obey(self, order: Message, descriptors: list[int], poll: select.poll) -> None:
        if order["event"] == "start":
            self._start(order, descriptors, poll)
        elif order["event"] == "end":
            for pid, number in self.parents.values():
                if number == order["version"]:
                    _kill(pid)

    def _start(self, order: Message, descriptors: list[int], poll: select.poll) -> None:
        try:
            pid = sandbox.spawn(self.holds)
        except OSError as error:
            failure = {"event": "failed", "kind": "engine", "message": f"no process: {error}", "traceback": ""}
            with socket.socket(fileno=descriptors[0]) as channel:
                messages.send(channel, failure)
            os.close(descriptors[1])
            return
        if pid == 0:
            self._become_parent(order, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        messages.send(self.channel, {"event": "started", "version": order["version"], "pid": pid})
        ended = os.pidfd_open(pid)
        self.parents[ended] = (pid, order["version"])
        poll.register(ended, select.POLLIN)

    def _become_parent(self, order: Message, descriptors: list[int]) -> None:
        try:
            self.channel.close()
            for ended in self.parents:
                os.close(ended)
            os.setsid()
            channel = socket.socket(fileno=descriptors[0])
            try:
                warm.main(channel, descriptors[1], order, self.holds)
            except OSError as error:
                failure = {"event": "failed", "kind": "engine", "message": str(error), "traceback": ""}
                messages.send(channel, failure)
        finally:
            warm.flush()
            os._exit(0)

    def _reap(self, ended: int) -> None:
        pid, number = self.parents.pop(ended)
        os.close(ended)
        _, status = os.waitpid(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        messages.send(self.channel, {"event": "ended", "version": number, "status": code})

    def close(self) -> None:
        """End every warm parent, and thereby every invocation."""
        for pid, _ in self.parents.values():
            _kill(pid)


def _kill(pid: int) -> None:
    with suppress(OSError):
        os.killpg(pid, signal.SIGKILL)
    with suppress(OSError):
        os.kill(pid, signal.SIGKILL)


def main() -> None:
    """Become the zygote; the arguments are the channel's descriptor, and the folders for :class:`Place`."""
    descriptor, folder, root, hidden, *imports = sys.argv[1:]
    linux.die_with_parent()
    linux.leave_session_keyring()
    os.umask(0o022)  # if the server runs as root, storlets run as nobody, and must be able to read their code
    os.setsid()  # a terminal's Ctrl-C ends the server, which then ends this process
    for name in _USUAL:
        __import__(name)
    sys.dont_write_bytecode = True
    holds = sandbox.probe(Place(folder, root, hidden, tuple(imports)))
    with suppress(BrokenPipeError, ConnectionResetError):
        Zygote(socket.socket(fileno=int(descriptor)), holds).serve()
