"""The registry: it finds commands, built in or installed, and parses lines by their specs.

A one-shot line imports its own command only: the built-in ones are listed in a table (``builtin``).
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Sequence
from typing import IO

from storlet_shell.errors import PluginError, UnknownCommandError, UsageError
from storlet_shell.plugins.installed import Plugin, Unusable, others_of, running
from storlet_shell.spec.builtin import BUILT_IN
from storlet_shell.spec.command import Call, Command
from storlet_shell.spec.parser import Parser
from storlet_shell.spec.summary import Summary

ENTRY_POINTS = "storlet_shell.commands"
"""The group of entry points; the built-in commands are the modules of the package of the same name."""

_MODULES = {name: (entry.module, entry.name) for entry in BUILT_IN for name in (entry.name, *entry.aliases)}
"""The modules of the built-in commands, and their names there, by every name that users type."""

RESERVED = frozenset(
    [
        "alias",
        "browse",
        "exit",
        "expect",
        "history",
        "quit",
        "run_script",
        "set",
        "shell",
        "shortcuts",
        "storlet",
        "syntax",
    ]
)
"""Words of the front ends; no command can have these names."""

_NAME = re.compile(r"[A-Za-z][\w-]*", re.ASCII)


_ELSEWHERE = {"browse": "only notebooks have it (%storlet browse); to list objects here: ls -l"}
"""Words of one front end that users may try in another."""


class Registry:
    """All commands: the built-in ones from their table, others from entry points.

    :param further: commands that only one front end has

    ``broken`` holds the plug-ins that can't be used, as soon as plug-ins were looked for: for a name that isn't built
    in, or for a list of all commands.
    """

    def __init__(self, further: Sequence[Summary] = ()) -> None:
        self.broken: list[Unusable] = []
        self._further = {summary.name: summary for summary in further}
        self._commands: dict[str, Command] = {}
        self._added: list[Summary] | None = None

    def builtin_names(self) -> list[str]:
        """Return the names of the built-in commands; none of them is imported."""
        return [summary.name for summary in BUILT_IN]

    def names(self) -> list[str]:
        """Return the names of all commands, without aliases; neither built-in commands nor plug-ins are imported."""
        others = {plugin.name for plugin in others_of(ENTRY_POINTS)}
        return sorted({*self.builtin_names(), *others} - RESERVED)

    def summaries(self) -> list[Summary]:
        """Return the summary of every command, by name; only plug-ins are imported."""
        return sorted([*BUILT_IN, *self._further.values(), *self._plugins()])

    def get(self, name: str) -> Command:
        """Find a command by its name or an alias.

        :raises UnknownCommandError: with the closest names, when nothing has that name
        """
        if name in _MODULES and name not in self._commands:
            self._add(_import(*_MODULES[name]))
        elif name in self._further and name not in self._commands:
            self._add(_import(self._further[name].module, name))
        elif name not in self._commands:
            self._plugins()
        if name not in self._commands:
            for unusable in self.broken:
                if unusable.plugin.name == name:
                    raise UnknownCommandError(f"the plug-in {unusable}")
            if name in _ELSEWHERE:
                raise UnknownCommandError(f"{name}: {_ELSEWHERE[name]}")
            import difflib  # for those who mistype

            close = difflib.get_close_matches(name, [*_MODULES, *self._commands], n=3)
            hint = f"did you mean {' or '.join(dict.fromkeys(close))}?" if close else "try: help"
            raise UnknownCommandError(f"unknown command {name!r}; {hint}")
        return self._commands[name]

    def all(self) -> list[Command]:
        """Return every command, by name; all of them are imported."""
        return [self.get(summary.name) for summary in self.summaries()]

    def __iter__(self) -> Iterator[Command]:
        return iter(self.all())

    def _add(self, command: Command) -> None:
        for name in (command.name, *command.aliases):
            self._commands.setdefault(name, command)

    def _plugins(self) -> list[Summary]:
        """Import the commands that other packages add, once, and return their summaries."""
        if self._added is None:
            self._added = []
            plugins = others_of(ENTRY_POINTS)
            for plugin in plugins:
                try:
                    self._added.append(self._load(plugin, {other.name for other in plugins if other is not plugin}))
                except PluginError as error:
                    self.broken.append(Unusable(plugin, error.message))
        return self._added

    def _load(self, plugin: Plugin, others: set[str]) -> Summary:
        with running(plugin):
            entry = plugin.entry.load()
        command = _checked(entry, plugin)
        for name in (command.name, *command.aliases):
            if name in _MODULES or name in self._commands or name in RESERVED or name in others - {plugin.name}:
                raise PluginError(f"the name {name} is taken")
        self._add(command)
        return command.listing(plugin.entry.module)


def _import(module: str, name: str) -> Command:
    values = vars(importlib.import_module(module)).values()
    return next(value for value in values if isinstance(value, Command) and value.name == name)


def _checked(entry: object, plugin: Plugin) -> Command:
    """Check that a plug-in adds a command of its name with a spec that argparse accepts, and return the command."""
    if not isinstance(entry, Command) or entry.name != plugin.name:
        raise PluginError(f"{plugin.entry.value} isn't a command named {plugin.name}")
    for name in (entry.name, *entry.aliases, *(action.verb for action in entry.actions)):
        if not _NAME.fullmatch(name):
            raise PluginError(f"{name!r} isn't a valid command name (letters, digits, - and _)")
    with running(plugin):
        for command in (entry, *entry.actions):
            command.parser(Parser)
    return entry


def parse(registry: Registry, words: Sequence[str], out: IO[str] | None = None) -> Call:
    """Parse a line that is already split into words.

    :param out: the stream for help; None means standard output
    :raises UnknownCommandError: when the first word isn't a command
    :raises UsageError: when the other words don't fit it
    :raises SystemExit: when the words asked for help, which was shown
    """
    if not words:
        raise UsageError("a command is missing; try: help")
    return registry.get(words[0]).call(words[1:], out=out)
