"""Run lines: commands, with redirects and pipes, and the few words that front ends define themselves.

Shared by the interactive shell and command files, so that a line means the same in both. ``/bin/sh`` runs what follows
a ``|`` or a ``!``.
"""

from __future__ import annotations

import io
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from storlet_shell.adapters.console import Console
from storlet_shell.adapters.execution import Outcome, Show, execute, failure
from storlet_shell.adapters.script import expectations
from storlet_shell.adapters.script.echo import expanded
from storlet_shell.adapters.script.lines import Expand, Line, Words, parse
from storlet_shell.adapters.script.scope import NotYetRunError, Scope
from storlet_shell.errors import ExitStatus, LocalFileError, StorletShellError, UsageError
from storlet_shell.results import Result
from storlet_shell.results.formats import PEOPLE
from storlet_shell.results.saving import descriptor_of
from storlet_shell.session import Session
from storlet_shell.spec.command import Call, Command
from storlet_shell.spec.registry import Registry
from storlet_shell.wire.bodies import open_file

_OF_THE_SHELL = ("alias", "history", "set", "shortcuts")


@dataclass(frozen=True)
class Typed:
    """A line that has been split and is about to run.

    :param line: as it was typed
    :param words: its parts, expanded
    :param scope: the command file that it stands in; None in the interactive shell
    """

    line: Line
    words: Words
    scope: Scope | None = None

    @property
    def name(self) -> str:
        """The command."""
        return self.words.words[0]

    @property
    def arguments(self) -> list[str]:
        """The words after the command."""
        return self.words.words[1:]


Own = Callable[[Typed], int]
"""A word that a front end defines itself: a function that runs a line and returns an exit status."""


