"""The command registry: what commands there are, what they take, and how a line becomes a call.

A command is a plainly typed function with a spec beside it; the spec is data that every front end renders. This module
imports the standard library only, and a built-in command is found by its module's name alone, so that a one-shot line
pays for nothing but itself.
"""

from __future__ import annotations

import argparse
import importlib
import re
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import IO, Any, NamedTuple, NoReturn, TypeVar

from storlet_shell.equality import typed_equality
from storlet_shell.errors import PluginError, UnknownCommandError, UsageError
from storlet_shell.plugins.installed import Plugin, Unusable, installed, running
from storlet_shell.results import Result
from storlet_shell.session import Session
from storlet_shell.spec.once import OCCURRENCES, refuse_repeats

ENTRY_POINTS = "storlet_shell.commands"
"""The group of entry points; the built-in commands are the modules of the package of the same name."""

_FOLDER = Path(__file__).parents[1] / "commands"
_SHARED = {"__init__", "arguments"}
"""The modules of that package that hold no command."""

RESERVED = frozenset(
    ["alias", "exit", "history", "quit", "run_script", "set", "shell", "shortcuts", "storlet", "syntax"]
)
"""What the front ends call something of their own; no command goes by these names."""

_NAME = re.compile(r"[A-Za-z][\w-]*", re.ASCII)


class Kind(Enum):
    """What an argument names, and so what completes it."""

    OBJECT = "object"
    SOURCE = "local file, or object"
    CONTAINER = "container"
    STORLET = "storlet"
    DEPENDENCY = "dependency"
    FILE = "file"
    VARIABLE = "variable"
    COMMAND = "command"


class Arg:
    """One argument of a command: what argparse's ``add_argument`` takes, and the kind of thing it names.

    :param flags: the option's spellings, or the one name of a positional argument
    :param kind: what completes it; None when nothing can
    :param separator: what stands between names where the argument takes several in one word
    :param options: keyword arguments of ``add_argument``
    """

    def __init__(self, *flags: str, kind: Kind | None = None, separator: str = "", **options: Any) -> None:
        self.flags = flags
        self.kind = kind
        self.separator = separator
        self.options = options

    @property
    def dest(self) -> str:
        """The name of the parameter that receives the argument."""
        if "dest" in self.options:
            return str(self.options["dest"])
        longest = next((flag for flag in self.flags if flag.startswith("--")), self.flags[0])
        return longest.lstrip("-").replace("-", "_")

    @property
    def is_option(self) -> bool:
        """Whether it is an option rather than a positional argument."""
        return self.flags[0].startswith("-")


COMMON = (
    Arg("-o", dest="store", kind=Kind.VARIABLE, metavar="NAME", help="store the result in this variable"),
    Arg("--json", action="store_true", help="show the result as one JSON document"),
)
"""What every command takes; the front ends act on it, the command never sees it."""


_UNKNOWN_OPTION = re.compile("unrecognized arguments: (--[^ =]+)")
_TOO_MANY = re.compile("unrecognized arguments: [^-]")
_UNKNOWN_CHOICE = re.compile(r"argument \S+: invalid choice: '(.*)' \(choose from (.*)\)")
_OF_A_NAME = {"show": "", "create": " …"}
"""What may be meant by a name where an action is wanted, and how such a line goes on; cmd2's own ``alias`` creates."""


class ParserMixin:
    """An argument parser that raises one line instead of printing its usage and ending the process.

    A front end that needs a parser class of its own mixes this into it.
    """

    prog: str

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        refuse_repeats(self)  # type: ignore[arg-type]  # it is mixed into a parser

    def error(self: Any, message: str) -> NoReturn:
        """Raise what is wrong with the words."""
        hint = self._meant(message) or f"try: help {self.prog}"
        if _TOO_MANY.match(message):
            hint = f"{self._takes()}; {hint}"
        raise UsageError(f"{self.prog}: {message}; {hint}")

    def _takes(self: Any) -> str:
        """Say which words there can be beside the options."""
        takes = []
        for action in self._get_positional_actions():
            name = action.metavar or "|".join(map(str, action.choices or [action.dest]))
            takes.append(f"[{name}]" if action.nargs in ("?", "*") else name)
        return f"it takes {' '.join(takes) or 'options only'}"

    def _meant(self: Any, message: str) -> str:
        """Return what may be meant by a word that is no option, or none of an argument's choices."""
        if unknown := _UNKNOWN_OPTION.match(message):
            known = list(self._option_string_actions)
        elif unknown := _UNKNOWN_CHOICE.match(message):
            known = re.findall(r"[^\s',]+", unknown[2])
        else:
            return ""
        import difflib  # for those who mistype

        if close := difflib.get_close_matches(unknown[1], known, 1):
            return f"did you mean {close[0]}?"
        actions = (f"{action} {unknown[1]}{rest}" for action, rest in _OF_A_NAME.items() if action in known)
        return next((f"try: {self.prog} {line}" for line in actions), "")

    def parse_words(self: Any, words: Sequence[str]) -> argparse.Namespace:
        """Parse words among which options may stand anywhere; by itself, argparse refuses ``dependencies rm -y NAME``.

        Where a ``--`` stands, it must be by itself: the other way of parsing takes no notice of it.
        """
        if "--" in words:
            return argparse.ArgumentParser.parse_args(self, list(words))  # a front end's own parse_args may lead here
        parsed: argparse.Namespace = self.parse_intermixed_args(list(words))
        return parsed


