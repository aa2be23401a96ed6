"""Run a storlet once, in the process forked for that.

Storlets get upstream's own file classes (``storlets.agent.daemon.files``), so that what works here works there.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from storlets.agent.daemon import files

from storlet_shell.embedded import messages, trees
from storlet_shell.embedded.messages import Message

_OWN_FILES = str(Path(__file__).parent)
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
_LONGEST_TRACEBACK = 32 * 1024


class StorletLogger(files.StorletLogger):
    """Upstream's logger, with lines that end and that survive the process.

    Upstream writes neither a newline nor at once; all else, ``exception`` that raises too, stays as it is there.
    """

    def _emit_log(self, level: str, msg: object) -> None:
        super()._emit_log(level, f"{msg}\n")
        self.log_file.flush()


def run(channel: socket.socket, storlet: Callable[..., Any], name: str, folder: str, shared: str) -> None:
    """Receive one invocation over a channel, run it, and say how it went.

    :param storlet: the storlet's class
    :param name: its module and class, which upstream puts before each log line
    :param folder: where its code lies, to be left out of tracebacks
    :param shared: a folder that this version's invocations share, to be emptied when no other is running; empty if
        there is none
    """
    _rehearse(name)
    messages.send(channel, {"event": "hello"})
    order, descriptors = messages.receive(channel)
    if order is None:
        return
    own = os.getpid()
    if shared and order["alone"]:
        trees.empty(shared)
    try:
        opened = _open(order, descriptors, name)
        failure = _call(storlet, *opened, order["parameters"], folder)
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    if os.getpid() == own:  # not a process that the storlet forked and that came back
        messages.send(channel, failure or {"event": "done"})


def _rehearse(name: str) -> None:
    """Do once, before anybody waits, what an invocation begins with: what it touches is this process's own then."""
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
) -> tuple[list[Any], list[Any], StorletLogger]:
    log, metadata, body, *inputs = descriptors
    for stream in standard:
        os.dup2(log, stream)
    in_files = [files.StorletInputFile(md, fd) for md, fd in zip(order["inputs"], inputs, strict=True)]
    return in_files, [files.StorletOutputFile(metadata, body)], StorletLogger(name, log)


def _call(
    storlet: Callable[..., Any],
    in_files: list[Any],
    out_files: list[Any],
    logger: StorletLogger,
    parameters: dict[str, str],
    folder: str,
) -> Message | None:
    """Do what upstream's agent does (``storlets/agent/daemon/server.py``, ``_execute``); return a failure."""
    try:
        with logger:
            storlet(logger)(in_files, out_files, parameters)
        for file in [*in_files, *out_files]:
            if not file.closed:
                file.close()
    except BaseException as error:  # whatever it is, it is told to the user
        return failure_of(error, folder)
    return None


def failure_of(error: BaseException, folder: str) -> Message:
    """Describe an exception: its kind, a line, and the traceback without this product's frames."""
    kind = "memory" if isinstance(error, MemoryError) else "exited" if isinstance(error, SystemExit) else "raised"
    message = " ".join("".join(traceback.format_exception_only(error)[-1:]).split())
    if _is_text_written(error):
        message += " (out_files[0].write takes bytes, not str)"
    if kind == "exited":
        message = f"it called exit({error})" if error.args else "it called exit()"
    shown = "".join(traceback.format_exception(type(error), error, _storlet_frames(error.__traceback__)))
    shown = shown.replace(f"{folder}/", "")[-_LONGEST_TRACEBACK:]
    return {"event": "failed", "kind": kind, "message": message[:1000], "traceback": shown}


def _storlet_frames(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_OWN_FILES):
        trace = trace.tb_next
    return trace


def _is_text_written(error: BaseException) -> bool:
    trace = error.__traceback__
    frame: FrameType | None = None
    while trace is not None:
        frame, trace = trace.tb_frame, trace.tb_next
    code = frame.f_code if frame else None
    return (
        isinstance(error, TypeError)
        and code is not None
        and (code.co_filename, code.co_name)
        == (
            files.__file__,
            "write",
        )
    )


def hear_signals(channel: socket.socket) -> None:
    """Have signals end this process as they end any other.

    The first process of a process namespace is deaf to the signals that it sends itself, unless it handles them
    (pid_namespaces(7)); a second process for the storlet would cost as much as all the rest of an invocation.
    """

    def end(number: int, _frame: object = None) -> None:
        if os.getpid() != 1:  # a process that the storlet forked
            signal.signal(number, signal.SIG_DFL)
            kill(os.getpid(), number)
        messages.send(channel, {"event": "ended", "status": -number})
        os._exit(128 + number)

    def kill_too(pid: int, number: int) -> None:
        """Send a signal; those that can't be handled in Python end this process too."""
        if number in _NOT_HANDLED and pid in (0, 1) and os.getpid() == 1:
            end(number)
        kill(pid, number)

    kill, os.kill = os.kill, kill_too
    for number in _ENDING:
        signal.signal(number, end)


def restore_signals() -> None:
    """Give a storlet the signal handling that a fresh Python has."""
    for number in (signal.SIGINT, *_ENDING, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
