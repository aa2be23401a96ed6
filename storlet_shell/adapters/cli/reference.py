"""The command reference, rendered from the registry: pages in Markdown, and the manual page ``storlet-shell(1)``.

``python -m storlet_shell.adapters.cli.reference`` writes the manual page to standard output.
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from storlet_shell import __version__, errors
from storlet_shell.adapters.cli.main import make_parser
from storlet_shell.adapters.execution import BROKEN_PIPE
from storlet_shell.adapters.words import OWN_WORDS, SYNTAX
from storlet_shell.equality import typed_equality
from storlet_shell.errors import ExitStatus, StorletShellError
from storlet_shell.identity.environment import KINDS
from storlet_shell.spec.arguments import COMMON, Arg
from storlet_shell.spec.command import Command
from storlet_shell.spec.registry import Registry

SUMMARY = "run storlets on OpenStack Swift"

ENVIRONMENT = {
    "OS_CLOUD": "cloud in clouds.yaml",
    **dict(kind.usage for kind in KINDS),
    "STORLET_SHELL_LOCAL": "1 means --local",
    "STORLET_SHELL_DATA": "data folder of the embedded Swift (default: the platform's)",
    "STORLET_SHELL_HISTORY": "history file of the interactive shell (default: the platform's); /dev/null for none",
    "STORLET_SHELL_PAGER": "pager for results taller than the screen; the shell's default is PAGER's, or less",
    "STORLET_SHELL_STARTUP": "command file that the interactive shell runs first (default: the platform's)",
    "STORLET_SHELL_THEME": "colors on a terminal: default, dark, light or none",
    "http_proxy, https_proxy, no_proxy": "HTTP proxy for requests",
}
"""Variables of the environment with their meanings."""

FILES = {
    "~/.config/openstack/clouds.yaml": "clouds, as for all OpenStack clients; also in the current folder",
    "~/.config/storlet-shell/startup": "command file that the interactive shell runs first",
    "~/.local/state/storlet-shell/history": "its history, without lines that contain secrets",
    "~/.local/share/storlet-shell": "data of the embedded Swift",
}
"""Files with their contents, by their paths on Linux."""

_RAISES = re.compile(r":raises (\w+): (.*?)(?=\n\s*:|\Z)", re.DOTALL)
_CODE = re.compile(r"(?<![\w-])(?:--?[a-zA-Z][\w-]*|[A-Z]*_[A-Z_]+(?:=\w+)?|eval \"\S+ \w+ \w+\)\")")
_SPECIAL = re.compile(r"([\\`*_<>|\[\]])")


@typed_equality
class Entry(NamedTuple):
    """A term and its explanation.

    :param term: an option with its value, an argument, an exit status
    """

    term: str
    text: str


def commands(registry: Registry) -> list[Command]:
    """Return the built-in commands; plug-ins have their own documentation."""
    return [registry.get(name) for name in registry.builtin_names()]


def actions(command: Command) -> list[Entry]:
    """Return a command's actions with their summaries."""
    notes = {command.default: " The default."}
    return [Entry(action.verb, action.summary + notes.get(action.verb, "")) for action in command.actions]


def arguments(command: Command) -> list[Entry]:
    """Return a command's positional arguments that have help."""
    return [_entry(arg) for arg in command.args if not arg.is_option and arg.options.get("help")]


def options(command: Command) -> dict[str, list[Entry]]:
    """Return a command's options by the titles of their groups; those that every command has are in the first."""
    groups: dict[str, list[Entry]] = {"": []}
    for arg in command.args:
        if arg.is_option:
            groups.setdefault(arg.group, []).append(_entry(arg))
    groups[""] += _SHARED
    return groups


def _entry(arg: Arg) -> Entry:
    if not arg.is_option:
        return Entry(arg.value_name, _help(arg.options["help"]))
    flags = ", ".join(arg.flags)
    return Entry(f"{flags} {arg.value_name}" if arg.takes_value else flags, _help(arg.options.get("help")))


def _help(text: object) -> str:
    """Return a help text; in argparse's spelling, ``%%`` is a percent sign."""
    return str(text or "").replace("%%", "%")


_SHARED = [_entry(arg) for arg in COMMON]