class HelpFormatter(argparse.HelpFormatter):
    """Wraps a description to the terminal as the help of options is: each paragraph by itself, options whole."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        import textwrap  # for those who ask for help

        how = textwrap.TextWrapper(
            width, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )
        return "\n\n".join(how.fill(" ".join(paragraph.split())) for paragraph in text.split("\n\n"))


class Parser(ParserMixin, argparse.ArgumentParser):
    """The parser of every front end that does not need one of its own.

    ``out`` is where help goes, when that is not the process's standard output.
    """

    out: IO[str] | None = None

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.color = False  # Python 3.14 would colour help on a terminal, where all that is shown goes as plain text

    def _print_message(self, message: str, file: Any = None) -> None:
        super()._print_message(message, self.out or file)


AnyParser = TypeVar("AnyParser", bound=argparse.ArgumentParser)
Bind = Callable[[argparse.Action, Kind, str], None]
Run = Callable[..., Result]


@typed_equality
class Command(NamedTuple):
    """A command: its spec and its function.

    :param name: the verb that users type
    :param summary: one sentence for lists of commands
    :param args: its arguments, in the order of its help
    :param run: called with a session and the arguments by name; returns a result
    :param aliases: other names it goes by
    :param body: the parameter that receives a notebook cell, a heredoc or standard input; empty if there is none
    :param category: the heading under which lists show it
    """

    name: str
    summary: str
    args: tuple[Arg, ...]
    run: Run
    aliases: tuple[str, ...] = ()
    body: str = ""
    category: str = "Objects"

    @property
    def description(self) -> str:
        """What its help says: the function's docstring without the field list at its end, and without marks of code."""
        lines = "\n".join(line.strip() for line in (self.run.__doc__ or self.summary).splitlines())
        return lines.split("\n:", 1)[0].strip().replace("``", "")

    def parser(self, cls: type[AnyParser], bind: Bind | None = None) -> AnyParser:
        """Build a parser of the given class from the spec.

        :param bind: called with each action, the kind of thing it names and what separates several of them, to attach
            a front end's completion
        """
        parser = cls(
            prog=self.name,
            description=self.description,
            formatter_class=HelpFormatter,
            allow_abbrev=False,
        )
        for arg in (*self.args, *COMMON):
            action = parser.add_argument(*arg.flags, **arg.options)
            if bind is not None and arg.kind is not None:
                bind(action, arg.kind, arg.separator)
        return parser

    def call(self, words: Sequence[str], body: bytes | None = None, out: IO[str] | None = None) -> Call:
        """Parse the words after the command's name.

        :param body: the cell, heredoc or standard input that came with the line
        :param out: where help goes; None for standard output
        :raises UsageError: when the words do not fit the spec
        :raises SystemExit: when help was asked for, and has been shown
        """
        parser = self.parser(Parser)
        parser.out = out
        return self.bind(vars(parser.parse_words(words)), body)

    def bind(self, arguments: dict[str, Any], body: bytes | None = None) -> Call:
        """Make a call of parsed arguments.

        :raises UsageError: when a body is given to a command that takes none
        """
        arguments = dict(arguments)
        arguments.pop(OCCURRENCES, None)
        store, json = arguments.pop("store", None), arguments.pop("json", False)
        if body is not None and not self.body:
            raise UsageError(f"{self.name} takes no body")
        if self.body:
            arguments[self.body] = body
        return Call(self, arguments, store, json)


