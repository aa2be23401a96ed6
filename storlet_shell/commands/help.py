"""``help``: all commands, one of them, or how to write lines."""

from __future__ import annotations

from collections.abc import Mapping
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
from storlet_shell.values import STANDARD_PREFIX, StorletName

if TYPE_CHECKING:
    from storlet_shell.results.schemas.session import CommandHelp, CommandList, CommandSummary
    from storlet_shell.storlets.functions.signature import Signature

_WHERE_WORDS_WORK = (
    "A word of the interactive shell. Command files (-f FILE) and -c LINE have exit, expect, quit, run_script, shell."
)


@command(
    "help",
    "List the commands, or explain one.",
    Arg(
        "name",
        nargs="?",
        kind=Kind.COMMAND,
        metavar="COMMAND",
        help="a command, a deployed function (NAME.py), or a standard storlet (std:NAME); syntax shows how to write "
        "lines",
    ),
    Arg("action", nargs="?", kind=Kind.ACTION, metavar="ACTION", help="one of its actions"),
    category="Session",
    examples=(
        "help get  # one command",
        "help local start  # one action of a command",
        "help hottest.py  # the parameters of a deployed function",
        "help std:grep  # those of a standard storlet",
        "help syntax  # quotes, pipes, heredocs",
    ),
)
def help(session: Session, name: str | None = None, action: str | None = None) -> Result:
    """List the commands, or explain one; help syntax shows how to write lines.

    For a deployed function (NAME.py), or a standard storlet (std:NAME), the parameters are shown.

    :raises UnknownCommandError: when the command or the action doesn't exist
    :raises UsageError: when the standard storlet doesn't exist
    :raises NotFoundError: when no function is deployed under that name
    """
    if name == "syntax" and action is None:
        return Text(session.surroundings.syntax())
    if name is not None and name.startswith(STANDARD_PREFIX):
        return _standard_help(name)
    if name is not None and name.endswith(".py"):
        return _storlet_help(session, StorletName.parse(name))
    registry, words = Registry(session.surroundings.further_commands), session.surroundings.own_words()
    if name is None:
        return _command_list(registry, words)
    if name in words and action is None:
        return Text(f"{name}: {words[name]}\n\n{_WHERE_WORDS_WORK}")
    return _command_help(registry.get(name), action)


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
    """Return how to use a deployed function.

    :raises NotFoundError: when no function is deployed under that name
    """
    from storlet_shell.store.functions import look_up_again  # other help sends no request

    function = look_up_again(session.client, storlet)
    if function is None:
        raise NotFoundError(
            "no function is deployed as {subject}", subject=str(storlet), hint=Hint(Action.SEE_STORLETS)
        )
    return _usage(str(storlet), function.signature, function.code)


def _standard_help(name: str) -> Text:
    """Return how to use a standard storlet, deployed or not.

    :raises UsageError: when it doesn't exist
    """
    from storlet_shell.deployments.package import standard_package  # the same
    from storlet_shell.storlets.functions.signature import Signature

    package = standard_package(name)
    signature = Signature.parse(package.code)
    assert signature is not None  # all of them are functions
    return _usage(str(package.storlet), signature, package.code.decode())


def _usage(storlet: str, signature: Signature, code: str) -> Text:
    from storlet_shell.storlets.functions.usage import usage  # the same

    return Text(usage(storlet, signature, code), has_headings=True)


def _command_list(registry: Registry, words: Mapping[str, str]) -> Text:
    """Return the list of commands.

    :param words: see :meth:`.Surroundings.own_words`
    """
    summaries = sorted(registry.summaries(), key=attrgetter("category", "name"))
    lines = []
    for category, entries in groupby(summaries, key=attrgetter("category")):
        lines += [category, *(f"  {entry.name:<12} {entry.summary}" for entry in entries), ""]
    if words:
        lines += ["Shell", *(f"  {word:<12} {summary}" for word, summary in words.items()), ""]
    unusable = list(map(str, registry.broken))
    lines += [f"not usable: {plugin}" for plugin in unusable]
    lines.append("help COMMAND explains a command; help syntax explains quotes, pipes, and heredocs.")
    values: CommandList = {"commands": [_summary(entry) for entry in summaries], "unusable": unusable}
    return Text("\n".join(lines), values, has_headings=True)


def _summary(entry: Command | Summary) -> CommandSummary:
    return {"name": entry.name, "category": entry.category, "summary": entry.summary}