class Interpreter:
    """Runs lines in a session.

    :param format: of results, for lines that ask for none

    ``show`` is called with every result; ``own`` holds the front end's own words; with ``keeps_stdout``, standard
    output is for results alone, and what sh writes goes to standard error.
    """

    def __init__(self, session: Session, console: Console, registry: Registry, format: str = PEOPLE) -> None:
        self.session = session
        self.console = console
        self.registry = registry
        self.format = format
        self.keeps_stdout = False
        self.own_words: dict[str, Own] = {"shell": self._run_sh, "quit": _quit, "exit": _quit}
        self._to_be_stored: set[str] = set()  # by lines that were only checked
        self.show: Callable[[Call, Result], None] = self.show_result

    def parse(self, line: Line, scope: Scope | None = None) -> Typed:
        """Split a line into its parts.

        :raises UsageError: when it can't be
        """
        words = parse(line.text, self._expand(scope))
        if not words.words:
            raise UsageError("a command is missing")
        return Typed(line, words, scope)

    def _expand(self, scope: Scope | None) -> Expand | None:
        if scope is None:
            return None

        def expand(name: str) -> str:
            variable = name.partition(".")[0]
            if variable != name and variable in self._to_be_stored:
                raise NotYetRunError(f"${{{name}}} isn't known yet")
            return scope.expand(name, self.session.variables)

        return expand

    def echo(self, line: Line, scope: Scope | None = None) -> str:
        """Return a line as ``-x`` shows it, with the values of its names."""
        expand = self._expand(scope)
        return expanded(line.text, expand, self.session.secrets) if expand and "${" in line.text else line.text

    def run(self, line: Line, scope: Scope | None = None) -> Outcome:
        """Run a line.

        The status of a pipe is the command's own unless it went well, and that of the pipe's other end then.
        """
        try:
            reading = expectations.read(line, self._expand(scope))
        except StorletShellError as error:
            return failure(error, self.session)
        if reading is None:
            return self._run(line, scope, self.show)
        expectation, line = reading
        reader = expectations.Reader(self.show)
        outcome = self._run(line, scope, self.show if expectation.text is None else reader.show)
        return expectation.judge(line.text, outcome, reader.text)

    def _run(self, line: Line, scope: Scope | None, show: Show) -> Outcome:
        return execute(self._opened(line, scope), self.session, show)

    def check(self, line: Line, scope: Scope | None = None) -> Outcome:
        """Parse a line and its arguments without running it."""
        try:
            reading = expectations.read(line, self._expand(scope))
        except StorletShellError as error:
            return Outcome(ExitStatus.OK) if isinstance(error, NotYetRunError) else failure(error, self.session)
        if reading is None:
            return execute(self._checked(line, scope), self.session, self.show)
        expectation, line = reading
        outcome = execute(self._checked(line, scope), self.session, self.show)
        return Outcome(ExitStatus.OK) if outcome.status == expectation.status else outcome

    @contextmanager
    def _opened(self, line: Line, scope: Scope | None) -> Iterator[Call | int]:
        typed = self.parse(line, scope)
        with self._input(typed), self._output(typed):
            yield self._begin(typed)

    @contextmanager
    def _checked(self, line: Line, scope: Scope | None) -> Iterator[int]:
        with suppress(NotYetRunError):
            typed = self.parse(line, scope)
            if typed.name not in self.own_words:
                with self.console.redirected(io.StringIO()):  # a help text is output, and this run has none
                    call = self.call(typed)
                if isinstance(call, Call) and call.store is not None:
                    self._to_be_stored.add(call.store)
        yield ExitStatus.OK

    def _begin(self, typed: Typed) -> Call | int:
        """Run a word that the front end defines itself, or parse a command's arguments."""
        run_word = self.own_words.get(typed.name)
        if run_word is None:
            return self.call(typed)
        if typed.line.body is not None:
            raise UsageError(f"{typed.name} takes no heredoc")
        return run_word(typed)

    def call(self, typed: Typed) -> Call | int:
        """Parse a command's arguments; return an exit status if nothing is left to do, as after ``--help``.

        :raises UnknownCommandError: when the command doesn't exist
        :raises UsageError: when the arguments do not fit it
        """
        if typed.name in _OF_THE_SHELL:
            raise UsageError(f"{typed.name} belongs to the interactive shell")
        command = self.registry.get(typed.name)
        try:
            return command.call(typed.arguments, body_of(typed, command), out=self.console.stdout)
        except SystemExit as end:
            return int(end.code or 0)

    def show_result(self, call: Call, result: Result) -> None:
        """Write a result to the current output, unless it was stored."""
        if call.store is None:
            self.console.show(result, call.rendering(self.format))

    @contextmanager
    def _input(self, typed: Typed) -> Iterator[None]:
        """Read standard input from the line's heredoc or file within this context."""
        with ExitStack() as stack:
            if typed.words.input is not None:
                stack.enter_context(self._reading(stack.enter_context(open_file(typed.words.input))))
            if typed.line.body is not None:
                stack.enter_context(self._reading(io.BytesIO(typed.line.body)))
            yield

    @contextmanager
    def _reading(self, stream: IO[bytes]) -> Iterator[None]:
        previous, self.console.stdin = self.console.stdin, stream
        try:
            yield
        finally:
            self.console.stdin = previous

    def _output(self, typed: Typed) -> AbstractContextManager[None]:
        """Redirect results as the line says within this context."""
        if typed.words.pipe is not None:
            return self._piped(typed.words.pipe, typed.scope)
        if typed.words.output is not None:
            return self._written(typed.words.output, "ab" if typed.words.append else "wb")
        return nullcontext()

    @contextmanager
    def _written(self, path: str, mode: str) -> Iterator[None]:
        try:
            file = self._open(path, mode)
        except (OSError, ValueError, RuntimeError) as error:
            raise LocalFileError(f"can't write {path}: {getattr(error, 'strerror', '') or error}") from None
        stream = _text(file)
        try:
            with self.console.redirected(stream):
                yield
            stream.close()
        except OSError as error:
            raise LocalFileError(f"can't write {path}: {error.strerror or error}") from error
        finally:
            with suppress(OSError):
                stream.close()

    def _open(self, path: str, mode: str) -> IO[bytes]:
        """Open a file, or an open descriptor unchanged: like sh, don't truncate ``/dev/stdout``."""
        descriptor = descriptor_of(path)
        if descriptor is None:
            return cast("IO[bytes]", Path(path).expanduser().open(mode))
        self.console.stdout.flush()
        return os.fdopen(os.dup(descriptor), mode)

    @contextmanager
    def _piped(self, command: str, scope: Scope | None) -> Iterator[None]:
        """Pipe results to sh; its failure ends the line without a message, since it has reported the error itself."""
        process = self._start(command, scope, piped=True)
        assert process.stdin is not None
        stream, is_closed = _text(process.stdin), False
        try:
            with self.console.redirected(stream):
                yield
            stream.close()
        except BrokenPipeError:
            is_closed = True  # the other end has read as much as it wants; its status says whether that is well
        finally:
            with suppress(OSError):
                stream.close()
            status = _wait(process)
        if status or is_closed:
            raise SystemExit(status)

    def _run_sh(self, typed: Typed) -> int:
        if not typed.arguments or not typed.arguments[0].strip():
            raise UsageError("a command for sh is missing: !COMMAND")
        return _wait(self._start(typed.arguments[0], typed.scope, piped=False))

    def _start(self, command: str, scope: Scope | None, *, piped: bool) -> subprocess.Popen[bytes]:
        """Start sh with a command file's definitions as variables, and the file's arguments as its own."""
        environ = {**self.console.environ, **(scope.definitions if scope else {})}
        arguments = (scope.name, *scope.arguments) if scope else ()
        stdout = self._descriptor()
        try:
            return subprocess.Popen(
                ["/bin/sh", "-c", command, *arguments],
                stdin=subprocess.PIPE if piped else None,
                stdout=stdout,
                env=environ,
            )
        except (OSError, ValueError) as error:
            raise LocalFileError(f"can't start sh: {getattr(error, 'strerror', '') or error}") from None

    def _descriptor(self) -> int | None:
        """Return the descriptor of the current output; None if it is the process's own."""
        keep = self.keeps_stdout and not self.console.is_redirected
        stream = self.console.stderr if keep else self.console.stdout
        stream.flush()
        try:
            return stream.fileno()
        except (OSError, ValueError):
            return None


class Quit(BaseException):
    """Ends the shell or the command file; not an error, like ``SystemExit``."""


def _quit(typed: Typed) -> int:
    if typed.arguments:
        raise UsageError(f"{typed.name} takes no arguments")
    raise Quit


def body_of(typed: Typed, command: Command) -> bytes | None:
    """Return a line's heredoc if it is the command's body, not the standard input that ``-`` names."""
    return None if "-" in typed.arguments and not command.body else typed.line.body


def _text(file: IO[bytes]) -> io.TextIOWrapper:
    return io.TextIOWrapper(file, encoding="utf-8", errors="surrogateescape", newline="\n")


def _wait(process: subprocess.Popen[bytes]) -> int:
    """Wait for a process, ignoring Ctrl-C, which the terminal also sends to that process."""
    while True:
        try:
            code = process.wait()
        except KeyboardInterrupt:
            continue
        return 128 - code if code < 0 else code
