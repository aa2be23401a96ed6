"""Tables on a terminal: headings in color, sizes for people, and columns as wide as what the terminal shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.results.fields import Field
from storlet_shell.results.formats import Cells, Tabular, table_lines
from storlet_shell.text import printable

Paint = Callable[[str, str], str]
"""Returns a text in the colors of a role, which comes first; the text is escaped already."""


@typed_equality
class Display(NamedTuple):
    """A terminal, as far as results depend on it.

    :param paint: colors a text
    :param width: returns how many columns a text takes; its control characters are escaped already
    """

    paint: Paint
    width: Callable[[str], int]


class _Cells(Cells):
    """Cells without control characters, measured by what a terminal shows."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self.width = display.width

    def spelling(self, field: Field) -> Callable[[Any], str]:
        """Return a function that spells a field's values with control characters as escapes."""
        return lambda value: printable(field.spell_on_terminal(value))

    def heading(self, text: str) -> str:
        """Color a heading."""
        return self._display.paint("heading", text)

    def line(self, text: str) -> str:
        """Escape the control characters of a line."""
        return printable(text)


def table_on_terminal(table: Tabular, display: Display) -> Iterator[str]:
    """Yield a table as lines for a terminal, without line ends."""
    return table_lines(table, _Cells(display))
