"""Commands as data: a function with its spec, or several actions; and calls, which are commands with arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import IO, Any, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import UsageError
from storlet_shell.results import Rendering, Result
from storlet_shell.results.formats import PEOPLE, check_columns
from storlet_shell.session import Session
from storlet_shell.spec.arguments import COMMON, HELP_FLAGS, Arg, Scan, options_of, scan
from storlet_shell.spec.once import OCCURRENCES
from storlet_shell.spec.parser import AnyParser, HelpFormatter, Parser, add_arguments, escaped, suggest
from storlet_shell.spec.summary import Summary

Run = Callable[..., Result]

_LONGEST_ALIGNED = 60
"""The longest example, in characters, whose comment is aligned with the others."""


@typed_equality
class Command(NamedTuple):
    """A command: its spec and its function, or its actions.

    An action is a command, too, whose name has two words: ``local start``.

    :param name: the verb that users type
    :param summary: one sentence for lists of commands
    :param args: its arguments, in the order of its help
    :param run: called with a session and the arguments by name; returns a result; None for a command with actions
    :param aliases: other names for it
    :param body: the parameter that receives a notebook cell, a heredoc or standard input; empty if it takes none
    :param category: the heading for lists of commands
    :param actions: its actions, in the order of its help
    :param default: the action of a line that names none; empty if a line must name one
    :param text: its help, if that isn't the docstring of ``run``
    :param examples: lines for the end of its help, each with a comment: ``ls weather  # list the objects``
    """

    name: str
    summary: str
    args: tuple[Arg, ...]
    run: Run | None
    aliases: tuple[str, ...] = ()
    body: str = ""
    category: str = "Objects"
    actions: tuple[Command, ...] = ()
    default: str = ""
    text: str = ""
    examples: tuple[str, ...] = ()

    @property
    def verb(self) -> str:
        """The last word of its name: of an action, the word after the command."""
        return self.name.rpartition(" ")[2]

    @property
    def lines(self) -> tuple[Command, ...]:
        """What a line can run: the actions, or the command itself."""
        return self.actions or (self,)

    @property
    def description(self) -> str:
        """The text of its help: the docstring without its field list and code marks."""
        text = self.text or (self.run and self.run.__doc__) or self.summary
        lines = "\n".join(line.strip() for line in text.splitlines())
        return lines.split("\n:", 1)[0].strip().replace("``", "")

    @property
    def usage(self) -> str:
        """Its line in short: its options as one word, except for those that must be given, and its arguments."""
        if self.actions:
            return f"{self.name} {'[ACTION]' if self.default else 'ACTION'} [ARGUMENT …]"
        needed = [arg.usage for arg in self.args if not arg.is_option or arg.options.get("required")]
        return " ".join([self.name, "[OPTION …]", *needed])

    def listing(self, module: str) -> Summary:
        """Return what lists of commands show of it.

        :param module: the module that defines it
        """
        return Summary(self.name, module, self.aliases, self.category, self.summary, bool(self.body))

    def action(self, word: str) -> Command | None:
        """Return the action that a word names."""
        return next((action for action in self.actions if action.verb == word), None)

    def parser(self, cls: type[AnyParser]) -> AnyParser:
        """Build a parser of the given class from the spec; of a command with actions, it only shows help."""
        parser = cls(
            prog=self.name,
            usage=escaped(self.usage),
            description=self.description,
            epilog=self._epilog(),
            formatter_class=HelpFormatter,
            allow_abbrev=False,
        )
        if self.actions:
            self._list_actions(parser)
        else:
            add_arguments(parser, (*self.args, *COMMON))
        return parser

    def _epilog(self) -> str:
        lines = [example.partition("  # ") for example in self.examples]
        width = max((len(line) for line, mark, _ in lines if mark), default=0)
        if width > _LONGEST_ALIGNED:
            width = 0
        examples = [f"  {line:<{width if mark else 0}}{mark}{comment}" for line, mark, comment in lines]
        parts = [f"help {self.name} ACTION shows an action's arguments."] if self.actions else []
        return "\n\n".join([*parts, "\n".join(["examples:", *examples])] if examples else parts)

    def _list_actions(self, parser: AnyParser) -> None:
        group = parser.add_argument_group("actions")
        for action in self.actions:
            note = " (default)" if action.verb == self.default else ""
            group.add_argument(action.verb, nargs="?", help=escaped(action.summary) + note)

    def call(self, words: Sequence[str], body: bytes | None = None, out: IO[str] | None = None) -> Call:
        """Parse the words after the command's name.

        :param body: the cell, heredoc or standard input that came with the line
        :param out: the stream for help; None means standard output
        :raises UsageError: when the words don't fit the spec
        :raises SystemExit: when the words asked for help, which was shown
        """
        command, rest = self.choose(words)
        parser = command.parser(Parser)
        parser.out = out
        return command.bind(vars(parser.parse_words(rest)), body)

    def choose(self, words: Sequence[str]) -> tuple[Command, list[str]]:
        """Find the action that a line names, among options as well.

        :returns: the action with the words that are left; the command itself if it has no actions, or help is wanted
        :raises UsageError: when the line names no action, or gives an option that belongs to others
        """
        if not self.actions:
            return self, list(words)
        options = options_of((*COMMON, *(arg for action in self.actions for arg in action.args)))
        scanned = scan(options, words)
        rest = list(words)
        action = self.action(words[scanned.positions[0]]) if scanned.positions else None
        if action is not None:
            del rest[scanned.positions[0]]
        elif not scanned.positions and set(HELP_FLAGS) & set(scanned.flags):
            return self, rest
        else:
            for flag in scanned.flags:
                if flag.startswith("--") and flag not in options:
                    hint = suggest(flag, options, self.name) or f"try: help {self.name}"
                    raise UsageError(f"{self.name}: unknown option {flag}; {hint}")
            action = self._implied(words, scanned)
        self._check_options(action, scanned)
        return action, rest

    def _implied(self, words: Sequence[str], scanned: Scan) -> Command:
        """Return the default action for a line that names none."""
        default = self.action(self.default)
        if default is not None and (not scanned.positions or not all(arg.is_option for arg in default.args)):
            return default
        if not scanned.positions:
            verbs = [action.verb for action in self.actions]
            choices = f"{', '.join(verbs[:-1])} or {verbs[-1]}"
            raise UsageError(f"{self.name}: an action is missing: {choices}; try: help {self.name}")
        raise UsageError(self.unknown(words[scanned.positions[0]]))

    def unknown(self, word: str) -> str:
        """Return the message for a word that names no action of this command."""
        if not self.actions:
            return f"{self.name}: no action {word!r}, as the command has no actions; try: help {self.name}"
        hint = suggest(word, [action.verb for action in self.actions], self.name) or f"try: help {self.name}"
        return f"{self.name}: unknown action {word!r}; {hint}"

    def _check_options(self, action: Command, scanned: Scan) -> None:
        """Check that a line gives no option of another action, which argparse would call unknown."""
        options = options_of((*action.args, *COMMON))
        for flag in scanned.flags:
            others = [other.name for other in self.actions if flag in options_of(other.args)]
            if flag not in options and others:
                raise UsageError(f"{action.name}: {flag} goes with {' and '.join(others)}; try: help {action.name}")

    def bind(self, arguments: dict[str, Any], body: bytes | None = None) -> Call:
        """Bind parsed arguments to this command.

        :raises UsageError: when a body is given to a command that takes none, or its results have no such column
        """
        arguments = dict(arguments)
        arguments.pop(OCCURRENCES, None)
        store, format = arguments.pop("store", None), arguments.pop("format", None)
        columns = arguments.pop("columns", ())
        if columns:
            self._check_columns(columns)
        if body is not None and not self.body:
            raise UsageError(f"{self.name} takes no body")
        if self.body:
            arguments[self.body] = body
        return Call(self, arguments, store, format, columns)

    def _check_columns(self, columns: tuple[str, ...]) -> None:
        from storlet_shell.results.json_schema import columns_of  # for lines that choose columns

        names = columns_of(self.name)
        if names is not None:
            check_columns(columns, names)


@typed_equality
class Call(NamedTuple):
    """A parsed line: a command with its arguments, and what the front end does with the result.

    :param store: the variable that receives the result, if the line names one
    :param format: the format that the line asks for; None for the session's
    :param columns: the columns that the line asks for; empty for those that the format shows by itself
    """

    command: Command
    arguments: dict[str, Any]
    store: str | None = None
    format: str | None = None
    columns: tuple[str, ...] = ()

    def rendering(self, default: str = PEOPLE) -> Rendering:
        """Return how the result is shown.

        :param default: the format if the line asks for none
        """
        return Rendering(self.format or default, self.columns)

    def run(self, session: Session) -> Result:
        """Run the command and store its result if the line says so.

        :raises StorletShellError: whatever the command raises
        """
        result = self.start(session)
        self.keep(result, session)
        return result

    def start(self, session: Session) -> Result:
        """Run the command; much of its work may happen only when the result is read.

        :raises StorletShellError: whatever the command raises
        """
        if self.store is not None:
            session.check_variable(self.store)
        assert self.command.run is not None  # a call is of an action, never of the command that has it
        return self.command.run(session, **self.arguments)

    def keep(self, result: Result, session: Session) -> None:
        """Store the result if the line says so; of an interrupted batch, the finished part.

        :raises StorletShellError: when the rest of the result can't be read
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
    examples: Sequence[str] = (),
) -> Callable[[Run], Command]:
    """Make a command of the decorated function; the other parameters are those of :class:`Command`."""

    def decorate(run: Run) -> Command:
        return Command(name, summary, args, run, tuple(aliases), body, category, examples=tuple(examples))

    return decorate


