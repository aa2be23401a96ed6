"""The pager: shows what is taller than the screen. It gets the text as it arrives."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO

from storlet_shell.adapters.terminal.widths import width

_PATIENCE = 0.5
"""Seconds: text that takes longer than this to fill the screen is shown as it comes."""

_STYLE = re.compile(r"\x1b\[[0-9;]*m")
_OPTIONS = {"LESS": "FRX", "LV": "-c"}
"""Options for pagers whose users have chosen none, as git sets them: let colors through."""


class Paged(io.TextIOBase):
    """A terminal that gives more text than fits it to a pager.

    The text is held back until the screen is full, but not for long.

    :param stream: the terminal
    :param command: the pager, with options
    :param environ: the environment of the pager
    :param complain: called with what is wrong with the pager
    """

    def __init__(
        self, stream: IO[str], command: str, environ: Mapping[str, str], complain: Callable[[str], None]
    ) -> None:
        self._stream = stream
        self._command = command
        self._environ = environ
        self._complain = complain
        self._held: list[str] = []
        self._rows = 0
        self._size = shutil.get_terminal_size()
        self._process: subprocess.Popen[bytes] | None = None
        self._is_direct = False
        self._lock = threading.Lock()
        self._timer = threading.Timer(_PATIENCE, self._give_up)
        self._timer.daemon = True

    def isatty(self) -> bool:
        """Return True: people read it."""
        return True

    def writable(self) -> bool:
        """Return True."""
        return True

    @property
    def is_paging(self) -> bool:
        """Whether the pager has the terminal."""
        return self._process is not None

    def write(self, text: str) -> int:
        """Show a text, or hold it back until it is known where.

        :raises BrokenPipeError: when the user has left the pager
        """
        with self._lock:
            if self._process is not None:
                assert self._process.stdin is not None
                self._process.stdin.write(text.encode("utf-8", "backslashreplace"))
            elif self._is_direct:
                self._stream.write(text)
            else:
                self._hold(text)
        return len(text)

    def _hold(self, text: str) -> None:
        if not self._held:
            self._timer.start()
        self._held.append(text)
        lines = text.split("\n")
        self._rows += len(lines) - 1
        self._rows += sum(max(0, width(_STYLE.sub("", line)) - 1) // self._size.columns for line in lines)
        if self._rows >= self._size.lines:
            self._start()

    def _start(self) -> None:
        """Start the pager, and give it what was held back."""
        try:
            self._process = subprocess.Popen(
                shlex.split(self._command), stdin=subprocess.PIPE, env={**_OPTIONS, **self._environ}
            )
        except (OSError, ValueError) as error:
            self._complain(f"pager {self._command!r} can't be started: {getattr(error, 'strerror', '') or error}")
            self._release()
            return
        held, self._held = self._held, []
        assert self._process.stdin is not None
        self._process.stdin.write("".join(held).encode("utf-8", "backslashreplace"))

    def _release(self) -> None:
        self._is_direct = True
        held, self._held = self._held, []
        self._stream.writelines(held)
        self._stream.flush()

    def _give_up(self) -> None:
        """Show what was held back, since the rest takes its time."""
        with self._lock:
            if self._process is None and not self._is_direct:
                self._release()

    def flush(self) -> None:
        """Let the pager, or the terminal, have what was written to it."""
        with self._lock:
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.flush()
            elif self._is_direct:
                self._stream.flush()

    def finish(self) -> None:
        """Show the rest, and wait until the user leaves the pager."""
        self._timer.cancel()
        with self._lock:
            if self._process is None:
                self._release()
                return
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        while True:
            try:
                self._process.wait()
            except KeyboardInterrupt:  # the pager has it, too, and goes on
                continue
            return


class NotPaging:
    """A terminal for progress, on which nothing is drawn while the pager has it.

    :param pager: returns the pager of the result that is being shown; None without one
    """

    def __init__(self, stream: IO[str], pager: Callable[[], Paged | None]) -> None:
        self._stream = stream
        self._pager = pager

    def isatty(self) -> bool:
        """Return True."""
        return True

    def write(self, text: str) -> int:
        """Write a text, unless the pager has the terminal."""
        pager = self._pager()
        return len(text) if pager is not None and pager.is_paging else self._stream.write(text)

    def flush(self) -> None:
        """Let the terminal have what was written."""
        self._stream.flush()


@contextmanager
def paged(
    stream: IO[str], command: str, environ: Mapping[str, str], complain: Callable[[str], None]
) -> Iterator[Paged]:
    """Give what is written in this context to a pager, once it is taller than the screen.

    The user may leave the pager before the end; nothing more is shown then.
    """
    pager = Paged(stream, command, environ, complain)
    try:
        yield pager
    except BrokenPipeError:
        if not pager.is_paging:
            raise
    finally:
        pager.finish()
