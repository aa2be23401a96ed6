"""``help``: all commands, one of them, or how lines are written."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter

from storlet_shell.errors import UnknownCommandError
from storlet_shell.results import Result, Text
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg, Kind
from storlet_shell.spec.command import Command, command
from storlet_shell.spec.parser import Parser
from storlet_shell.spec.registry import Registry


@command(
    "help",
    "Show the commands, or how to use one.",
    Arg("name", nargs="?", kind=Kind.COMMAND, metavar="COMMAND", help="a command; syntax shows how lines are written"),
    Arg("action", nargs="?", kind=Kind.ACTION, metavar="ACTION", help="one of its actions"),
    category="Session",
)
def help(session: Session, name: str | None = None, action: str | None = None) -> Result:
    """Show the commands, or how to use one; help syntax shows how lines are written.

    :raises UnknownCommandError: when there is no such command or action
    """
    if name == "syntax" and action is None:
        return Text(session.surroundings.syntax())
    registry = Registry()
    if name is not None:
        return Text(_page(registry.get(name), action))
    lines = []
    summaries = sorted(registry.summaries(), key=attrgetter("category", "name"))
    for category, entries in groupby(summaries, key=attrgetter("category")):
        lines += [category, *(f"  {entry.name:<12} {entry.summary}" for entry in entries), ""]
    lines += [f"not usable: {unusable}" for unusable in registry.broken]
    return Text("\n".join([*lines, "help COMMAND shows one command's arguments, help syntax how lines are written."]))


def _page(command: Command, verb: str | None) -> str:
    """Return the help of a command, or of one of its actions.

    :raises UnknownCommandError: when it has no such action
    """
    shown = command
    if verb is not None:
        action = command.action(verb)
        if action is None:
            raise UnknownCommandError(command.unknown(verb))
        shown = action
    also = f"\nalso called: {', '.join(shown.aliases)}\n" if shown.aliases else ""
    return shown.parser(Parser).format_help() + also
