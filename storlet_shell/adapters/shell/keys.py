"""Keys of the interactive shell that must know the grammar: Enter, Tab, Ctrl-D and pasting in a line that continues."""

from __future__ import annotations

from collections.abc import Callable

from prompt_toolkit.application import get_app, run_in_terminal
from prompt_toolkit.filters import Condition, completion_is_selected
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.key_binding.key_processor import KeyPress, KeyPressEvent
from prompt_toolkit.keys import Keys

from storlet_shell.adapters.script.lines import is_incomplete, what_is_open

_INDENT = "    "


@Condition
def goes_on() -> bool:
    """Tell whether the current line continues in the next, so that Enter starts a new one."""
    return is_incomplete(get_app().current_buffer.text)


@Condition
def _in_body() -> bool:
    """Tell whether the cursor is in a heredoc's body, or in a continuation."""
    return get_app().current_buffer.document.cursor_position_row > 0


@Condition
def _at_end() -> bool:
    """Tell whether the cursor is behind all that was typed."""
    return get_app().current_buffer.document.is_cursor_at_the_end


def add(bindings: KeyBindings, say: Callable[[str], None]) -> None:
    """Add the keys; they win over those that are there.

    :param say: shows a line to whoever types
    """

    @bindings.add(Keys.Enter, filter=goes_on & ~completion_is_selected)
    def _(event: KeyPressEvent) -> None:
        """Begin a new line, without the last one's indent: a body is sent as typed."""
        event.current_buffer.insert_text("\n")

    @bindings.add(Keys.Tab, filter=_in_body)
    def _(event: KeyPressEvent) -> None:
        before = event.current_buffer.document.current_line_before_cursor
        event.current_buffer.insert_text(_INDENT[len(before) % len(_INDENT) :])

    @bindings.add(Keys.ControlD, filter=goes_on & _at_end)
    def _(event: KeyPressEvent) -> None:
        """Say what would end the line: elsewhere, Ctrl-D does."""
        message = f"{what_is_open(event.current_buffer.text)}; Ctrl-C drops what was typed"
        run_in_terminal(lambda: say(message))

    @bindings.add(Keys.BracketedPaste)
    def _(event: KeyPressEvent) -> None:
        """Insert pasted text unchanged, and run each line that it completes.

        cmd2 4.3 replays a paste as keys, line by line, each with a completion menu's or an indent's idea of Enter.
        """
        pasted = event.data.replace("\r\n", "\n").replace("\r", "\n")
        event.key_processor.feed_multiple(_presses(event.current_buffer.text, pasted))


def _presses(before: str, pasted: str) -> list[KeyPress]:
    """Return the keys that stand for a paste: the text of whole lines, each followed by Enter."""
    presses: list[KeyPress] = []
    at_hand = ""
    for line in pasted.splitlines(keepends=True):
        at_hand += line
        if line.endswith("\n") and not is_incomplete(before + at_hand[:-1]):
            presses += [KeyPress(Keys.Any, at_hand[:-1])] if at_hand[:-1] else []
            presses.append(KeyPress(Keys.ControlM, "\r"))
            at_hand = before = ""
    return presses + ([KeyPress(Keys.Any, at_hand)] if at_hand else [])
