"""What surrounds a command in a notebook or an IPython terminal."""

from __future__ import annotations

import html
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from storlet_shell.adapters.progress import TransferLine, figures
from storlet_shell.session import Progress, Surroundings
from storlet_shell.visible import printable

_FIRST_SHOWN = 1.0
_BETWEEN = 0.2


class Handle(Protocol):
    """Something on the page that can be drawn anew."""

    def update(self, shown: object) -> None:
        """Draw something in its place."""


class Page(Protocol):
    """Who looks on.

    ``is_kernel`` tells a kernel from a terminal.
    """

    is_kernel: bool

    def is_watched(self) -> bool:
        """Tell whether somebody sees what is shown as it is shown, and can answer."""

    def show(self, shown: object) -> Handle:
        """Put something on the page."""


class Notebook(Surroundings):
    """A kernel with or without somebody who looks on, or an IPython terminal.

    :param environ: the environment, live: the first cell may set it after the extension was loaded
    """

    goes_on = True

    def __init__(self, environ: Mapping[str, str], page: Page) -> None:
        super().__init__(environ)
        self._page = page

    def ask(self, question: str) -> bool | None:
        """Ask where somebody can answer."""
        if not self._page.is_watched():
            return None
        try:
            return input(f"{printable(question)} [y/N] ").strip().lower() in ("y", "yes")
        except (NotImplementedError, EOFError):  # a front end that takes no input, or one that has gone
            return None

    def warn(self, message: str) -> None:
        """Write one line below the cell."""
        sys.stderr.write(f"{printable(message)}\n")

    @contextmanager
    def progress(self, label: str, total: int | None, unit: str = "") -> Iterator[Progress]:
        """Show how far a transfer is while somebody looks on, if it takes over a second."""
        line: Bar | TransferLine
        if self._page.is_kernel:
            line = Bar(self._page.show if self._page.is_watched() else None, label, total, unit)
        else:
            line = TransferLine(sys.stderr, printable(label), total, unit)
        try:
            yield line
        finally:
            line.clear()


class Bar:
    """A transfer on a page, from when it takes over a second to its end.

    :param show: puts something on the page; None where nobody looks
    :param total: how many bytes there are, or None when nobody knows
    :param unit: what is counted, if not bytes
    """

    def __init__(self, show: Callable[[object], Handle] | None, label: str, total: int | None, unit: str = "") -> None:
        self._show = show
        self._label = label
        self._total = total
        self._unit = unit
        self._count = 0
        self._started = time.monotonic()
        self._next = self._started + _FIRST_SHOWN
        self._handle: Handle | None = None

    def advance(self, count: int) -> None:
        """Tell that so many more bytes went."""
        self._count += count
        now = time.monotonic()
        if self._show is None or now < self._next:
            return
        self._next = now + _BETWEEN
        if self._handle is None:
            self._handle = self._show(self)
        else:
            self._handle.update(self)

    def expect(self, total: int) -> None:
        """Tell how many there are."""
        self._total = total

    def clear(self) -> None:
        """Leave an empty place."""
        if self._handle is not None:
            self._handle.update(_Nothing())

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        seconds = time.monotonic() - self._started
        text = f"{printable(self._label)}  {figures(self._count, self._total, seconds, self._unit)}"
        bar = f'<progress max="{self._total}" value="{self._count}"></progress> ' if self._total else ""
        return {"text/plain": text, "text/html": f"<div>{bar}{html.escape(text)}</div>"}


class _Nothing:
    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": "", "text/html": ""}
