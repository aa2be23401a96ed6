"""The host environment of commands in notebooks and IPython terminals."""

from __future__ import annotations

import html
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from storlet_shell.adapters.hints import in_line
from storlet_shell.adapters.progress import Transfer, TransferLine
from storlet_shell.adapters.words import NOTEBOOK_SYNTAX
from storlet_shell.errors import Action, Hint, advise
from storlet_shell.session import Surroundings
from storlet_shell.spec.summary import Summary
from storlet_shell.text import counted, printable
from storlet_shell.wire.observer import Progress

ALWAYS = "storlet"
"""The magic that takes any command, whatever names are taken."""

BROWSE = Summary(
    "browse",
    f"{__package__}.browse.command",
    (),
    "Objects",
    "Browse containers, objects, and storlets in a notebook.",
)
"""The command that only notebooks have."""


def in_magic(hint: Hint) -> str:
    """Spell a hint for cells: as the magic that takes any command."""
    if hint.action is Action.DEPLOY_CODE:  # code follows the magic of a whole cell
        return f"%%storletapp {' '.join(hint.arguments)}"
    return in_line(hint, f"%{ALWAYS} ")


class Handle(Protocol):
    """Something on the page that can be updated."""

    def update(self, shown: object) -> None:
        """Draw something in its place."""


class Page(Protocol):
    """Where output is displayed.

    ``is_kernel`` tells a kernel from a terminal.
    """

    is_kernel: bool

    def is_watched(self) -> bool:
        """Tell whether a user watches the output and can answer."""

    def show(self, shown: object) -> Handle:
        """Put something on the page."""


class Notebook(Surroundings):
    """A kernel, with or without a user, or an IPython terminal.

    :param environ: the environment, live: the first cell may set it after the extension was loaded
    """

    goes_on = True
    further_commands = (BROWSE,)

    def __init__(self, environ: Mapping[str, str], page: Page) -> None:
        super().__init__(environ)
        self._page = page

    def syntax(self) -> str:
        """Return the page of magics."""
        return NOTEBOOK_SYNTAX

    def is_watched(self) -> bool:
        """Tell whether a user is there to answer."""
        return self._page.is_watched()

    def shows_widgets(self) -> bool:
        """Tell whether a user watches a page, rather than a terminal."""
        return self._page.is_kernel and self._page.is_watched()

    def show(self, shown: object) -> None:
        """Put something on the page."""
        self._page.show(shown)

    def ask(self, question: str) -> bool | None:
        """Ask the user, if one is there to answer."""
        answer = self._read_answer(f"{question} [y/N] ")
        return None if answer is None else answer.lower() in ("y", "yes")

    def ask_text(self, question: str) -> str:
        """Ask the user, if one is there to answer."""
        return self._read_answer(question) or ""

    def _read_answer(self, question: str) -> str | None:
        if not self.is_watched():
            return None
        try:
            return input(printable(question)).strip()
        except (NotImplementedError, EOFError):  # a front end without input, or one that is gone
            return None

    def ask_secret(self, question: str) -> str:
        """Ask the user without echo, if one is there to answer."""
        if not self.is_watched():
            return ""
        import getpass  # ipykernel puts its own function there

        try:
            return getpass.getpass(printable(question))
        except (NotImplementedError, EOFError):
            return ""

    def spell(self, hint: Hint) -> str:
        """Spell a hint for cells."""
        return in_magic(hint)

    def warn(self, message: str, hint: Hint | None = None) -> None:
        """Write one line below the cell."""
        message = advise(message, hint, self.spell)
        sys.stderr.write(f"{printable(message)}\n")

    def awaits(self, running: int) -> bool:
        """Tell a user that a batch waits for its runs after an interrupt."""
        if not self.is_watched():
            return False
        key = "interrupt the kernel again to drop" if self._page.is_kernel else "Ctrl-C again drops"
        self.warn(f"waiting for {counted(running, 'run')}; {key} {'it' if running == 1 else 'them'}")
        return True

    @contextmanager
    def progress(self, label: str, total: int | None, unit: str = "") -> Iterator[Progress]:
        """Show the progress of a transfer to a user, if it takes over a second."""
        line: Transfer
        if self._page.is_kernel:
            line = Bar(self._page, label, total, unit)
        else:
            line = TransferLine(sys.stderr, printable(label), total, unit)
        try:
            yield line
        finally:
            line.clear()


class Bar(Transfer):
    """A transfer on a page, to its end.

    :param page: where it is displayed, if a user watches
    """

    def __init__(self, page: Page, label: str, total: int | None, unit: str = "") -> None:
        super().__init__(label, total, unit, watched=page.is_watched())
        self._page = page
        self._handle: Handle | None = None

    def draw(self) -> None:
        """Display it, or update it on the page."""
        if self._handle is None:
            self._handle = self._page.show(self)
        else:
            self._handle.update(self)

    def clear(self) -> None:
        """Leave an empty place."""
        if self._handle is not None:
            self._handle.update(_Nothing())

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        text = f"{printable(self.label)}  {self.figures()}"
        bar = f'<progress max="{self.total}" value="{self.count}"></progress> ' if self.total else ""
        return {"text/plain": text, "text/html": f"<div>{bar}{html.escape(text)}</div>"}


class _Nothing:
    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": "", "text/html": ""}