def failures(command: Command) -> list[Entry]:
    """Return the exit statuses that a command's docstring names, with their meanings."""
    entries = []
    for name, text in _RAISES.findall(inspect.getdoc(command.run) or "" if command.run else ""):
        status = getattr(errors, name).exit_status
        entries.append(Entry(f"{int(status)}", " ".join(text.split())))
    return sorted(entries, key=lambda entry: int(entry.term))


def statuses() -> list[Entry]:
    """Return every exit status with its meaning, from the tree of errors."""
    meanings = {ExitStatus.OK: ["Success."], ExitStatus.INTERRUPTED: ["Interrupted by Ctrl-C."]}
    for _, error in inspect.getmembers(errors, inspect.isclass):
        if issubclass(error, StorletShellError):
            meanings.setdefault(error.exit_status, []).append(inspect.cleandoc(error.__doc__ or "").splitlines()[0])
    meanings[ExitStatus.ERROR] = ["Any other error, as a local file that can't be read or written."]
    entries = [Entry(f"{int(status)}", " ".join(meanings[status])) for status in ExitStatus]
    return [*entries, Entry(f"{BROKEN_PIPE}", "The reader of standard output left early, as in … | head -1.")]


def global_options(parser: argparse.ArgumentParser) -> dict[str, list[Entry]]:
    """Return the options that stand in front of a command, by the titles of their groups."""
    sections: dict[str, list[Entry]] = {}
    for group in parser._action_groups:
        shown = [action for action in group._group_actions if action.help != argparse.SUPPRESS]
        if shown:
            sections[group.title or ""] = [_option(action) for action in shown]
    return sections


def _option(action: argparse.Action) -> Entry:
    flags = ", ".join(action.option_strings)
    value = "" if action.nargs == 0 else action.metavar or "|".join(action.choices or ()) or action.dest.upper()
    return Entry(f"{flags} {value}".strip(), _help(action.help))


def page(command: Command) -> str:
    """Render a command as a page of Markdown; terms with their texts are definition lists, as MyST has them."""
    parts = [f"# {command.name}", *_head(command)]
    if command.actions:
        parts += ["## Actions", _definitions(actions(command))]
        for action in command.actions:
            parts += [f"## {action.name}", *_head(action), *_details(action, "###")]
    else:
        parts += _details(command, "##")
    if command.examples:
        parts += ["## Examples", "```text\n" + "\n".join(command.examples) + "\n```"]
    if any(failures(line) for line in command.lines):
        parts.append("Other exit statuses are [the same everywhere](index).")
    return "\n\n".join(parts) + "\n"


def _head(command: Command) -> Iterator[str]:
    first, *others = _paragraphs(command)
    yield from (_escaped(first), f"```text\n{command.usage}\n```")
    if command.aliases:
        yield f"Also called {', '.join(f'`{name}`' for name in command.aliases)}."
    if command.body:
        yield "Takes a body: a heredoc, a notebook's cell, or standard input."
    yield from map(_escaped, others)


def _details(command: Command, level: str) -> Iterator[str]:
    groups = {title.capitalize() if title else "Options": entries for title, entries in options(command).items()}
    for title, entries in {"Arguments": arguments(command), **groups, "Exit statuses": failures(command)}.items():
        if entries:
            yield from (f"{level} {title}", _definitions(entries))


def index(registry: Registry) -> str:
    """Render the parent page of the commands' pages: global options, exit statuses, environment, files."""
    parts = ["# Command reference", "```text\nstorlet-shell [OPTION …] [COMMAND …]\n```"]
    for category, entries in groups(registry):
        names = "\n".join(entry.term for entry in entries)
        parts += [f"## {category}", _table(entries), f"```{{toctree}}\n:hidden:\n\n{names}\n```"]
    parts += ["## How lines are written", f"```text\n{SYNTAX}\n```"]
    parts += ["## Words of the interactive shell", _definitions(Entry(*item) for item in OWN_WORDS.items())]
    for title, entries in global_options(make_parser()).items():
        parts += [f"## Global {title}" if title == "options" else f"## Global options: {title}", _definitions(entries)]
    parts += ["## Exit statuses", _definitions(statuses())]
    parts += ["## Environment", _definitions(Entry(*item) for item in ENVIRONMENT.items())]
    parts += ["## Files", _definitions(Entry(*item) for item in FILES.items())]
    return "\n\n".join(parts) + "\n"


