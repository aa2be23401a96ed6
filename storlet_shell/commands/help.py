"""``help``: the commands there are, one of them, or how lines are written."""

from __future__ import annotations

from itertools import groupby

from storlet_shell.results import Result, Text
from storlet_shell.session import Session
from storlet_shell.spec.registry import Arg, Kind, Parser, Registry, command


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
    if name is not None:
        found = registry.get(name)
        also = f"\nalso called: {', '.join(found.aliases)}\n" if found.aliases else ""
        return Text(found.parser(Parser).format_help() + also)
    lines = []
    commands = sorted(registry, key=lambda found: (found.category, found.name))
    for category, group in groupby(commands, key=lambda found: found.category):
        lines += [category, *(f"  {found.name:<10} {found.summary}" for found in group), ""]
    lines += [f"not usable: {unusable}" for unusable in registry.broken]
    return Text("\n".join([*lines, "help COMMAND shows one command's arguments, help syntax how lines are written."]))
