"""The process in which a storlet is tried: its pipes, its end, and its time limit."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import LocalFileError
from storlet_shell.values import CHUNK_BYTES

SHOWN_BYTES = 4096
"""How much of the output is kept."""

_FIRST = 10  # of the descriptors that the process inherits
_LEFTOVER_SECONDS = 2.0
_LARGEST_MESSAGE = 192 * 1024


@typed_equality
class Descriptors(NamedTuple):
    """The descriptors that the process inherits: what it reads from ``source``, and where it writes everything else."""

    log: int
    metadata: int
    body: int
    source: int
    report: int


class TrialProcess:
    """The process of a run, with the same pipes as an invocation of the engine.

    :param folder: the folder for its ``log``; it has a ``scratch`` folder
    :ivar output: the first of ``count`` bytes of its output
    :ivar metadata: what the storlet sent as the metadata of its result
    :ivar report: what it reported after the storlet has returned or failed
    :ivar seconds: how long it ran, with its start
    """

    def __init__(self, folder: Path, input_file: Path) -> None:
        self._folder, self._input = folder, input_file
        self.output = self.metadata = self.report = b""
        self.count = 0
        self.seconds = 0.0
        self._input_error: OSError | None = None

    def run(self, command: Callable[[Descriptors], Sequence[str]], time_limit: float) -> int | None:
        """Run the process, and return its exit status; None if it had to be killed.

        :param command: returns the command for a process that inherits the descriptors
        :param time_limit: seconds until it is killed
        :raises LocalFileError: if the input can't be read completely
        """
        log = os.open(self._folder / "log", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        pipes = [os.pipe() for _ in range(4)]
        (source, feed), ours = pipes[0], [reader for reader, _ in pipes[1:]]
        metadata, body, result = (writer for _, writer in pipes[1:])
        theirs = Descriptors(*map(_moved, (log, metadata, body, source, result)))
        try:
            process = self._start(command(theirs), theirs)
        except BaseException:
            for descriptor in (feed, *ours):
                os.close(descriptor)
            raise
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        sent, ended = bytearray(), bytearray()
        readers = [
            threading.Thread(target=_drain, args=arguments, daemon=True)
            for arguments in zip(ours, (partial(_keep, sent), self._add, partial(_keep, ended)), strict=True)
        ]
        for thread in (*readers, threading.Thread(target=self._feed, args=(feed,), daemon=True)):
            thread.start()
        started = time.monotonic()
        status = _wait(process, time_limit)
        self.seconds = time.monotonic() - started
        for thread in readers:  # processes that have left the process group may keep a pipe open
            thread.join(_LEFTOVER_SECONDS)
        if self._input_error is not None:
            raise LocalFileError(f"{self._input}: {self._input_error.strerror}") from self._input_error
        self.metadata, self.report = bytes(sent), bytes(ended)
        return status

    def _start(self, command: Sequence[str], descriptors: Descriptors) -> subprocess.Popen[bytes]:
        scratch = str(self._folder / "scratch")
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=descriptors.log,
            stderr=descriptors.log,
            pass_fds=descriptors,
            cwd=scratch,
            # As in the engine (embedded/engine/nursery.py, warm.py), which lacks this terminal's variables.
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": scratch, "TMPDIR": scratch},
            start_new_session=True,
        )

    def log(self, count: int) -> tuple[bytes, int]:
        """Return the beginning of the log, and the number of its further bytes.

        :param count: the most bytes to return
        """
        path = self._folder / "log"
        with path.open("rb") as file:
            log = file.read(count)
            return log, path.stat().st_size - len(log)

    def _feed(self, pipe: int) -> None:
        """Write the input into a pipe until a storlet that doesn't need the rest closes it."""
        try:
            with os.fdopen(pipe, "wb", buffering=0) as target, self._input.open("rb") as source:
                shutil.copyfileobj(source, target, CHUNK_BYTES)
        except BrokenPipeError:
            pass
        except OSError as error:
            self._input_error = error

    def _add(self, chunk: bytes) -> None:
        self.output += chunk[: SHOWN_BYTES - len(self.output)]
        self.count += len(chunk)


def _moved(descriptor: int) -> int:
    """Move a descriptor to a number that its process doesn't use for anything else."""
    if descriptor >= _FIRST:
        return descriptor
    import fcntl  # Windows has none, but imports this module

    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _FIRST)
    os.close(descriptor)
    return moved


def _wait(process: subprocess.Popen[bytes], time_limit: float) -> int | None:
    """Wait for a process, then kill it and all that it started; return its status, None after the time limit."""
    try:
        return process.wait(time_limit)
    except subprocess.TimeoutExpired:
        return None
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _keep(message: bytearray, chunk: bytes) -> None:
    """Append to a message up to the limit; a storlet may send endlessly."""
    message.extend(chunk[: max(0, _LARGEST_MESSAGE - len(message))])


def _drain(pipe: int, add: Callable[[bytes], None]) -> None:
    """Read a pipe to its end, and pass on its chunks."""
    with open(pipe, "rb", buffering=0) as source:
        while chunk := source.read(CHUNK_BYTES):
            add(chunk)
