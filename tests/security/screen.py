"""A real terminal in front of lines that run in this process."""

from __future__ import annotations

import io
import os
import pty
import re
import sys
import threading
import tty
import unicodedata
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from unittest.mock import patch

from storlet_shell.adapters.cli.main import main

EVIL = "\x1b]0;owned\x07\x1b[31m\x9b31m\x7f\u202e"
"""What sets a window's title and colours, in both spellings, deletes, and turns text around."""

_DRAWN = re.compile(r"\r|\x1b\[K")
"""What a progress line is drawn with."""


class Screen:
    """Runs lines whose output and errors go to a terminal.

    :param environ: the whole environment
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = dict(environ)

    def __call__(self, *words: str, stdin: bytes = b"") -> tuple[int, str]:
        """Run a line, and return its exit status and what the terminal got."""
        outer, inner = pty.openpty()
        tty.setraw(inner)
        shown: list[bytes] = []
        reader = threading.Thread(target=_drain, args=(outer, shown))
        reader.start()
        try:
            with ExitStack() as stack:
                file = os.fdopen(inner, "wb")
                text = stack.enter_context(io.TextIOWrapper(file, encoding="utf-8", write_through=True))
                given = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
                for name, stream in (("stdin", given), ("stdout", text), ("stderr", text)):
                    stack.enter_context(patch.object(sys, name, stream))
                stack.enter_context(patch.dict(os.environ, self._environ, clear=True))
                try:
                    status = main(list(words))
                except SystemExit as end:
                    status = int(end.code or 0)
                text.flush()
        finally:
            reader.join(60)
            os.close(outer)
        return status, b"".join(shown).decode()


def _drain(descriptor: int, shown: list[bytes]) -> None:
    with suppress(OSError):  # the other end is closed
        while content := os.read(descriptor, 65536):
            shown.append(content)


def drives(text: str) -> list[str]:
    """Return the characters of a text that drive a terminal, or garble what it shows."""
    left = _DRAWN.sub("", text)
    return [char for char in left if char not in "\n\t" and unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp")]
