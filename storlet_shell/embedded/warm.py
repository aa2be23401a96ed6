"""The warm parent of one deployed storlet version: it has imported the storlet, and forks for each invocation.

It runs a stranger's code from the import on, so it is confined before that; the server believes nothing that it says
about anything but its own invocations.
"""

from __future__ import annotations

import gc
import os
import select
import shutil
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from storlet_shell import running
from storlet_shell.embedded import linux, messages, sandbox, task
from storlet_shell.embedded.messages import Message
from storlet_shell.embedded.sandbox import Place, Sandbox

# Far above what the bounded number of invocations needs; each of them has a bound of its own.
_PROCESSES = 1024


@dataclass
class WarmParent:
    """What a warm parent knows.

    :ivar channel: to the server
    :ivar storlet: the storlet's class
    :ivar children: by the descriptor that tells of its end, each child's process id, number and scratch folder
    """

    channel: socket.socket
    order: Message
    sandbox: Sandbox
    place: Place
    storlet: Any = None
    children: dict[int, tuple[int, int, str]] = field(default_factory=dict)

    def serve(self) -> None:
        """Import the storlet, then fork as told until the server closes the channel."""
        if not self._load():
            return
        gc.collect()
        gc.freeze()  # no collection writes to, and so copies, the pages that children share
        messages.send(self.channel, {"event": "loaded"})
        poll = select.poll()
        poll.register(self.channel, select.POLLIN)
        while True:
            for ready, _ in poll.poll():
                if ready != self.channel.fileno():
                    poll.unregister(ready)
                    self._reap(ready)
                elif not self._obey(poll):
                    return

    def _load(self) -> bool:
        self.storlet, failure = running.load(self.order["main"], self.place.folder)
        if failure is not None:
            messages.send(self.channel, failure)
            return False
        return True

    def _obey(self, poll: select.poll) -> bool:
        order, descriptors = messages.receive(self.channel)
        if order is None:
            return False
        with socket.socket(fileno=descriptors[0]) as channel:
            try:
                pid, scratch = self._fork(order["task"], channel)
            except OSError as error:
                _refuse(channel, error)
                return True
        ended = os.pidfd_open(pid)
        self.children[ended] = (pid, order["task"], scratch)
        poll.register(ended, select.POLLIN)
        return True

    def _fork(self, number: int, channel: socket.socket) -> tuple[int, str]:
        scratch = f"{sandbox.scratch_root(self.sandbox, self.place)}/{number}"
        flush()
        # A process namespace of its own ends every process that the storlet starts together with the invocation.
        pid = linux.spawn(linux.CLONE_NEWUSER | linux.CLONE_NEWPID if self.sandbox.namespaces else 0)
        if pid:
            return pid, scratch
        try:
            self.channel.close()
            try:
                self._become_invocation(scratch)
            except OSError as error:
                _refuse(channel, error)
                raise
            if os.getpid() == 1:
                task.hear_signals(channel)
            task.run(channel, self.storlet, self.order["main"], self.place.folder)
        finally:
            flush()
            os._exit(0)  # of a process namespace's first process: ends all that the storlet left running

    def _become_invocation(self, scratch: str) -> None:
        for ended in self.children:
            os.close(ended)  # who has it can signal that process
        os.setsid()
        Path(scratch).mkdir(0o700)
        os.chdir(scratch)
        os.environ.update(HOME=scratch, TMPDIR=scratch)
        sandbox.confine_invocation(self.sandbox, scratch)
        if self.sandbox.namespaces:
            task.bound_processes(self.order["processes"])  # counted within the invocation's own user namespace

    def _reap(self, ended: int) -> None:
        pid, number, scratch = self.children.pop(ended)
        os.close(ended)
        _, status = os.waitpid(pid, 0)
        if not self.sandbox.namespaces:
            self._end_leftovers(pid)
        shutil.rmtree(scratch, ignore_errors=True)
        code = os.waitstatus_to_exitcode(status)
        messages.send(self.channel, {"event": "reaped", "task": number, "status": code})

    def _end_leftovers(self, session: int) -> None:
        """End what an invocation left running, where no process namespace has done it."""
        with suppress(OSError):
            os.killpg(session, signal.SIGKILL)
        known = {pid for pid, _, _ in self.children.values()}
        for pid in _children(os.getpid()):
            if pid not in known:
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)


def _refuse(channel: socket.socket, error: OSError) -> None:
    """Tell the server why there is no process for an invocation."""
    messages.send(channel, {"event": "failed", "kind": "engine", "message": str(error), "traceback": ""})


def _children(parent: int) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            stat = (process / "stat").read_text()
            if int(stat.rpartition(")")[2].split()[1]) == parent:
                found.append(int(process.name))
    return found


def flush() -> None:
    """Write out what is printed and not yet written, so that no fork writes it twice."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()


def main(channel: socket.socket, log: int, order: Message, holds: Sandbox) -> None:
    """Become the warm parent of a storlet version.

    :param channel: to the server
    :param log: a file for what the storlet prints while it is imported
    :param order: what to run: ``folder``, ``main``, ``memory``, ``files``, ``processes``, …
    :param holds: what this kernel enforces
    """
    task.restore_signals()
    null = os.open(os.devnull, os.O_RDONLY)
    for standard, source in ((0, null), (1, log), (2, log)):
        os.dup2(source, standard)
    place = Place(order["folder"], order["root"], order["hidden"], tuple(order["imports"]), order["scratch"])
    sandbox.confine(holds, place)
    sandbox.limit(order["memory"], order["files"], _PROCESSES if holds.namespaces else None)
    running.prepare_streams()
    WarmParent(channel, order, holds, place).serve()
