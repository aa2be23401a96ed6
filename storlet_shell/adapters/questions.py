"""Ask the user on the terminal, and open files in their editor."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from storlet_shell.adapters.streams import Streams
from storlet_shell.text import printable

if TYPE_CHECKING:
    from pathlib import Path


class Questioner(Streams):
    """A process that can ask the user if its input and its messages are on a terminal."""

    def is_watched(self) -> bool:
        """Tell whether input and messages are on a terminal."""
        return sys.stdin is not None and sys.stdin.isatty() and self.stderr.isatty()

    def ask(self, question: str) -> bool | None:
        """Ask on the terminal."""
        if not self.is_watched():
            return None
        return self.read_answer(f"{question} [y/N] ").lower() in ("y", "yes")

    def ask_text(self, question: str) -> str:
        """Ask on the terminal."""
        return self.read_answer(question) if self.is_watched() else ""

    def read_answer(self, question: str) -> str:
        """Show a question on the terminal; return the answer without surrounding blanks."""
        self.stderr.write(printable(question))
        self.stderr.flush()
        return sys.stdin.readline().strip()

    def ask_secret(self, question: str) -> str:
        """Ask on the terminal without echo."""
        if not self.is_watched():
            return ""
        import getpass  # few lines ask

        try:
            return getpass.getpass(printable(question))
        except EOFError:
            return ""

    def edit(self, file: Path) -> None:
        """Open a file in the user's editor, ``$VISUAL`` or ``$EDITOR``."""
        from storlet_shell.adapters.terminal import editor  # few lines edit

        editor.edit(file, self.environ)
