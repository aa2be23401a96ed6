"""A program on a pseudo-terminal whose settings can be inspected afterwards."""

from __future__ import annotations

import fcntl
import os
import re
import select
import signal
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from faults.clients import HUNG_SECONDS, Ended

_PROMPT = re.compile(rb"\x1b\[\?2004h[^>]*>.*?\x1b\[\?25h", re.DOTALL)
_MODES = {rb"\x1b\[\?2004([hl])": b"l", rb"\x1b\[\?25([hl])": b"h", rb"\x1b\[\?1049([hl])": b"l"}
"""The terminal modes for marking pastes, showing the cursor, and the alternate screen, and their defaults."""


_KEY_SECONDS = 2.0


class Terminal:
    """The terminal and its program; a context manager.

    :param words: the program's command line
    """

    def __init__(self, words: Sequence[str], environ: Mapping[str, str]) -> None:
        self._words, self._environ = words, environ
        self._shown = b""
        self._at = 0

    def __enter__(self) -> Terminal:
        self._ours, self._theirs = os.openpty()
        termios.tcsetwinsize(self._theirs, (40, 200))
        self._before = termios.tcgetattr(self._theirs)
        self.process = subprocess.Popen(
            self._words,
            stdin=self._theirs,
            stdout=self._theirs,
            stderr=self._theirs,
            env=dict(self._environ),
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._ours)
        os.close(self._theirs)

    def type(self, text: str) -> None:
        """Type a text."""
        os.write(self._ours, text.encode())

    def wait_for_prompt(self) -> None:
        """Read until a new prompt is shown."""
        deadline = time.monotonic() + HUNG_SECONDS
        while not (prompt := _PROMPT.search(self._shown, self._at)):
            if time.monotonic() > deadline or (not self._read(1) and self.process.poll() is not None):
                return
        self._at = prompt.end()

    def _read(self, seconds: float) -> bool:
        if not select.select([self._ours], [], [], seconds)[0]:
            return False
        self._shown += os.read(self._ours, 65536)
        return True

    def leave(self) -> Ended:
        """Type Ctrl-D until the program exits: between two prompts it isn't a key, but a NUL."""
        deadline = time.monotonic() + HUNG_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            self.type("\x04")
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(_KEY_SECONDS)
            while self._read(0):
                pass
        return self.end()

    def end(self) -> Ended:
        """Wait for the program's end; return its result."""
        deadline = time.monotonic() + HUNG_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            self._read(0.1)
        while self._read(0):
            pass
        code, leftover = self.process.poll(), True
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            leftover = False
        status = code if code is None or code >= 0 else 128 - code
        # The output contains both streams, and the line is judged by its status, so it needs no line of its own.
        shown = self._shown.decode(errors="replace")
        return Ended(status, self._shown, shown if "Traceback" in shown else "storlet-shell: ", leftover)

    @property
    def is_restored(self) -> bool:
        """Whether the terminal is as before: its settings, and its modes."""
        modes = {mode: re.findall(mode, self._shown)[-1:] for mode in _MODES}
        is_told = all(not last or last == [_MODES[mode]] for mode, last in modes.items())
        return is_told and termios.tcgetattr(self._theirs) == self._before
