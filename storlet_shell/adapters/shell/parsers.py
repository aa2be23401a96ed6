"""cmd2's argument parsers: for the registry's commands, and for the words that only the shell has."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import cmd2
from cmd2.constants import NS_ATTR_STATEMENT, NS_ATTR_SUBCOMMAND_FUNC
from cmd2.parsing import StatementParser

from storlet_shell.adapters.completion.names import Candidate, complete
from storlet_shell.session import Session
from storlet_shell.spec.registry import Command, HelpFormatter, Kind, ParserMixin


class RunsCommands(Protocol):
    """The shell, as what is bound here needs it."""

    session: Session

    def bind(self, command: Command, arguments: dict[str, Any]) -> None:
        """Take a command whose arguments are parsed, to run it."""


class ShellParser(ParserMixin, cmd2.Cmd2ArgumentParser):
    """cmd2's argument parser, with one line for what is wrong."""

    def __init__(self, **options: Any) -> None:
        options["formatter_class"] = cmd2.RawDescriptionCmd2HelpFormatter  # cmd2 4.3 fails with argparse's own ones
        super().__init__(**options)


class PlainParser(ShellParser):
    """One whose help looks as in every front end: cmd2's is drawn by rich."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.formatter_class = HelpFormatter  # type: ignore[assignment]  # cmd2's own is one of rich
        self.color = False  # Python 3.14 would colour it

    def _get_formatter(self, *_: Any, **__: Any) -> Any:
        return argparse.ArgumentParser._get_formatter(self)

    def format_help(self, *_: Any, **__: Any) -> str:
        """Return the help without the empty line that cmd2 adds."""
        return argparse.ArgumentParser.format_help(self)


class CommandParser(PlainParser):
    """One for the registry's commands; cmd2 parses words by ``parse_args``."""

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:  # noqa: ARG002  cmd2 gives none
        """Parse words as every front end does."""
        return self.parse_words(args)


@dataclass(frozen=True)
class SplitStatement(cmd2.Statement):
    """A line as cmd2 hands it to the function of a command, with the words that it was split into already."""

    words: tuple[str, ...] = ()
    spelled: tuple[str, ...] = ()


class SplitWords(StatementParser):
    """Gives the functions of commands the words that the line was split into."""

    def get_command_arg_list(
        self, command_name: str, to_parse: cmd2.Statement | str, preserve_quotes: bool
    ) -> tuple[cmd2.Statement, list[str]]:
        """Return the words after the command."""
        if isinstance(to_parse, SplitStatement):
            return to_parse, list(to_parse.spelled if preserve_quotes else to_parse.words)
        return super().get_command_arg_list(command_name, to_parse, preserve_quotes)


def bind(action: argparse.Action, kind: Kind, separator: str = "") -> None:
    """Let Tab complete an argument by what it names."""
    prefixed = kind is Kind.OBJECT and bool(action.option_strings)

    def completer(shell: RunsCommands, text: str, line: str, begidx: int, endidx: int) -> cmd2.Completions:  # noqa: ARG001
        quote = line[begidx - 1] if begidx and line[begidx - 1] in "'\"" else ""
        found = complete(shell.session, kind, text, prefixed=prefixed, separator=separator)
        return _candidates(found, quote)

    action.set_completer(completer)  # type: ignore[attr-defined]  # cmd2 adds it to argparse's actions


def _candidates(found: Iterable[Candidate], quote: str) -> cmd2.Completions:
    items, final = [], True
    for one in found:
        if _fits(one.text, quote):
            shown = one.text.rstrip("/").rpartition("/")[2] + ("" if one.final else "/")
            items.append(cmd2.CompletionItem(one.text, display=shown, display_meta=one.note))
            final = one.final
    return cmd2.Completions(items, is_sorted=True, allow_finalization=len(items) != 1 or final)


def _fits(text: str, quote: str) -> bool:
    """Tell whether a text can stand in quotes without an escape, which cmd2 would not understand at the next Tab."""
    if not quote:
        return _fits(text, "'") or _fits(text, '"')
    return quote not in text and not (quote == '"' and "\\" in text)


def function_of(command: Command, name: str) -> Callable[..., Any]:
    """Return the function that cmd2 calls for a command of the registry, under one of its names."""

    def parser() -> CommandParser:
        return command.parser(CommandParser, bind=bind)

    def run(shell: RunsCommands, given: argparse.Namespace) -> None:
        arguments = dict(vars(given))
        for added in (NS_ATTR_STATEMENT, NS_ATTR_SUBCOMMAND_FUNC):
            arguments.pop(added, None)
        shell.bind(command, arguments)

    # cmd2 knows a command by its function's name, and keeps its parser under the qualified one.
    run.__name__, run.__qualname__, run.__doc__ = f"do_{name}", f"Shell.do_{name}", command.summary
    function = cmd2.with_argparser(parser)(run)
    cmd2.categorize(function, command.category)
    return function


def parser_of_run_script() -> PlainParser:
    """Return the parser of ``run_script``."""
    parser = PlainParser(description="Run a command file in this shell, up to the first line that fails.")
    parser.add_argument("-D", action="append", default=[], metavar="NAME=VALUE", help="define ${NAME}; after FILE, too")
    bind(parser.add_argument("file", metavar="FILE"), Kind.FILE)
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="ARGUMENT", help="${1} and so on in the file")
    return parser


def parser_of_shell() -> PlainParser:
    """Return the parser of ``shell``."""
    parser = PlainParser(description="Run a line by sh, as it stands.")
    bind(parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND"), Kind.FILE)
    return parser


def parser_of_quit() -> PlainParser:
    """Return the parser of ``quit``."""
    return PlainParser(description="Leave the shell.")


def parser_of_help() -> PlainParser:
    """Return the parser of ``help``."""
    parser = PlainParser(description="Show the commands, or how to use one; help syntax shows how lines are written.")
    bind(parser.add_argument("name", nargs="?", metavar="COMMAND"), Kind.COMMAND)
    return parser
