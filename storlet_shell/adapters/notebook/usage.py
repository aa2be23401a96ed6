"""The help of a magic: what ``%get?`` and Shift-Tab show.

A tooltip is small, so the usage and the examples come first, and what every command has comes last.
"""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterable, Iterator

from storlet_shell.spec.arguments import COMMON, Arg
from storlet_shell.spec.command import Command

EXAMPLES = 3
"""The number of examples that are shown."""

_WIDTH = 79
_LABEL_WIDTH = 24
_SHELL_SIGNS = "|<>"


def usage(command: Command, magic: str, *, takes_body: bool) -> str:
    """Return a command's help, its lines spelled as magics.

    :param magic: the name of the magic, without ``%``
    :param takes_body: whether a cell can follow
    """
    lines = [f"%{_renamed(command.usage, magic)}"]
    if takes_body:
        lines.append(f"%%{_renamed(command.usage, magic)}  (the rest of the cell is the body)")
    summary, _, details = command.description.partition("\n\n")
    parts = ["\n".join(lines), _wrapped(summary), "\n".join(_examples(command, magic)), *_paragraphs(details)]
    parts += _actions(command, magic) if command.actions else _arguments(command.args)
    return "\n\n".join(filter(None, parts)) + "\n"


def magic_examples(command: Command) -> list[str]:
    """Return the examples that work as magics: those without pipes and redirects."""
    return [example for example in command.examples if _is_magic(example, command.name)]


def _is_magic(example: str, name: str) -> bool:
    lexer = shlex.shlex(example, posix=True, punctuation_chars=_SHELL_SIGNS)
    lexer.whitespace_split = True
    words = list(lexer)  # a comment isn't among them
    return words[0] == name.split()[0] and not any(set(word) <= set(_SHELL_SIGNS) for word in words)


def _examples(command: Command, magic: str) -> Iterator[str]:
    pairs = [_renamed(example, magic).partition("  # ") for example in magic_examples(command)[:EXAMPLES]]
    width = max((len(line) for line, _, _ in pairs), default=0)
    for line, mark, comment in pairs:
        yield f"  %{line:<{width}}{mark}{comment}".rstrip()


def _renamed(line: str, magic: str) -> str:
    """Return a line with the magic's name in place of the command's."""
    _, blank, rest = line.partition(" ")
    return magic + blank + rest


def _wrapped(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), _WIDTH, break_long_words=False, break_on_hyphens=False)


def _paragraphs(text: str) -> Iterator[str]:
    return (part if "\n  " in part else _wrapped(part) for part in text.split("\n\n"))


def _arguments(args: Iterable[Arg]) -> Iterator[str]:
    """Yield a paragraph for each group of arguments, and one for those that every command has."""
    groups: dict[str, list[str]] = {}
    for arg in args:
        if "help" in arg.options:
            groups.setdefault(arg.group, []).append(_row(_label(arg), str(arg.options["help"])))
    for group, rows in groups.items():
        yield "\n".join([f"{group}:", *rows] if group else rows)
    yield "\n".join(["options of every command:", *(_row(_label(arg), str(arg.options["help"])) for arg in COMMON)])


def _label(arg: Arg) -> str:
    if not arg.is_option:
        return arg.value_name
    return ", ".join(arg.flags) + (f" {arg.value_name}" if arg.takes_value else "")


def _actions(command: Command, magic: str) -> Iterator[str]:
    notes = {command.default: " (default)"}
    rows = [_row(action.verb, action.summary + notes.get(action.verb, "")) for action in command.actions]
    yield "\n".join(["actions:", *rows])
    yield f"%{magic} ACTION --help shows an action's arguments."


def _row(label: str, text: str) -> str:
    """Return a label with its text next to it, or below if the label is long."""
    indent = " " * _LABEL_WIDTH
    wrapped = textwrap.fill(
        " ".join(text.replace("%%", "%").split()),
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    if len(label) + 4 > _LABEL_WIDTH:
        return f"  {label}\n{wrapped}"
    return f"  {label}".ljust(_LABEL_WIDTH) + wrapped[_LABEL_WIDTH:]
