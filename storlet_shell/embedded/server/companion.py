"""A process that accompanies the server: started, restarted and ended with it.

The server opens its listening socket before it starts, and keeps it when the process must be restarted.
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
    """A process that responds on a socket of its own.

    :param name: its name in the log
    :param program: the module that it runs. Standard input delivers its order as one line of JSON, and is closed when
        the server exits. Once it responds to requests, the process writes one line to the pipe named in the order
    :param listener: the socket that it responds on, which this object takes over
    :param order: the rest of its order, without socket and pipe
    :param log: its log, relative to the working folder
    :param seconds: its time limit for starting
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
        """The process ID, once it has been started."""
        return int(self._process.pid)

    def start(self) -> None:
        """Start the process without waiting for it."""
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
        # It reads one line, then waits until the pipe is closed, which happens when this process exits.
        order = json.dumps({**self._order, "listener": listener, "ready": writer})
        with suppress(BrokenPipeError):
            self._process.stdin.write(f"{order}\n".encode())
            self._process.stdin.flush()
        self._ready = reader

    def wait(self) -> dict[str, Any]:
        """Wait until it responds; return its description of itself.

        :raises EmbeddedError: if it didn't start
        """
        answer = self._read(self._seconds)
        if not answer:
            raise EmbeddedError(f"{self._name} didn't start; see its log: {Path.cwd() / self._log}")
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
        """Restart the process whenever it ends after having responded at least once."""
        while True:
            self._read(float("inf"))
            self._process.stdin.close()
            status = self._process.wait()
            _log.warning("%s exited with status %s and is restarted", self._name, status)
            os.close(self._ready)
            self.start()
            if not self._read(self._seconds):
                _log.error("%s can't be restarted; see its log: %s", self._name, self._log)
                return

    def _read(self, seconds: float) -> bytes:
        """Return the line that the process writes; empty if it exits first or takes too long."""
        text, progress = b"", Progress(seconds)
        with suppress(StalledError):
            while not text.endswith(b"\n"):
                part = descriptors.read(self._ready, progress)
                if not part:
                    return b""
                text += part
            return text
        return b""
