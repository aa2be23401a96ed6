"""The preferences about looks: colors, completion, the toolbar, and the pager. They take effect at once."""

from __future__ import annotations

import os
import shutil
from typing import Protocol

import cmd2
from cmd2 import rich_utils
from cmd2.styles import Cmd2Style
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.formatted_text import AnyFormattedText
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.shortcuts import CompleteStyle, PromptSession
from prompt_toolkit.styles import DynamicStyle
from rich.style import StyleType

from storlet_shell.adapters.console import PAGER, Console
from storlet_shell.adapters.shell.styles import style_of
from storlet_shell.adapters.terminal.themes import NONE, THEMES, has_colors

TAB, TYPING = "tab", "typing"
"""When completions are shown."""

_OWN_TABLES: dict[str, StyleType] = {
    Cmd2Style.HELP_HEADER: "bold",
    Cmd2Style.HELP_LEADER: "none",
    Cmd2Style.TABLE_BORDER: "dim",
    Cmd2Style.COMMAND_LINE: "bold",
    Cmd2Style.SUCCESS: "none",
    Cmd2Style.WARNING: "none",
    Cmd2Style.ERROR: "none",
}
"""cmd2's tables in colors that can be read on any background."""


class HasPreferences(Protocol):
    """The part of the shell that preferences change."""

    main_session: PromptSession[str]
    console: Console

    def add_settable(self, settable: cmd2.Settable) -> None:
        """Add a preference to ``set``."""

    def get_bottom_toolbar(self) -> AnyFormattedText:
        """Return the text of the toolbar."""


class Preferences:
    """Preferences about looks, as attributes that ``set`` changes.

    :param shell: gets them
    """

    def __init__(self, shell: HasPreferences) -> None:
        self._shell = shell
        self._console = shell.console
        self._prompt = shell.main_session
        self._prompt.complete_in_thread = False  # the completer has threads of its own
        self._prompt.complete_style = CompleteStyle.COLUMN
        self._prompt.style = DynamicStyle(lambda: style_of(THEMES[self._theme]))
        cmd2.theme.update_theme(_OWN_TABLES)
        self.pager = _default_pager(self._console)
        self.theme = self._console.theme
        for name, text, choices in (
            ("theme", "Colors: for any background, a dark one or a light one, or none", list(THEMES)),
            ("completion", "When completions are shown: after Tab, or as you type", [TAB, TYPING]),
            ("pager", "Program that shows what is taller than the screen; none for none", None),
        ):
            shell.add_settable(cmd2.Settable(name, str, text, self, choices=choices))
        text = "Show account, cloud, and how the last line ended below the prompt"
        shell.add_settable(cmd2.Settable("toolbar", bool, text, self))

    @property
    def theme(self) -> str:
        """The name of the theme."""
        return self._console.theme

    @theme.setter
    def theme(self, name: str) -> None:
        self._console.theme = name
        is_colored = name != NONE.name and has_colors(self._console.stdout, self._console.environ)
        self._theme = name if is_colored else NONE.name
        rich_utils.ALLOW_STYLE = rich_utils.AllowStyle.TERMINAL if is_colored else rich_utils.AllowStyle.NEVER
        self._prompt.color_depth = ColorDepth.DEPTH_8_BIT if is_colored else ColorDepth.DEPTH_1_BIT
        # Without color, a suggestion would look as if it had been typed.
        self._prompt.auto_suggest = AutoSuggestFromHistory() if is_colored else None

    @property
    def completion(self) -> str:
        """When completions are shown."""
        return TYPING if self._prompt.complete_while_typing else TAB

    @completion.setter
    def completion(self, when: str) -> None:
        self._prompt.complete_while_typing = when == TYPING

    @property
    def toolbar(self) -> bool:
        """Whether there is a toolbar."""
        return self._prompt.bottom_toolbar is not None

    @toolbar.setter
    def toolbar(self, is_shown: bool) -> None:
        self._prompt.bottom_toolbar = self._shell.get_bottom_toolbar if is_shown else None


def _default_pager(console: Console) -> str:
    """Return the pager of the environment, or else ``less`` if it is installed."""
    chosen = console.environ.get(PAGER) or console.environ.get("PAGER")
    return chosen or ("less" if shutil.which("less", path=console.environ.get("PATH", os.defpath)) else "none")
