"""Keystone beside the embedded Swift, as its server sees it: a process that it starts, restarts and ends.

Keystone has threads and no green ones, so it has a process of its own, :mod:`.keystone_process`. Its listening socket
is the server's: it is there before Keystone is, and stays if Keystone must be started again.
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

from storlet_shell.embedded import descriptors
from storlet_shell.embedded.descriptors import Progress, StalledError
from storlet_shell.embedded.users import FOLDER
from storlet_shell.errors import EmbeddedError

LOG = FOLDER / "log"
"""Keystone's log, relative to the working folder: warnings, and a line for each request."""

_PROGRAM = "storlet_shell.embedded.keystone_process"
_START_SECONDS = 150.0
_END_SECONDS = 2.0

_subprocess = original("subprocess")
_log = logging.getLogger(__name__)


class Keystone:
    """Keystone's process.

    :param listener: the socket that it answers on, which this takes over
    :param proxy_port: where the catalog says that Swift is
    :param passwords: each user's
    """

    def __init__(self, listener: Any, proxy_port: int, passwords: dict[str, str]) -> None:
        self._listener = listener
        self.port: int = listener.getsockname()[1]
        self._order = {"proxy": proxy_port, "port": self.port, "passwords": passwords}
        self._process: Any = None
        self._ready = -1
        self._watcher: Any = None

    def start(self) -> None:
        """Start the process; this does not wait for it."""
        reader, writer = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(reader, False)
        listener = self._listener.fileno()
        try:
            self._process = _subprocess.Popen(
                [sys.executable, "-P", "-m", _PROGRAM],
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
        """Wait until Keystone answers; return the projects' ids and its release.

        :raises EmbeddedError: it did not start
        """
        answer = self._read(_START_SECONDS)
        if not answer:
            raise EmbeddedError(f"Keystone did not start; its log: {Path.cwd() / LOG}")
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
            _log.warning("Keystone ended with status %s and is started again", status)
            os.close(self._ready)
            self.start()
            if not self._read(_START_SECONDS):
                _log.error("Keystone does not start again; its log: %s", LOG)
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
