"""The registry: it finds commands, built in or installed, and parses lines by their specs.

This module imports the standard library only, and finds a built-in command by its module's name, so that a one-shot
line pays for nothing but itself.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from storlet_shell.errors import PluginError, UnknownCommandError, UsageError
from storlet_shell.plugins.installed import Plugin, Unusable, installed, running
from storlet_shell.spec.command import Call, Command
from storlet_shell.spec.parser import Parser

ENTRY_POINTS = "storlet_shell.commands"
"""The group of entry points; the built-in commands are the modules of the package of the same name."""

_FOLDER = Path(__file__).parents[1] / "commands"
_SHARED = {"__init__", "arguments"}
"""The modules of that package that hold no command."""

RESERVED = frozenset(
    ["alias", "exit", "history", "quit", "run_script", "set", "shell", "shortcuts", "storlet", "syntax"]
)
"""Words of the front ends; no command can have these names."""

_NAME = re.compile(r"[A-Za-z][\w-]*", re.ASCII)


class Registry:
    """All commands: the built-in ones by the names of their modules, others by entry points.

    ``broken`` holds the plug-ins that can't be used, as soon as plug-ins were looked for: for a name that isn't built
    in, or for a list of all commands.
    """

    def __init__(self) -> None:
        self.broken: list[Unusable] = []
        self._commands: dict[str, Command] = {}
        self._has_plugins = False

    def builtin_names(self) -> list[str]:
        """Return the names of the built-in commands; none of them is imported."""
        return sorted({file.stem for file in _FOLDER.glob("*.py")} - _SHARED)

    def names(self) -> list[str]:
        """Return the names of all commands, those of plug-ins as well, without aliases; none of them is imported."""
        others = {plugin.name for plugin in installed(ENTRY_POINTS) if not plugin.is_own}
        return sorted({*self.builtin_names(), *others} - RESERVED)

    def get(self, name: str) -> Command:
        """Find a command by its name or an alias.

        :raises UnknownCommandError: with the closest names, when nothing has that name
        """
        if name in self._commands:
            return self._commands[name]
        if name in self.builtin_names():
            self._add(self._import(name))
        else:
            self._load_all()
        if name not in self._commands:
            for unusable in self.broken:
                if unusable.plugin.name == name:
                    raise UnknownCommandError(f"the plug-in {unusable}")
            import difflib  # for those who need it

            close = difflib.get_close_matches(name, self._commands, n=3)
            hint = f"did you mean {' or '.join(close)}?" if close else "try: help"
            raise UnknownCommandError(f"unknown command {name!r}; {hint}")
        return self._commands[name]

    def all(self) -> list[Command]:
        """Return every command once, by name."""
        self._load_all()
        return sorted({id(entry): entry for entry in self._commands.values()}.values(), key=lambda entry: entry.name)

    def __iter__(self) -> Iterator[Command]:
        return iter(self.all())

    def _import(self, name: str) -> Command:
        module = importlib.import_module(f"{ENTRY_POINTS}.{name}")
        return next(value for value in vars(module).values() if isinstance(value, Command) and value.name == name)

    def _add(self, command: Command) -> None:
        for name in (command.name, *command.aliases):
            self._commands.setdefault(name, command)

    def _load_all(self) -> None:
        for name in self.builtin_names():
            if name not in self._commands:
                self._add(self._import(name))
        if not self._has_plugins:
            self._has_plugins = True
            self._load_plugins()

    def _load_plugins(self) -> None:
        plugins = [plugin for plugin in installed(ENTRY_POINTS) if not plugin.is_own]
        names = {plugin.name for plugin in plugins}
        for plugin in plugins:
            try:
                with running(plugin):
                    entry = plugin.entry.load()
                command = _checked(entry, plugin)
                for name in (command.name, *command.aliases):
                    if name in self._commands or name in RESERVED or name in names - {plugin.name}:
                        raise PluginError(f"the name {name} is taken")
            except PluginError as error:
                self.broken.append(Unusable(plugin, error.message))
            else:
                self._add(command)


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