class Action:
    """One action of a command, as ``start`` of ``local start``.

    :param name: the word after the command's name
    :param summary: one sentence for the command's help
    :param arguments: its arguments, in the order of its help
    :param run: called with a session and the arguments by name; returns a result; its docstring is the action's help
    :param body: the parameter that receives a notebook cell, a heredoc or standard input; empty if it takes none
    :param default: whether a line that names no action means this one
    :param examples: lines for the end of its help, as for :class:`Command`
    """

    def __init__(
        self,
        name: str,
        summary: str,
        *arguments: Arg,
        run: Run,
        body: str = "",
        default: bool = False,
        examples: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.summary = summary
        self.arguments = arguments
        self.run = run
        self.body = body
        self.default = default
        self.examples = tuple(examples)


def group(
    name: str,
    summary: str,
    *actions: Action,
    text: str = "",
    aliases: Sequence[str] = (),
    category: str = "Objects",
) -> Command:
    """Make a command that has actions.

    :param text: its help; empty means the summary
    """
    default = next((action.name for action in actions if action.default), "")
    body = next((action.body for action in actions if action.body), "")
    examples = tuple(example for action in actions for example in action.examples)
    commands = tuple(
        Command(
            f"{name} {action.name}",
            action.summary,
            action.arguments,
            action.run,
            body=action.body,
            category=category,
            examples=action.examples,
        )
        for action in actions
    )
    return Command(name, summary, (), None, tuple(aliases), body, category, commands, default, text, examples)
