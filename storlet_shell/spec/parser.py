"""The argument parser: it raises one line that helps instead of printing its usage and exiting."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterable, Sequence
from typing import IO, Any, NoReturn, TypeVar

from storlet_shell.errors import UsageError
from storlet_shell.spec.arguments import Arg
from storlet_shell.spec.once import refuse_repeats

_UNKNOWN_OPTION = re.compile("unrecognized arguments: (--[^ =]+)")
_UNKNOWN_LETTER = re.compile("unrecognized arguments: -([A-Za-z])(?: |$)")
_TOO_MANY = re.compile("unrecognized arguments: [^-]")
_UNKNOWN_CHOICE = re.compile(r"argument \S+: invalid choice: '(.*)' \(choose from (.*)\)")
_LETTERS_ELSEWHERE = {"f": ("--force", "--yes")}
"""What letters of other tools stand for, such as that of ``rm -f``: the first of these options that there is."""

_TAKES_NAME = {"show": "", "create": " …"}
"""Actions that a name in an action's place may be meant for, and the rest of such a line; cmd2's ``alias`` creates."""


def suggest(word: str, choices: Iterable[str], prog: str) -> str:
    """Return what a mistyped word may stand for; empty if nothing is close.

    :param choices: the words that would be right
    :param prog: the command in front of the word
    """
    import difflib  # for those who mistype

    choices = list(choices)
    if close := difflib.get_close_matches(word, choices, 1):
        return f"did you mean {close[0]}?"
    lines = (f"{action} {word}{rest}" for action, rest in _TAKES_NAME.items() if action in choices)
    return next((f"try: {prog} {line}" for line in lines), "")


def escaped(text: str) -> str:
    """Escape a text for argparse's help, where a percent sign begins a format."""
    return text.replace("%", "%%")


class ParserMixin:
    """An argument parser that raises one line instead of printing its usage and exiting.

    A front end that needs its own parser class mixes this into it.
    """

    prog: str

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        refuse_repeats(self)  # type: ignore[arg-type]  # it is mixed into a parser

    def error(self: Any, message: str) -> NoReturn:
        """Raise an error for words that don't fit.

        :raises UsageError: always
        """
        hint = self._suggestion(message) or f"try: help {self.prog}"
        if _TOO_MANY.match(message):
            words = message.partition(": ")[2].split()
            if any(map(os.path.exists, words)):
                hint = "has your shell expanded a pattern? then quote it"
            hint = f"{self._takes()}; {hint}"
        raise UsageError(f"{self.prog}: {message}; {hint}")

    def _takes(self: Any) -> str:
        """Describe the words that can follow in addition to options."""
        takes = []
        for action in self._get_positional_actions():
            name = action.metavar or "|".join(map(str, action.choices or [action.dest]))
            takes.append(f"[{name}]" if action.nargs in ("?", "*") else name)
        return f"it takes {' '.join(takes) or 'options only'}"

    def _suggestion(self: Any, message: str) -> str:
        """Return what an unknown option or choice may stand for."""
        if unknown := _UNKNOWN_OPTION.match(message):
            return suggest(unknown[1], self._option_string_actions, self.prog)
        if unknown := _UNKNOWN_LETTER.match(message):
            options = _LETTERS_ELSEWHERE.get(unknown[1], ())
            return next((f"did you mean {option}?" for option in options if option in self._option_string_actions), "")
        if unknown := _UNKNOWN_CHOICE.match(message):
            return suggest(unknown[1], re.findall(r"[^\s',]+", unknown[2]), self.prog)
        return ""

    def parse_words(self: Any, words: Sequence[str]) -> argparse.Namespace:
        """Parse words with options anywhere among them; argparse alone refuses ``dependencies rm -y NAME``.

        Words with a ``--`` are parsed by argparse alone: intermixed parsing ignores it.
        """
        if "--" in words:
            return argparse.ArgumentParser.parse_args(self, list(words))  # a front end's own parse_args may lead here
        parsed: argparse.Namespace = self.parse_intermixed_args(list(words))
        return parsed


class HelpFormatter(argparse.HelpFormatter):
    """Wraps each paragraph of a text by itself, and breaks no word; examples keep their lines."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        import textwrap  # for those who ask for help

        wrapper = textwrap.TextWrapper(
            width, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )
        return "\n\n".join(
            paragraph if "\n  " in paragraph else wrapper.fill(" ".join(paragraph.split()))
            for paragraph in text.split("\n\n")
        )


class Parser(ParserMixin, argparse.ArgumentParser):
    """The parser of all front ends that don't need their own.

    ``out`` is the stream for help; None means standard output.
    """

    out: IO[str] | None = None

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.color = False  # Python 3.14 colors help on a terminal; we write plain text

    def _print_message(self, message: str, file: Any = None) -> None:
        super()._print_message(message, self.out or file)


AnyParser = TypeVar("AnyParser", bound=argparse.ArgumentParser)


def add_arguments(parser: argparse.ArgumentParser, args: Iterable[Arg]) -> None:
    """Add arguments to a parser, options under the headings of their groups."""
    groups: dict[str, argparse._ArgumentGroup] = {}
    for arg in args:
        if arg.group and arg.group not in groups:
            groups[arg.group] = parser.add_argument_group(arg.group)
        (groups[arg.group] if arg.group else parser).add_argument(*arg.flags, **arg.options)
