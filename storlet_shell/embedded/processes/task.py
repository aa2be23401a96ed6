"""Run a Python storlet once, in a process forked for that.

Storlets get upstream's own file classes (``storlets.agent.daemon.files``), so that what works here works there.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any

from storlets.agent.daemon import files

from storlet_shell.embedded.processes import messages
from storlet_shell.embedded.processes.messages import Message
from storlet_shell.embedded.sandbox import trees
from storlet_shell.storlets import running

_ENDING = (
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGABRT,
    signal.SIGALRM,
    signal.SIGUSR1,
    signal.SIGUSR2,
)
_NOT_HANDLED = (signal.SIGKILL, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)


StorletLogger = running.make_logger_class(files.StorletLogger)


class PythonStorlet:
    """A Python storlet of a deployed version.

    :param order: the version's: ``folder``, ``main``
    """

    def __init__(self, order: Message) -> None:
        self._main: str = order["main"]  # its module and class, which upstream puts before each log line
        self._folder: str = order["folder"]
        self._class: Any = None

    def load(self) -> Message | None:
        """Import the storlet's module; return a failure."""
        self._class, failure = running.load(self._main, self._folder)
        return failure

    def run(self, channel: socket.socket, _scratch: str, shared: str) -> None:
        """Run an invocation that comes over a channel, and report the result.

        :param shared: a folder that this version's invocations share, emptied while no other one runs; empty if there
            is none
        """
        if os.getpid() == 1:
            _hear_signals(channel)
        _rehearse(self._main)
        messages.send(channel, {"event": "hello"})
        order, descriptors = messages.receive(channel)
        if order is None:
            return
        process_id = os.getpid()
        if shared and order["alone"]:
            trees.empty(shared)
        try:
            opened = _open(order, descriptors, self._main)
            failure = running.call(self._class, *opened, order["parameters"], self._folder)
        finally:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
        if os.getpid() == process_id:  # not a process forked by the storlet that has returned
            messages.send(channel, failure or {"event": "done"})


def _rehearse(name: str) -> None:
    """Run an invocation's first steps in advance, so that the pages they touch are this process's own afterwards."""
    null = os.open(os.devnull, os.O_RDWR)
    inputs, outputs, logger = _open(
        json.loads('{"inputs": [{"a": "b"}]}'), [os.dup(null), os.dup(null), os.dup(null), null], name, standard=()
    )
    logger.debug("")
    outputs[0].set_metadata(inputs[0].get_metadata())
    outputs[0].write(inputs[0].read(1))
    for file in (*inputs, *outputs, logger):
        file.close()


def _open(
    order: Message, descriptors: list[int], name: str, standard: tuple[int, ...] = (1, 2)
) -> tuple[list[Any], list[Any], Any]:
    log, metadata, body, *inputs = descriptors
    for stream in standard:
        os.dup2(log, stream)
    in_files = [files.StorletInputFile(md, fd) for md, fd in zip(order["inputs"], inputs, strict=True)]
    return in_files, [files.StorletOutputFile(metadata, body)], StorletLogger(name, log)


def _hear_signals(channel: socket.socket) -> None:
    """Let signals end this process as they would any other.

    The first process of a process namespace ignores the signals that it sends itself, unless it handles them
    (pid_namespaces(7)); a second process for the storlet would cost as much as the rest of an invocation.
    """

    def end(number: int, _frame: object = None) -> None:
        messages.send(channel, {"event": "ended", "status": -number})
        os._exit(128 + number)

    def kill_too(pid: int, number: int) -> None:
        """Send a signal; signals that Python can't handle end this process, too."""
        if number in _NOT_HANDLED and pid in (0, 1) and os.getpid() == 1:
            end(number)
        kill(pid, number)

    kill, os.kill = os.kill, kill_too
    for number in _ENDING:
        signal.signal(number, end)
    _spare_forks(end)


def _spare_forks(handler: Callable[..., None]) -> None:
    """Let signals end the processes that a storlet forks as usual, without a handler.

    Python loses a signal that arrives before a new process is ready (``PyOS_AfterFork_Child``): a multiprocessing pool
    that is terminated at once would wait for such a process forever. So signals are blocked meanwhile.
    """
    masks = threading.local()

    def hold() -> None:
        masks.before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)

    def release() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, masks.before)

    def begin() -> None:
        for number in _ENDING:
            if signal.getsignal(number) is handler:
                signal.signal(number, signal.SIG_DFL)
        release()

    os.register_at_fork(before=hold, after_in_parent=release, after_in_child=begin)


def restore_signals() -> None:
    """Restore the signal handling of a fresh Python for a storlet."""
    for number in (signal.SIGINT, *_ENDING, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
