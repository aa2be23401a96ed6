"""The warm parent of a deployed storlet version: it forks for each invocation, after importing a Python storlet.

It runs untrusted code from the import on, so it is confined before that; the server trusts its reports about its own
invocations only.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from storlet_shell.embedded.processes import messages, task
from storlet_shell.embedded.processes.descendants import children
from storlet_shell.embedded.processes.java import JavaStorlet
from storlet_shell.embedded.processes.messages import Message
from storlet_shell.embedded.sandbox import isolation as sandbox
from storlet_shell.embedded.sandbox import linux, trees
from storlet_shell.embedded.sandbox.isolation import Place, Sandbox
from storlet_shell.storlets import running

_ROUNDS = 100  # of looking for leftover processes, which may start others meanwhile


class Storlet(Protocol):
    """A deployed version, in the way of its language."""

    def load(self) -> Message | None:
        """Prepare for all invocations; return a failure."""

    def run(self, channel: socket.socket, scratch: str, shared: str) -> None:
        """Run an invocation that comes over a channel, and report the result, in a process forked for that."""


@dataclass
class WarmParent:
    """The state of a warm parent.

    :ivar channel: the channel to the server
    :ivar children: each child's process ID, number and scratch folder, by the descriptor that signals its end
    :ivar cleaners: likewise, the process IDs of those that empty scratch folders
    """

    channel: socket.socket
    order: Message
    sandbox: Sandbox
    place: Place
    storlet: Storlet
    children: dict[int, tuple[int, int, str]] = field(default_factory=dict)
    cleaners: dict[int, int] = field(default_factory=dict)

    def serve(self) -> None:
        """Load the storlet, then fork on request until the server closes the channel."""
        failure = self.storlet.load()
        if failure is not None:
            messages.send(self.channel, failure)
            return
        self._end_leftovers()
        if self.sandbox.namespaces:
            maximum = self.order["all_processes"]
            sandbox.limit_processes(maximum, maximum)
        gc.collect()
        gc.freeze()  # so that no garbage collection writes to, and thereby copies, pages shared with children
        messages.send(self.channel, {"event": "loaded"})
        poll = select.poll()
        poll.register(self.channel, select.POLLIN)
        while True:
            for ready, _ in poll.poll():
                if ready != self.channel.fileno():
                    poll.unregister(ready)
                    self._reap(ready, poll)
                elif not self._obey(poll):
                    return

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
        pid = sandbox.spawn_invocation(self.sandbox)
        if pid:
            return pid, scratch
        try:
            self.channel.close()
            try:
                self._become_invocation(scratch)
            except OSError as error:
                _refuse(channel, error)
                raise
            shared = sandbox.SHARED_MEMORY if self.sandbox.namespaces else ""
            self.storlet.run(channel, scratch, shared)
        finally:
            flush()
            os._exit(0)  # ends everything that the storlet left running, if it is a process namespace's first process

    def _become_invocation(self, scratch: str) -> None:
        for ended in (*self.children, *self.cleaners):
            os.close(ended)  # its holder can signal that process
        os.setsid()
        Path(scratch).mkdir(0o700)
        os.chdir(scratch)
        os.environ.update(HOME=scratch, TMPDIR=scratch)
        sandbox.confine_invocation(self.sandbox, scratch)
        if self.sandbox.namespaces:
            processes = self.order["processes"]
            sandbox.limit_processes(processes, processes)  # counted within the invocation's own user namespace

    def _reap(self, ended: int, poll: select.poll) -> None:
        if ended in self.cleaners:
            os.waitpid(self.cleaners.pop(ended), 0)
            os.close(ended)
            return
        pid, number, scratch = self.children.pop(ended)
        os.close(ended)
        if not self.sandbox.namespaces:
            with suppress(OSError):
                os.killpg(pid, signal.SIGKILL)  # before its ID is free and may become another group's
        _, status = os.waitpid(pid, 0)
        if not self.sandbox.namespaces:
            self._end_leftovers()
        self._clean(scratch, poll)
        code = os.waitstatus_to_exitcode(status)
        messages.send(self.channel, {"event": "reaped", "task": number, "status": code})

    def _clean(self, scratch: str, poll: select.poll) -> None:
        """Remove a scratch folder; if it isn't empty, in a process of its own, since that may take long."""
        try:
            Path(scratch).rmdir()
            return
        except FileNotFoundError:
            return  # the invocation ended before it was created
        except OSError:
            pid = linux.spawn()
        if pid == 0:
            try:
                self.channel.close()
                trees.remove(scratch)
            finally:
                os._exit(0)
        ended = os.pidfd_open(pid)
        self.cleaners[ended] = pid
        poll.register(ended, select.POLLIN)

    def _end_leftovers(self) -> None:
        """End processes left over from the import or, without a process namespace, from an invocation."""
        if self.sandbox.namespaces:  # this is the first process of its namespace, and has no children yet
            with suppress(OSError):
                for _ in range(_ROUNDS):
                    os.kill(-1, signal.SIGKILL)
                    os.waitpid(-1, 0)
            return
        expected = {pid for pid, _, _ in self.children.values()} | set(self.cleaners.values())
        for _ in range(_ROUNDS):
            leftovers = [pid for pid in children(os.getpid()) if pid not in expected]
            if not leftovers:
                return
            for pid in leftovers:
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)


def _refuse(channel: socket.socket, error: OSError) -> None:
    """Tell the server why an invocation gets no process."""
    messages.send(channel, {"event": "failed", "kind": "engine", "message": str(error), "traceback": ""})


def flush() -> None:
    """Flush buffered output, so that no fork writes it twice."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()


def main(channel: socket.socket, log: int, order: Message, holds: Sandbox) -> None:
    """Become the warm parent of a storlet version.

    :param channel: the channel to the server
    :param log: a file for the storlet's output during its import
    :param order: what to run: ``folder``, ``main``, ``java``, ``memory``, ``files``, ``processes``, …
    :param holds: the restrictions that this kernel enforces
    """
    task.restore_signals()
    linux.leave_session_keyring()
    null = os.open(os.devnull, os.O_RDONLY)
    for standard, source in ((0, null), (1, log), (2, log)):
        os.dup2(source, standard)
    storlet: Storlet = JavaStorlet(order) if order["java"] else task.PythonStorlet(order)
    place = Place(
        order["folder"],
        order["root"],
        order["hidden"],
        tuple(order["imports"]),
        order["scratch"],
        tuple(order["shown"]),
    )
    linux.be_killed_first()
    sandbox.limit(order["memory"], order["files"], order["processes"])
    sandbox.confine(holds, place)
    if holds.namespaces:
        sandbox.limit_processes(order["processes"], order["all_processes"])
    running.prepare_streams()
    WarmParent(channel, order, holds, place, storlet).serve()
