"""The interactive shell, on cmd2: it edits lines, completes them, and holds the preferences.

Lines are read and run by our own grammar and interpreter, as in command files; cmd2 sees a line as words. Its tokeniser
is not sh's, it keeps no exit statuses, and its pipes lose the other end's.
"""

from __future__ import annotations

import argparse
import asyncio
import difflib
import re
import time
from dataclasses import replace
from types import FrameType
from typing import Any, TextIO, cast

import cmd2
from cmd2.string_utils import strip_style
from prompt_toolkit.formatted_text import AnyFormattedText
from prompt_toolkit.key_binding import KeyBindings

from storlet_shell import __version__
from storlet_shell.adapters import startup
from storlet_shell.adapters.completion.names import prepare
from storlet_shell.adapters.console import Console
from storlet_shell.adapters.execution import Outcome, failure
from storlet_shell.adapters.script.interpreter import Interpreter, Quit, Typed, body_of
from storlet_shell.adapters.script.lines import GrammarError, Line, Words, split
from storlet_shell.adapters.script.runner import Mode, Runner, decode
from storlet_shell.adapters.script.scope import Scope
from storlet_shell.adapters.shell import keys, parsers
from storlet_shell.adapters.shell.completer import LineCompleter
from storlet_shell.adapters.shell.history import ShellHistory, check_startup_file, startup_file
from storlet_shell.adapters.shell.lexer import LineLexer
from storlet_shell.adapters.shell.preferences import Preferences
from storlet_shell.adapters.shell.toolbar import toolbar
from storlet_shell.adapters.words import OWN_WORDS, SYNTAX
from storlet_shell.errors import ExitStatus, StorletShellError, TerminatedError, UnknownCommandError
from storlet_shell.results import Result, Text
from storlet_shell.results.describe import describe
from storlet_shell.results.formats import FORMATS, PEOPLE
from storlet_shell.session import Session
from storlet_shell.spec.command import Call, Command
from storlet_shell.spec.registry import Registry
from storlet_shell.text import printable
from storlet_shell.wire.bodies import read_file

_REMOVED = ("macro", "run_pyscript", "_relative_run_script", "_eof")
_REMOVED_SETTINGS = (
    "allow_style",
    "debug",
    "timing",
    "quiet",
    "echo",
    "max_column_completion_results",
    "max_completion_table_items",
    "scripts_add_to_history",
    "traceback_show_locals",
    "traceback_width",
)
_SHORTCUTS = {"!": "shell", "?": "help", "@": "run_script"}
_LINES_BETWEEN_COLLECTIONS = 20
_FIRST_WORD = re.compile(r"\s*([^\s'\"\\|<>]+)")


def main(session: Session, console: Console, format: str = PEOPLE) -> int:
    """Run the interactive shell until its user leaves, and return its exit status."""
    console.goes_on = True
    registry = Registry()
    shell = make_class(registry)(session, console, registry, format)
    shell.intro = f"storlet-shell {__version__}: type help for the commands, Ctrl-D to exit"
    _greet(session, console)
    shell.run_startup_file()
    for unusable in registry.broken:
        console.warn(f"not usable: {unusable}")
    shell.prompt = shell.prompt_text
    prepare(session)
    take_back = startup.set_aside_what_stays()
    try:
        return shell.cmdloop()
    finally:
        take_back()


def _greet(session: Session, console: Console) -> None:
    """Join or start the embedded Swift if that was asked for, so that Tab knows it; say early what would not work."""
    try:
        if session.uses_local:
            session.client.login.storage_url()
        else:
            session.ask_for_password()
            session.credentials()
    except StorletShellError as error:
        console.show_error(error)


