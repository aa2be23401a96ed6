"""``help``: the commands there are, one of them, or how lines are written."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from storlet_shell.results import Result, Text
from storlet_shell.session import Session
from storlet_shell.spec.registry import Arg, Command, Kind, Parser, Registry, command

if TYPE_CHECKING:
    from storlet_shell.results.schemas import CommandList, CommandSummary


@command(
    "help",
    "Show the commands, or how to use one.",
    Arg("name", nargs="?", kind=Kind.COMMAND, metavar="COMMAND", help="or syntax: how lines are written"),
    category="Session",
)
def help(session: Session, name: str | None = None) -> Result:
    """Show the commands, or how to use one; help syntax shows how lines are written.

    :raises UnknownCommandError: when there is no such command
    """
    if name == "syntax":
        return Text(session.surroundings.syntax())
    registry = Registry()
    return _command_list(registry) if name is None else _command_help(registry.get(name))


def _command_help(command: Command) -> Text:
    from storlet_shell.results.json_schema import results_of  # for programs, which ask once

    also = f"\nalso called: {', '.join(command.aliases)}\n" if command.aliases else ""
    text = command.parser(Parser).format_help() + also
    return Text(text, {**_summary(command), "text": text, "result": results_of(command.name)})


def _command_list(registry: Registry) -> Text:
    commands = sorted(registry, key=lambda command: (command.category, command.name))
    unusable = list(map(str, registry.broken))
    lines = []
    for category, group in groupby(commands, key=lambda command: command.category):
        lines += [category, *(f"  {command.name:<10} {command.summary}" for command in group), ""]
    lines += [f"not usable: {plugin}" for plugin in unusable]
    lines.append("help COMMAND shows one command's arguments, help syntax how lines are written.")
    values: CommandList = {"commands": [_summary(command) for command in commands], "unusable": unusable}
    return Text("\n".join(lines), values)


def _summary(command: Command) -> CommandSummary:
    return {
        "name": command.name,
        "category": command.category,
        "summary": command.summary,
        "aliases": list(command.aliases),
    }