def groups(registry: Registry) -> list[tuple[str, list[Entry]]]:
    """Return the commands' names and summaries by their categories."""
    ordered = sorted(commands(registry), key=attrgetter("category", "name"))
    return [
        (category, [Entry(command.name, command.summary) for command in members])
        for category, members in groupby(ordered, key=attrgetter("category"))
    ]


def _paragraphs(command: Command) -> list[str]:
    return [" ".join(text.split()) for text in command.description.split("\n\n")]


def _escaped(text: str) -> str:
    """Return text as Markdown, with options and variables as code."""
    pieces, at = [], 0
    for code in _CODE.finditer(text):
        pieces += [_SPECIAL.sub(r"\\\1", text[at : code.start()]), f"`{code[0]}`"]
        at = code.end()
    return "".join([*pieces, _SPECIAL.sub(r"\\\1", text[at:])])


def _definitions(entries: Iterable[Entry]) -> str:
    return "\n\n".join(f"`{entry.term}`\n: {_escaped(entry.text)}" for entry in entries)


def _table(entries: Iterable[Entry]) -> str:
    rows = (f"| [{entry.term}]({entry.term}.md) | {_escaped(entry.text)} |" for entry in entries)
    return "\n".join(["| | |", "|---|---|", *rows])


def manual(registry: Registry) -> str:
    """Render ``storlet-shell(1)`` in the language of man pages (``man(7)``)."""
    return "\n".join(_manual(registry)) + "\n"


def _manual(registry: Registry) -> Iterator[str]:
    yield f'.TH STORLET\\-SHELL 1 "" "storlet\\-shell {__version__}"'
    yield from (".SH NAME", f"storlet\\-shell \\- {SUMMARY}", ".SH SYNOPSIS")
    yield from (".B storlet\\-shell", "[\\fIOPTION\\fR …] [\\fICOMMAND\\fR …]", ".br")
    yield from (".B storlet\\-shell", "[\\fIOPTION\\fR …] \\-f \\fIFILE\\fR [\\fIARGUMENT\\fR …]")
    yield from (".SH DESCRIPTION", "Without a command, an interactive shell. A command is run and its result shown:")
    yield "data on standard output, everything else on standard error."
    yield ".SH OPTIONS"
    for title, entries in global_options(make_parser()).items():
        yield from () if title == "options" else (f".SS {_roff(title.capitalize())}",)
        yield from _items(entries)
    yield ".SH COMMANDS"
    for command in commands(registry):
        yield from _section(command)
    yield from (".SH LINES", ".nf", *(_roff(line) for line in SYNTAX.splitlines()), ".fi")
    sections = {"EXIT STATUS": statuses(), "ENVIRONMENT": ENVIRONMENT.items(), "FILES": FILES.items()}
    for title, items in sections.items():
        yield f".SH {title}"
        yield from _items(Entry(term, text) for term, text in items)
    yield from (".SH SEE ALSO", ".BR swift (1),", ".BR openstack (1),", ".BR rclone (1)")


def _section(command: Command) -> Iterator[str]:
    yield from (f".SS {_roff(command.name)}", ".B", _roff(command.usage))
    for text in _paragraphs(command):
        yield from (".PP", _roff(text))
    if command.aliases:
        yield from (".PP", _roff(f"Also called {', '.join(command.aliases)}."))
    if command.actions:
        yield from _items(actions(command))
        for action in command.actions:
            yield from _section(action)
        return
    yield from _items(arguments(command))
    for entries in options(command).values():
        yield from _items(entry for entry in entries if entry not in _SHARED)
    if command.examples:
        yield from (".PP", "Examples:", ".PP", ".nf", *map(_roff, command.examples), ".fi")


def _items(entries: Iterable[Entry]) -> Iterator[str]:
    for entry in entries:
        yield from (".TP", f"\\fB{_roff(entry.term)}\\fR", _roff(entry.text))


def _roff(text: str) -> str:
    """Escape text for roff: hyphens as typed, and no line that looks like a request."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped[:1] in (".", "'") else escaped


if __name__ == "__main__":
    sys.stdout.write(manual(Registry()))
