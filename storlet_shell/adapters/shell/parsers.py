"""What cmd2 needs to know a command by: its functions, and argument parsers for the shell's own words."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import cmd2
from cmd2.parsing import StatementParser

from storlet_shell.adapters.completion.names import complete
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Kind
from storlet_shell.spec.command import Command
from storlet_shell.spec.parser import HelpFormatter, ParserMixin
from storlet_shell.spec.registry import Registry
from storlet_shell.spec.summary import Summary


class RunsCommands(Protocol):
    """The part of the shell that commands are bound to."""

    session: Session

    def bind(self, command: Command, words: list[str]) -> None:
        """Parse a command's words, for the line to run it."""


class ShellParser(ParserMixin, cmd2.Cmd2ArgumentParser):
    """cmd2's argument parser, with one-line errors."""

    def __init__(self, **options: Any) -> None:
        options["formatter_class"] = cmd2.RawDescriptionCmd2HelpFormatter  # cmd2 4.3 fails with argparse's own ones
        super().__init__(**options)


class PlainParser(ShellParser):
    """A parser whose help looks as in all front ends: cmd2 renders its own with rich."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.formatter_class = HelpFormatter  # type: ignore[assignment]  # cmd2's own renders with rich
        self.color = False  # Python 3.14 would color it

    def _get_formatter(self, *_: Any, **__: Any) -> Any:
        return argparse.ArgumentParser._get_formatter(self)

    def format_help(self, *_: Any, **__: Any) -> str:
        """Return the help without the empty line that cmd2 adds."""
        return argparse.ArgumentParser.format_help(self)


@dataclass(frozen=True)
class SplitStatement(cmd2.Statement):
    """A line as cmd2 passes it to a command's function, with its words as our grammar splits them."""

    words: tuple[str, ...] = ()
    spelled: tuple[str, ...] = ()


class SplitWords(StatementParser):
    """Passes words that are already split to the functions of commands."""

    def get_command_arg_list(
        self, command_name: str, to_parse: cmd2.Statement | str, preserve_quotes: bool
    ) -> tuple[cmd2.Statement, list[str]]:
        """Return the words after the command."""
        if isinstance(to_parse, SplitStatement):
            return to_parse, list(to_parse.spelled if preserve_quotes else to_parse.words)
        return super().get_command_arg_list(command_name, to_parse, preserve_quotes)


def bind(action: argparse.Action, kind: Kind) -> None:
    """Let Tab complete an argument of one of the shell's own words."""

    def completer(shell: RunsCommands, text: str, line: str, begidx: int, endidx: int) -> cmd2.Completions:  # noqa: ARG001
        return cmd2.Completions([cmd2.CompletionItem(entry.text) for entry in complete(shell.session, kind, text)])

    action.set_completer(completer)  # type: ignore[attr-defined]  # cmd2 adds it to argparse's actions


def functions_of(registry: Registry, summary: Summary, name: str) -> dict[str, Callable[..., Any]]:
    """Return the function that cmd2 calls to run a registry command, under one of its names."""

    @cmd2.with_argument_list
    def run(shell: RunsCommands, words: list[str]) -> None:
        shell.bind(registry.get(summary.name), words)

    run.__doc__ = summary.summary
    cmd2.categorize(run, summary.category)
    return {f"do_{name}": run}


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
    return PlainParser(description="Exit the shell.")


def parser_of_help() -> PlainParser:
    """Return the parser of ``help``."""
    parser = PlainParser(description="List the commands, or explain one; help syntax shows how to write lines.")
    parser.add_argument("words", nargs="*", metavar="COMMAND", help="a command, and one of its actions")
    return parser