@typed_equality
class Call(NamedTuple):
    """A parsed line: a command with its arguments, and what the front end is to do with the result.

    :param store: the variable that receives the result, if one was named
    :param json: whether the result is shown as JSON
    """

    command: Command
    arguments: dict[str, Any]
    store: str | None = None
    json: bool = False

    def run(self, session: Session) -> Result:
        """Run the command and store its result where the line says.

        :raises StorletShellError: what the command raises
        """
        result = self.start(session)
        self.keep(result, session)
        return result

    def start(self, session: Session) -> Result:
        """Run the command; much of its work may be left to whoever looks at the result.

        :raises StorletShellError: what the command raises
        """
        if self.store is not None:
            session.check_variable(self.store)
        return self.command.run(session, **self.arguments)

    def keep(self, result: Result, session: Session) -> None:
        """Store the result where the line says; of a batch that is interrupted, what is done.

        :raises StorletShellError: when the rest of the result can't be had
        """
        if self.store is None:
            return
        try:
            result.keep()
        except KeyboardInterrupt:
            if result.keeps_part:
                session.variables[self.store] = result
            raise
        session.variables[self.store] = result


def command(
    name: str,
    summary: str,
    *args: Arg,
    aliases: Sequence[str] = (),
    body: str = "",
    category: str = "Objects",
) -> Callable[[Run], Command]:
    """Make a command of the decorated function; the other parameters are those of :class:`Command`."""

    def decorate(run: Run) -> Command:
        return Command(name, summary, args, run, tuple(aliases), body, category)

    return decorate


class Registry:
    """The commands there are: the built-in ones by the names of their modules, others by entry points.

    ``broken`` holds the plug-ins that can't be used, once a name was asked for that is not built in, or all names.
    """

    def __init__(self) -> None:
        self.broken: list[Unusable] = []
        self._found: dict[str, Command] = {}
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

        :raises UnknownCommandError: with the closest names, when there is none
        """
        if name in self._found:
            return self._found[name]
        if name in self.builtin_names():
            self._add(self._import(name))
        else:
            self._load_all()
        if name not in self._found:
            for unusable in self.broken:
                if unusable.plugin.name == name:
                    raise UnknownCommandError(f"the plug-in {unusable}")
            import difflib  # for those who need it

            close = difflib.get_close_matches(name, self._found, n=3)
            hint = f"did you mean {' or '.join(close)}?" if close else "try: help"
            raise UnknownCommandError(f"unknown command {name!r}; {hint}")
        return self._found[name]

    def all(self) -> list[Command]:
        """Return every command once, by name."""
        self._load_all()
        return sorted({id(found): found for found in self._found.values()}.values(), key=lambda found: found.name)

    def __iter__(self) -> Iterator[Command]:
        return iter(self.all())

    def _import(self, name: str) -> Command:
        module = importlib.import_module(f"{ENTRY_POINTS}.{name}")
        return next(value for value in vars(module).values() if isinstance(value, Command) and value.name == name)

    def _add(self, found: Command) -> None:
        for name in (found.name, *found.aliases):
            self._found.setdefault(name, found)

    def _load_all(self) -> None:
        for name in self.builtin_names():
            if name not in self._found:
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
                    found = plugin.entry.load()
                _check(found, plugin)
                for name in (found.name, *found.aliases):
                    if name in self._found or name in RESERVED or name in names - {plugin.name}:
                        raise PluginError(f"the name {name} is taken")
            except PluginError as error:
                self.broken.append(Unusable(plugin, error.message))
            else:
                self._add(found)


def _check(found: object, plugin: Plugin) -> None:
    """Check that what a plug-in adds is a command of its name, whose spec argparse understands."""
    if not isinstance(found, Command) or found.name != plugin.name:
        raise PluginError(f"{plugin.entry.value} is no command named {plugin.name}")
    for name in (found.name, *found.aliases):
        if not _NAME.fullmatch(name):
            raise PluginError(f"{name!r} is no name for a command: letters, digits, - and _ are")
    with running(plugin):
        found.parser(Parser)


def parse(registry: Registry, words: Sequence[str], out: IO[str] | None = None) -> Call:
    """Parse a line that is split into words already.

    :param out: where help goes; None for standard output
    :raises UnknownCommandError: when the first word is no command
    :raises UsageError: when the others do not fit it
    :raises SystemExit: when help was asked for, and has been shown
    """
    if not words:
        raise UsageError("a command is missing; try: help")
    return registry.get(words[0]).call(words[1:], out=out)
