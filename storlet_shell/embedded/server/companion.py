"""A process beside the server's, as the server sees it: started, restarted and ended with it.

Its listening socket is the server's: it is there before the process is, and stays if that must be started again.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import eventlet
from eventlet.patcher import original

from storlet_shell.embedded.processes import descriptors
from storlet_shell.embedded.processes.descriptors import Progress, StalledError
from storlet_shell.errors import EmbeddedError

_END_SECONDS = 2.0

_subprocess = original("subprocess")
_log = logging.getLogger(__name__)


class Companion:
    """A process that answers on a socket of its own.

    :param name: what the log calls it
    :param program: the module that it runs; standard input brings its orders in one line of JSON, and then nothing:
        its end is that of the server. One line goes to the pipe that they name when requests are answered
    :param listener: the socket that it answers on, which this takes over
    :param order: what it is told besides the socket and the pipe
    :param log: its log, relative to the working folder
    :param seconds: how long it may take to start
    """

    def __init__(
        self, name: str, program: str, listener: Any, order: dict[str, Any], *, log: Path, seconds: float
    ) -> None:
        self._name, self._program, self._order = name, program, order
        self._listener = listener
        self._log, self._seconds = log, seconds
        self.port: int = listener.getsockname()[1]
        self._process: Any = None
        self._ready = -1
        self._watcher: Any = None

    @property
    def pid(self) -> int:
        """The process's number, once it was started."""
        return int(self._process.pid)

    def start(self) -> None:
        """Start the process; this does not wait for it."""
        reader, writer = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(reader, False)
        listener = self._listener.fileno()
        try:
            self._process = _subprocess.Popen(
                [sys.executable, "-P", "-m", self._program],
                stdin=_subprocess.PIPE,
                pass_fds=[listener, writer],
            )
        finally:
            os.close(writer)
        # It reads one line, then waits for the end of the pipe, which is the end of this process.
        order = json.dumps({**self._order, "listener": listener, "ready": writer})
        with suppress(BrokenPipeError):
            self._process.stdin.write(f"{order}\n".encode())
            self._process.stdin.flush()
        self._ready = reader

    def wait(self) -> dict[str, Any]:
        """Wait until it answers; return what it says of itself.

        :raises EmbeddedError: it did not start
        """
        answer = self._read(self._seconds)
        if not answer:
            raise EmbeddedError(f"{self._name} did not start; its log: {Path.cwd() / self._log}")
        self._watcher = eventlet.spawn(self._watch)
        facts: dict[str, Any] = json.loads(answer)
        return facts

    def close(self) -> None:
        """End the process."""
        if self._watcher is not None:
            self._watcher.kill()
        self._listener.close()
        if self._process is None:
            return
        self._process.stdin.close()
        try:
            self._process.wait(_END_SECONDS)
        except _subprocess.TimeoutExpired:
            self._process.kill()

    def _watch(self) -> None:
        """Start another process when one has ended that answered once."""
        while True:
            self._read(float("inf"))
            self._process.stdin.close()
            status = self._process.wait()
            _log.warning("%s ended with status %s and is started again", self._name, status)
            os.close(self._ready)
            self.start()
            if not self._read(self._seconds):
                _log.error("%s does not start again; its log: %s", self._name, self._log)
                return

    def _read(self, seconds: float) -> bytes:
        """Return the line that the process writes; empty if it ends first, or is not in time."""
        text, progress = b"", Progress(seconds)
        with suppress(StalledError):
            while not text.endswith(b"\n"):
                part = descriptors.read(self._ready, progress)
                if not part:
                    return b""
                text += part
            return text
        return b""