class _ShellInterpreter(Interpreter):
    """Runs lines through cmd2's functions: the registry's commands, and the words that only the shell has."""

    shell: Shell

    def parse(self, line: Line, scope: Scope | None = None) -> Typed:
        """Split a line into its parts; in one that was typed, an alias stands for its text, and the pager is used."""
        self.console.pager = self.shell.preferences.pager if scope is None else ""
        if scope is None:
            line = replace(line, text=self.shell.without_alias(line.text))
        return super().parse(line, scope)

    def call(self, typed: Typed) -> Call | int:
        """Have cmd2 parse a command's arguments, or run one of its own words."""
        return self.shell.run_function(typed)

    def show_result(self, call: Call, result: Result) -> None:
        """Show a result, or say what was stored."""
        super().show_result(call, result)
        if call.store is not None and not self.shell.quiet:
            self.console.warn(f"{call.store} = {describe(result)}")


class Shell(cmd2.Cmd):
    """The shell without the registry's commands.

    ``status`` is the exit status of the last line.
    """

    def __init__(self, session: Session, console: Console, registry: Registry, format: str = PEOPLE) -> None:
        self.interpreter = _ShellInterpreter(session, console, registry, format)
        self.interpreter.shell = self
        self.session = session
        self.console = console
        self.status = 0
        self._typed = Typed(Line(""), Words())
        self._bound: Call | None = None
        self._lines = 0
        self._seconds = 0.0
        self._place: tuple[str, str] | None = None
        self._ending: TerminatedError | None = None
        self._runner = Runner(self.interpreter, Mode())
        super().__init__(allow_cli_args=False, allow_clipboard=False, shortcuts=_SHORTCUTS, terminators=())
        self.statement_parser = parsers.SplitWords(terminators=(), shortcuts=_SHORTCUTS)
        for name in _REMOVED:
            setattr(self, f"do_{name}", None)
        self._choose_settings()
        self.preferences = Preferences(self)
        self._keep_history()
        self.main_session.lexer = LineLexer(self._is_command, self._takes_code)
        self.main_session.completer = LineCompleter(
            session, registry, self.without_alias, self._own_words, self._complete_own_word
        )
        self.main_session.multiline = keys.goes_on
        bindings = cast(KeyBindings, self.main_session.key_bindings)  # cmd2 has made it one that can be added to
        keys.add(bindings, console.warn)

    def _choose_settings(self) -> None:
        for name in _REMOVED_SETTINGS:
            self.remove_settable(name)
        for name, holder, attribute, help_text in (
            ("debug", self.console, "debug", "Show the traceback of every error"),
            ("timing", self, "timing", "Show how long each line took"),
            ("quiet", self, "quiet", "Do not say what was stored by -o, and the like"),
        ):
            self.add_settable(cmd2.Settable(name, bool, help_text, holder, settable_attrib_name=attribute))
        text = "Show results in this format"
        self.add_settable(cmd2.Settable("format", str, text, self.interpreter, choices=list(FORMATS)))

    def _keep_history(self) -> None:
        self._stored = ShellHistory(self.console.environ, self.console.warn, lambda: self.session.secrets)
        self._stored.shorten()
        self.main_session.history = self.main_session.default_buffer.history = self._stored
        for text in reversed(list(self._stored.load_history_strings())):
            self.history.append(cmd2.Statement("", raw=text))
        self.history.start_session()

    @property
    def prompt_text(self) -> str:
        """The prompt: the cloud and the account."""
        return f"{printable(self.session.where) or 'storlet-shell'}> "

    def run_startup_file(self) -> None:
        """Run the user's startup file, if there is one."""
        path = startup_file(self.console.environ)
        try:
            if path.is_file():
                check_startup_file(path)
                text = decode(read_file(path), str(path))
                self._runner.run((text, Scope(str(path), environ=self.console.environ)))
        except (StorletShellError, OSError) as error:
            self.console.show_error(error)

    def onecmd_plus_hooks(
        self,
        line: str,
        *,
        add_to_history: bool = True,
        raise_keyboard_interrupt: bool = False,
        **_: Any,  # what only cmd2's Python bridge passes
    ) -> bool:
        """Run what was typed, show what went wrong, and tell whether the shell is to end."""
        if self._ending is not None:  # the signal came as the prompt was being left
            raise self._ending
        if line == "_eof":  # what cmd2 makes of Ctrl-D
            return True
        started = time.monotonic()
        if add_to_history and self._stored.keeps(line):
            self.history.append(cmd2.Statement("", raw=line))
        try:
            interrupt = self._run_lines(line)
        except Quit:
            return True
        self._seconds = time.monotonic() - started
        self._place = None
        self._free_memory()
        self.prompt = self.prompt_text
        if self.timing:
            self.console.warn(f"{self._seconds:.2f} s")
        if interrupt is not None and raise_keyboard_interrupt:
            raise interrupt
        return False

    def _run_lines(self, text: str) -> KeyboardInterrupt | None:
        """Run the lines of what was typed, up to one that fails; return the interruption that has ended them."""
        try:
            lines = split(text, typed=True)
        except GrammarError as error:
            self._conclude(failure(error, self.session))
            return None
        for line in lines:
            outcome = self.interpreter.run(line)
            self._conclude(outcome)
            if not outcome.was_shown:
                return outcome.error if isinstance(outcome.error, KeyboardInterrupt) else None
        return None

    def _conclude(self, outcome: Outcome) -> None:
        if outcome.status == ExitStatus.INTERRUPTED and self.console.stderr.isatty():
            self.console.stderr.write("\n")  # the terminal has shown ^C where the cursor was
        self.status = self.console.conclude(outcome, self.interpreter.format)

    def _free_memory(self) -> None:
        """Free cycles every few lines.

        Each prompt leaves an event loop and a screen (prompt_toolkit ``Application.run``), and each error its frames.
        """
        self._lines += 1
        if self._lines % _LINES_BETWEEN_COLLECTIONS == 0:
            startup.free_cycles()

    def run_function(self, typed: Typed) -> Call | int:
        """Call the function that cmd2 has for a line's command: it parses a command of the registry, or runs another.

        :returns: the call, or the exit status
        :raises UnknownCommandError: when no command has the name
        """
        if self.get_command_func(typed.name) is None:
            close = difflib.get_close_matches(typed.name, self.get_visible_commands(), n=3)
            hint = f"did you mean {' or '.join(close)}?" if close else "try: help"
            raise UnknownCommandError(f"unknown command {typed.name!r}; {hint}")
        words, spelled = typed.words.words, typed.words.spelled
        statement = parsers.SplitStatement(
            " ".join(spelled[1:]),
            raw=typed.line.text,
            command=words[0],
            words=tuple(words[1:]),
            spelled=tuple(spelled[1:]),
        )
        outer = self._typed, self._bound, self.stdout
        self._typed, self._bound, self.stdout = typed, None, cast(TextIO, self.console.stdout)
        self.last_result = None
        try:
            self.onecmd(statement, add_to_history=False)
            if self._bound is not None:
                return self._bound
        except cmd2.Cmd2ArgparseError as error:
            return int(getattr(error.__cause__, "code", 0) or 0)
        except SystemExit as end:  # argparse has shown help
            return int(end.code or 0)
        finally:
            self._typed, self._bound, self.stdout = outer
        return ExitStatus.ERROR if self.last_result is False else ExitStatus.OK

    def perror(self, *objects: Any, sep: str = " ", **_: Any) -> None:
        """Show what one of cmd2's own words complains of; its line has failed then."""
        self.console.warn(sep.join(map(str, objects)))
        self.last_result = False

    def bind(self, command: Command, words: list[str]) -> None:
        """Parse a registry command's words; the return value of a command's function belongs to cmd2."""
        self._bound = command.call(words, body_of(self._typed, command), out=self.console.stdout)

    def without_alias(self, text: str) -> str:
        """Return a line with the alias at its start expanded."""
        expanded: set[str] = set()
        while (match := _FIRST_WORD.match(text)) and (name := match.group(1)) in self.aliases and name not in expanded:
            expanded.add(name)
            text = self.aliases[name] + text[match.end() :]
        return text

    def _is_command(self, word: str) -> bool:
        return word in self.aliases or self.get_command_func(word) is not None

    def _takes_code(self, word: str) -> bool:
        """Tell whether a command's heredoc is a storlet's code."""
        names = _FIRST_WORD.match(self.without_alias(word))
        try:
            return names is not None and self.interpreter.registry.get(names.group(1)).body == "code"
        except StorletShellError:
            return False

    def _own_words(self) -> dict[str, str]:
        own = {word: summary for word, summary in OWN_WORDS.items() if self.get_command_func(word) is not None}
        return {**own, **{name: f"alias of {printable(text)}" for name, text in self.aliases.items()}}

    def _complete_own_word(self, word: str, line: str) -> list[str]:
        """Return what a word may become as an argument of one of the shell's own words.

        :param line: up to the cursor
        """
        style = self.main_session.complete_style
        texts = list(self.complete(word, line, len(line) - len(word), len(line)).to_strings())
        self.main_session.complete_style = style  # cmd2 has chosen another by the number of completions
        return texts

    def get_bottom_toolbar(self) -> AnyFormattedText:
        """Return the toolbar: account, cloud, and how the last line ended."""
        if self._place is None:  # this is called with each key
            self._place = self.session.place
        return toolbar(*self._place, self.status if self._lines else None, self._seconds)

    def sigint_handler(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002  cmd2's signature
        """Interrupt what runs. Nothing is written here: cmd2 would write an empty line to where output goes."""
        raise KeyboardInterrupt

    def termination_signal_handler(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002  cmd2's signature
        """End the shell on SIGTERM or SIGHUP, and let the stack unwind.

        At the prompt an event loop runs. If a signal handler raised there, the callback that the loop was about to run
        could be lost, and asyncio would wait forever for that callback's task (seen with Python 3.11). So the loop is
        asked to end the prompt.
        """
        self._ending = TerminatedError(128 + signum)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise self._ending from None
        loop.call_soon_threadsafe(self._leave_prompt)

    def _leave_prompt(self) -> None:
        prompt = self.active_session.app
        if prompt.is_running and not prompt.is_done and self._ending is not None:
            prompt.exit(exception=self._ending)

    def _run_own(self, name: str, words: list[str]) -> None:
        """Run one of the interpreter's own words when cmd2 asks for it by itself, as ``history -e`` does."""
        self.interpreter.own_words[name](Typed(Line(""), Words([name, *words], [name, *words])))

    @cmd2.with_argparser(parsers.parser_of_run_script)
    def do_run_script(self, parsed: argparse.Namespace) -> None:
        """Run a command file in this shell."""
        definitions = [word for text in parsed.D for word in ("-D", text)]
        self._run_own("run_script", [*definitions, parsed.file, *parsed.arguments])

    @cmd2.with_argparser(parsers.parser_of_shell, preserve_quotes=True)
    def do_shell(self, parsed: argparse.Namespace) -> None:
        """Run a line by sh."""
        self._run_own("shell", [" ".join(parsed.command)])

    @cmd2.with_argparser(parsers.parser_of_quit)
    def do_quit(self, _: argparse.Namespace) -> None:
        """Exit the shell."""
        self._run_own("quit", [])

    do_exit = do_quit

    @cmd2.with_argparser(parsers.parser_of_help)
    def do_help(self, parsed: argparse.Namespace) -> None:
        """Show the commands, or how to use one."""
        self.console.show(self._help(parsed.words))

    def _help(self, words: list[str]) -> Result:
        if words == ["syntax"]:
            return Text(SYNTAX)
        function = self.get_command_func(words[0]) if words and words[0] in OWN_WORDS else None
        parser = self.command_parsers.get(function) if function else None
        if parser is not None:
            return Text(strip_style(parser.format_help()), has_headings=True)
        return self.interpreter.registry.get("help").call(words).run(self.session)


def make_class(registry: Registry) -> type[Shell]:
    """Make a shell with a function for each command of a registry, under each of its names."""
    cmd2.set_default_argument_parser(parsers.ShellParser)
    functions: dict[str, Any] = {}
    for summary in registry.summaries():
        for name in (summary.name, *summary.aliases):
            functions |= parsers.functions_of(registry, summary, name)
    del functions["do_help"]
    return type("Shell", (Shell,), functions)
