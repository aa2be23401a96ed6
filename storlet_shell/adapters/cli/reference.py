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
from storlet_shell.adapters.words import OWN_WORDS, SYNTAX
from storlet_shell.equality import typed_equality
from storlet_shell.errors import ExitStatus, StorletShellError
from storlet_shell.identity.environment import KINDS
from storlet_shell.spec.arguments import COMMON, Arg
from storlet_shell.spec.command import Command
from storlet_shell.spec.registry import Registry

SUMMARY = "run storlets on OpenStack Swift"

ENVIRONMENT = {
    "OS_CLOUD": "a cloud of clouds.yaml",
    **dict(kind.usage for kind in KINDS),
    "STORLET_SHELL_LOCAL": "1 stands for --local",
    "STORLET_SHELL_DATA": "the embedded Swift's data folder, if not the platform's",
    "STORLET_SHELL_HISTORY": "the interactive shell's history, if not the platform's; /dev/null keeps none",
    "STORLET_SHELL_STARTUP": "the command file that the interactive shell runs first, if not the platform's",
    "http_proxy, https_proxy, no_proxy": "the way to the servers",
}
"""Variables of the environment, and what each is for."""

FILES = {
    "~/.config/openstack/clouds.yaml": "clouds, as for every client of OpenStack; also in the present folder",
    "~/.config/storlet-shell/startup": "lines that the interactive shell runs first",
    "~/.local/state/storlet-shell/history": "what was typed there; lines with secrets are left out",
    "~/.local/share/storlet-shell": "the embedded Swift's data",
}
"""Files, where Linux has them, and what is in each."""

_RAISES = re.compile(r":raises (\w+): (.*?)(?=\n\s*:|\Z)", re.DOTALL)
_CODE = re.compile(r"(?<![\w-])(?:--?[a-zA-Z][\w-]*|[A-Z]*_[A-Z_]+(?:=\w+)?|eval \"\S+ \w+ \w+\)\")")
_SPECIAL = re.compile(r"([\\`*_<>|\[\]])")


@typed_equality
class Entry(NamedTuple):
    """A term and what is said of it.

    :param term: an option with its value, an argument, an exit status
    """

    term: str
    text: str


def commands(registry: Registry) -> list[Command]:
    """Return the built-in commands; what else is installed has documentation of its own."""
    return [registry.get(name) for name in registry.builtin_names()]


def actions(command: Command) -> list[Entry]:
    """Return a command's actions with their summaries."""
    notes = {command.default: " The default."}
    return [Entry(action.verb, action.summary + notes.get(action.verb, "")) for action in command.actions]


def arguments(command: Command) -> list[Entry]:
    """Return a command's positional arguments, as far as there is something to say of them."""
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
    """Return the exit statuses that a command's docstring names, with what they mean there."""
    found = []
    for name, text in _RAISES.findall(inspect.getdoc(command.run) or "" if command.run else ""):
        status = getattr(errors, name).exit_status
        found.append(Entry(f"{int(status)}", " ".join(text.split())))
    return sorted(found, key=lambda entry: int(entry.term))


def statuses() -> list[Entry]:
    """Return every exit status with what it means, from the tree of errors."""
    told = {ExitStatus.OK: ["All went well."], ExitStatus.INTERRUPTED: ["Ctrl-C interrupted it."]}
    for _, error in inspect.getmembers(errors, inspect.isclass):
        if issubclass(error, StorletShellError):
            told.setdefault(error.exit_status, []).append(inspect.cleandoc(error.__doc__ or "").splitlines()[0])
    told[ExitStatus.ERROR] = ["Anything else that went wrong; a local file that can't be read or written."]
    return [Entry(f"{int(status)}", " ".join(told[status])) for status in ExitStatus]


def global_options(parser: argparse.ArgumentParser) -> dict[str, list[Entry]]:
    """Return the options that stand in front of a command, by the titles of their groups."""
    found: dict[str, list[Entry]] = {}
    for group in parser._action_groups:
        shown = [action for action in group._group_actions if action.help != argparse.SUPPRESS]
        if shown:
            found[group.title or ""] = [_option(action) for action in shown]
    return found


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
    """Render the page that the commands' pages hang from: global options, exit statuses, environment, files."""
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
        (category, [Entry(command.name, command.summary) for command in found])
        for category, found in groupby(ordered, key=attrgetter("category"))
    ]


def _paragraphs(command: Command) -> list[str]:
    return [" ".join(text.split()) for text in command.description.split("\n\n")]


def _escaped(text: str) -> str:
    """Return text as Markdown, with what is typed as code."""
    done, at = [], 0
    for code in _CODE.finditer(text):
        done += [_SPECIAL.sub(r"\\\1", text[at : code.start()]), f"`{code[0]}`"]
        at = code.end()
    return "".join([*done, _SPECIAL.sub(r"\\\1", text[at:])])


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
    """Return text as roff takes it: hyphens that are typed, and nothing that is taken for a request."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped[:1] in (".", "'") else escaped


if __name__ == "__main__":
    sys.stdout.write(manual(Registry()))
