"""Processes of ``storlet-shell``, started quickly and by the hundred, and their results.

Each is forked from one that has imported everything (:mod:`faults.zygote`), so that a run takes as long as its
requests, and then runs the installed entry point: signals, exit status and standard streams are those of a real
process.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from faults.zygote import NUMBER
from tests.support.lines import ROOT

HUNG_SECONDS = 60.0
"""Seconds after which a process counts as hung; each has a few seconds of work at most."""

_OURS = "storlet-shell: "


@dataclass(frozen=True)
class Ended:
    """The result of a process.

    :param status: its exit status, as a shell reports it; None if it had to be killed
    :param leftover: whether one of its own processes outlived it
    """

    status: int | None
    out: bytes = b""
    err: str = ""
    leftover: bool = False

    @property
    def is_clear(self) -> bool:
        """Whether it reported a failure in one line, without a traceback."""
        if "Traceback" in self.err:
            return False
        lines = self.err.splitlines()
        return not self.status or (bool(lines) and lines[-1].startswith(_OURS) and len(lines[-1]) < 2000)

    @property
    def last(self) -> str:
        """The last line on standard error."""
        return next(iter(self.err.splitlines()[-1:]), "")


class Clients:
    """Starts clients in any thread; a context manager.

    :param folder: the home folder of the clients
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    def __enter__(self) -> Clients:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environ = {**os.environ, "PYTHONPATH": str(ROOT)}
        with theirs:
            self._zygote = subprocess.Popen([sys.executable, "-m", "faults.zygote"], stdin=theirs, env=environ)
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._zygote.wait()

    def environ(self, **variables: str) -> dict[str, str]:
        """Return the environment of a client."""
        return {"PATH": os.environ["PATH"], "HOME": str(self._folder), "LANG": "C.UTF-8", **variables}

    def run(
        self,
        words: Sequence[str],
        environ: Mapping[str, str],
        folder: Path | None = None,
        *,
        stdin: bytes = b"",
        patches: Mapping[str, object] | None = None,
    ) -> Ended:
        """Run a line as a process and return its result.

        :param environ: the whole environment
        :param folder: its working folder; None for its home
        :param patches: replacements for the package's constants, by dotted name
        """
        asked = {"words": list(words), "environ": dict(environ), "folder": str(folder or self._folder)}
        text = json.dumps({**asked, "patches": dict(patches or {})}).encode()
        reader, writer = os.pipe()
        with tempfile.TemporaryFile() as stdin_file, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            stdin_file.write(stdin)
            stdin_file.seek(0)
            with self._lock:
                socket.send_fds(self._socket, [text], [stdin_file.fileno(), out.fileno(), err.fileno(), writer])
            os.close(writer)
            status, leftover = _end_of(reader)
            for file in (out, err):
                file.seek(0)
            return Ended(status, out.read(), err.read().decode(), leftover)


def _end_of(reader: int) -> tuple[int | None, bool]:
    """Wait for a client; return its exit status, or None if it hung, and whether processes of its group remain."""
    try:
        (process,) = NUMBER.unpack(os.read(reader, NUMBER.size))
        hung = not select.select([reader], [], [], HUNG_SECONDS)[0]
        if hung:
            os.killpg(process, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(*NUMBER.unpack(os.read(reader, NUMBER.size)))
    finally:
        os.close(reader)
    leftover = True
    try:
        os.killpg(process, signal.SIGKILL)
    except ProcessLookupError:
        leftover = False
    return None if hung else code if code >= 0 else 128 - code, leftover
