"""``help``: all commands, one of them, or how to write lines."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from storlet_shell.errors import Action, Hint, NotFoundError, UnknownCommandError
from storlet_shell.results import Result, Text
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg, Kind
from storlet_shell.spec.command import Command, command
from storlet_shell.spec.parser import Parser
from storlet_shell.spec.registry import Registry
from storlet_shell.spec.summary import Summary
from storlet_shell.values import StorletName

if TYPE_CHECKING:
    from storlet_shell.results.schemas.session import CommandHelp, CommandList, CommandSummary


@command(
    "help",
    "List the commands, or explain one.",
    Arg(
        "name",
        nargs="?",
        kind=Kind.COMMAND,
        metavar="COMMAND",
        help="a command, or NAME.py, a deployed function; syntax shows how to write lines",
    ),
    Arg("action", nargs="?", kind=Kind.ACTION, metavar="ACTION", help="one of its actions"),
    category="Session",
    examples=(
        "help get  # one command",
        "help local start  # one action of a command",
        "help hottest.py  # the parameters of a deployed function",
        "help syntax  # quotes, pipes, heredocs",
    ),
)
def help(session: Session, name: str | None = None, action: str | None = None) -> Result:
    """List the commands, or explain one; help syntax shows how to write lines.

    The name of a deployed storlet that was made from a function shows its parameters.

    :raises UnknownCommandError: when there is no such command or action
    :raises NotFoundError: when no function is deployed under that name
    """
    if name == "syntax" and action is None:
        return Text(session.surroundings.syntax())
    if name is not None and name.endswith(".py"):
        return _storlet_help(session, StorletName.parse(name))
    registry = Registry(session.surroundings.further_commands)
    return _command_list(registry) if name is None else _command_help(registry.get(name), action)


def _command_help(command: Command, verb: str | None) -> Text:
    """Return the help of a command, or of one of its actions.

    :raises UnknownCommandError: when it has no such action
    """
    from storlet_shell.results.json_schema import results_of  # for programs, which ask once

    shown = command
    if verb is not None:
        action = command.action(verb)
        if action is None:
            raise UnknownCommandError(command.unknown(verb))
        shown = action
    also = f"\nalso called: {', '.join(shown.aliases)}\n" if shown.aliases else ""
    text = shown.parser(Parser).format_help() + also
    values: CommandHelp = {
        **_summary(shown),
        "aliases": list(shown.aliases),
        "text": text,
        "result": results_of(shown.name),
    }
    return Text(text, values, has_headings=True)


def _storlet_help(session: Session, storlet: StorletName) -> Text:
    """Return the signature of a function and a line that runs it.

    :raises NotFoundError: when no function is deployed under that name
    """
    from storlet_shell.store.functions import look_up_again  # other help sends no request

    function = look_up_again(session.client, storlet)
    if function is None:
        raise NotFoundError(
            "no function is deployed as {subject}", subject=str(storlet), hint=Hint(Action.SEE_STORLETS)
        )
    signature = function.signature
    words = [f"-p {parameter.name}=…" for parameter in signature.parameters]
    return Text("\n".join([str(signature), "", " ".join([f"get CONTAINER/OBJECT --storlet {storlet}", *words])]))


def _command_list(registry: Registry) -> Text:
    summaries = sorted(registry.summaries(), key=attrgetter("category", "name"))
    lines = []
    for category, entries in groupby(summaries, key=attrgetter("category")):
        lines += [category, *(f"  {entry.name:<12} {entry.summary}" for entry in entries), ""]
    unusable = list(map(str, registry.broken))
    lines += [f"not usable: {plugin}" for plugin in unusable]
    lines.append("help COMMAND explains a command; help syntax explains quotes, pipes, and heredocs.")
    values: CommandList = {"commands": [_summary(entry) for entry in summaries], "unusable": unusable}
    return Text("\n".join(lines), values, has_headings=True)


def _summary(entry: Command | Summary) -> CommandSummary:
    return {"name": entry.name, "category": entry.category, "summary": entry.summary}
