"""Themes: the colors of a terminal, by the roles of the texts that have them.

A color is one of the 256 of xterm's palette. Programs can rely on those from 16 on; the user can redefine the first 16,
which look different on every terminal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, NamedTuple

from storlet_shell.equality import typed_equality

THEME = "STORLET_SHELL_THEME"
"""The variable that names the theme of one-shot lines and command files; ``set theme`` changes that of the shell."""

_SGR = {"bold": "1", "italic": "3", "underline": "4"}
DUMB = ("", "dumb")
"""Terminals without colors, as ``TERM`` names them; no pager works there."""


@typed_equality
class Theme(NamedTuple):
    """Colors by role.

    :param name: the name that users know
    :param styles: words for each role: ``bold``, ``italic``, ``underline``, and the number of a color
    """

    name: str
    styles: Mapping[str, str]

    def paint(self, role: str, text: str) -> str:
        """Return a text in the colors of a role; a role without any leaves it unchanged."""
        style = self.styles.get(role)
        return f"{sgr(style)}{text}{RESET}" if style and text else text


RESET = "\x1b[0m"


def sgr(style: str) -> str:
    """Return the control sequence that begins a style (ECMA-48, 8.3.117)."""
    return f"\x1b[{';'.join(_SGR.get(word) or f'38;5;{word}' for word in style.split())}m"


def _theme(name: str, *, red: int, green: int, blue: int, cyan: int, violet: int, orange: int, gray: int) -> Theme:
    return Theme(
        name,
        {
            "heading": "bold",
            "error": f"{red} bold",
            "warning": f"{orange} bold",
            "transaction": str(gray),
            # JSON
            "key": f"{blue} bold",
            "string": str(green),
            "number": str(cyan),
            "constant": str(violet),
            # tracebacks
            "place": str(gray),
            "exception": f"{red} bold",
            # the line that is typed, and Python in it
            "command": "bold",
            "option": str(cyan),
            "quoted": str(green),
            "operator": str(violet),
            "comment": f"{gray} italic",
            "suggestion": str(gray),
            "keyword": f"{violet} bold",
            "definition": f"{blue} bold",
            "builtin": str(cyan),
            "decorator": str(orange),
        },
    )


THEMES: Mapping[str, Theme] = {
    theme.name: theme
    for theme in (
        # In the default theme, each color has a contrast of at least 3.5 with white, black, and dark gray (#1e1e1e). In
        # the others, the contrast with their own backgrounds is at least 4.5.
        _theme("default", red=196, green=28, blue=32, cyan=30, violet=133, orange=130, gray=243),
        _theme("dark", red=203, green=114, blue=75, cyan=80, violet=176, orange=215, gray=246),
        _theme("light", red=124, green=22, blue=25, cyan=23, violet=90, orange=94, gray=241),
        Theme("none", {}),
    )
}
"""The themes by name: one for any background, one each for dark and light ones, and no colors."""

NONE = THEMES["none"]
DEFAULT = THEMES["default"]


def has_colors(stream: IO[str], environ: Mapping[str, str]) -> bool:
    """Tell whether a stream is a terminal that has colors, and the user wants them.

    :param environ: ``NO_COLOR``, if it isn't empty, switches colors off (https://no-color.org)
    """
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM", "") not in DUMB
