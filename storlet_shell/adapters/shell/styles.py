"""The colors of the shell's own screen: the typed line, its completions, and the toolbar."""

from __future__ import annotations

from collections.abc import Iterator

from prompt_toolkit.styles import Style

from storlet_shell.adapters.terminal.themes import NONE, Theme

_WORDS = ("bold", "italic", "underline")
_LEVELS = (0, 95, 135, 175, 215, 255)

_MENU = {
    "completion-menu": "bg:#3a3a3a #eeeeee",
    "completion-menu.completion": "bg:#3a3a3a #eeeeee",
    "completion-menu.completion.current": "noreverse bg:#005f87 #ffffff bold",
    "completion-menu.meta.completion": "bg:#303030 #bcbcbc",
    "completion-menu.meta.completion.current": "bg:#005f87 #ffffff",
    "bottom-toolbar": "noreverse bg:#303030 #d0d0d0",
    "bottom-toolbar.failed": "bg:#303030 #ff8787 bold",
}
"""Colors with backgrounds of their own, so that they don't depend on the terminal's."""

_MENU_WITHOUT_COLORS = {
    "completion-menu": "reverse",
    "completion-menu.completion": "reverse",
    "completion-menu.completion.current": "noreverse bold",
    "completion-menu.meta.completion": "reverse",
    "completion-menu.meta.completion.current": "noreverse",
    "bottom-toolbar": "reverse",
}


def class_of(role: str) -> str:
    """Return the style of a role, as fragments of prompt_toolkit name it."""
    return f"class:storlet.{role}" if role else ""


def style_of(theme: Theme) -> Style:
    """Return a theme as a style of prompt_toolkit."""
    roles = {f"storlet.{role}": " ".join(_parts(style)) for role, style in theme.styles.items()}
    if theme == NONE:
        return Style.from_dict(_MENU_WITHOUT_COLORS)
    return Style.from_dict({**roles, "auto-suggestion": roles["storlet.suggestion"], **_MENU})


def _parts(style: str) -> Iterator[str]:
    for word in style.split():
        yield word if word in _WORDS else _rgb(int(word))


def _rgb(color: int) -> str:
    """Return a color of xterm's palette, from 16 on, as prompt_toolkit spells it."""
    if color >= 232:
        return "#" + 3 * f"{8 + 10 * (color - 232):02x}"
    place = color - 16
    return "#" + "".join(f"{_LEVELS[at]:02x}" for at in (place // 36, place // 6 % 6, place % 6))
