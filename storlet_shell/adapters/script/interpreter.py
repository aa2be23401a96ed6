"""Run lines: commands, with their redirects and pipes, and the few words that belong to the front ends themselves.

Shared by the interactive shell and command files, so that a line means the same in both. ``/bin/sh`` runs what follows
a ``|`` or a ``!``.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, redirect_stdout, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from storlet_shell.adapters.console import Console
from storlet_shell.adapters.script.lines import Line, Words, parse
from storlet_shell.errors import LocalFileError, UsageError
from storlet_shell.results import Result
from storlet_shell.results.saving import descriptor_of
from storlet_shell.session import Session
from storlet_shell.spec.registry import Call, Command, Registry
from storlet_shell.wire.bodies import open_file

_NAME = re.compile(r"[A-Za-z_]\w*|\d{1,9}", re.ASCII)
_OF_THE_SHELL = ("alias", "history", "set", "shortcuts")


@dataclass(frozen=True)
class Scope:
    """What ``${NAME}`` stands for in a command file.

    :param name: the file, as messages spell it; ``${0}``
    :param arguments: ``${1}`` and so on
    :param definitions: looked up before the environment
    :param depth: how many files run this one
    """

    name: str
    arguments: tuple[str, ...] = ()
    definitions: Mapping[str, str] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    depth: int = 0

    def expand(self, name: str) -> str:
        """Return the value of a name.

        :raises UsageError: when there is none
        """
        if not _NAME.fullmatch(name):
            raise UsageError(f"${{{name}}} is no name; for the text itself write $${{{name}}}")
        if name.isdigit():
            words = (self.name, *self.arguments)
            if int(name) < len(words):
                return words[int(name)]
            raise UsageError(f"${{{name}}}: the file was given {len(self.arguments)} arguments")
        for values in (self.definitions, self.environ):
            if name in values:
                return values[name]
        raise UsageError(f"${{{name}}} is not defined; define it with -D {name}=VALUE, or in the environment")


@dataclass(frozen=True)
class Typed:
    """A line on its way to what runs it.

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
"""A word of the front end's own: it runs a line and returns an exit status."""


class Interpreter:
    """Runs lines in a session.

    :param as_json: show every result as JSON

    ``show`` is called with every result; ``own`` holds the front end's own words; with ``keeps_stdout``, standard
    output is for results alone, and what sh writes goes to standard error.
    """

    def __init__(self, session: Session, console: Console, registry: Registry, *, as_json: bool = False) -> None:
        self.session = session
        self.console = console
        self.registry = registry
        self.as_json = as_json
        self.keeps_stdout = False
        self.own: dict[str, Own] = {"shell": self._run_sh, "quit": _quit, "exit": _quit}
        self.show: Callable[[Call, Result], None] = self.show_result

    def parse(self, line: Line, scope: Scope | None = None) -> Typed:
        """Split a line into its parts.

        :raises UsageError: when it can't be
        """
        words = parse(line.text, scope.expand if scope else None)
        if not words.words:
            raise UsageError("a command is missing")
        return Typed(line, words, scope)

    def run(self, line: Line, scope: Scope | None = None) -> int:
        """Run a line and return its exit status.

        Of a pipe, that is the command's own unless it went well, and that of the pipe's other end then.

        :raises StorletShellError: what the command raises
        """
        typed = self.parse(line, scope)
        with self._input(typed.words.input):
            if typed.words.pipe is not None:
                return self._run_piped(typed, typed.words.pipe)
            with self._output(typed.words):
                return self.dispatch(typed)

    def dispatch(self, typed: Typed) -> int:
        """Run a line whose redirects are in place."""
        if own := self.own.get(typed.name):
            if typed.line.body is not None:
                raise UsageError(f"{typed.name} takes no heredoc")
            return own(typed)
        return self.run_call(typed, self.call(typed))

    def call(self, typed: Typed) -> Call | int:
        """Parse a command's arguments; an exit status when that was all, as for ``--help``.

        :raises UnknownCommandError: when there is no such command
        :raises UsageError: when the arguments do not fit it
        """
        if typed.name in _OF_THE_SHELL:
            raise UsageError(f"{typed.name} belongs to the interactive shell")
        command = self.registry.get(typed.name)
        try:
            with redirect_stdout(self.console.stdout):  # argparse prints help by itself
                return command.call(typed.arguments, body_of(typed, command))
        except SystemExit as end:
            return int(end.code or 0)

    def run_call(self, typed: Typed, call: Call | int) -> int:
        """Run a parsed command and show its result."""
        if isinstance(call, int):
            return call
        stream = io.BytesIO(typed.line.body) if typed.line.body is not None and not call.command.body else None
        with self._reading(stream) if stream else nullcontext():
            result = call.run(self.session)
            self.show(call, result)
        return self.console.conclude(result)

    def show_result(self, call: Call, result: Result) -> None:
        """Write a result to where output goes now, unless it was stored."""
        if call.store is None:
            self.console.show(result, as_json=call.json or self.as_json)

    @contextmanager
    def _input(self, path: str | None) -> Iterator[None]:
        if path is None:
            yield
            return
        with open_file(path) as file, self._reading(file):
            yield

    @contextmanager
    def _reading(self, stream: IO[bytes]) -> Iterator[None]:
        previous, self.console.stdin = self.console.stdin, stream
        try:
            yield
        finally:
            self.console.stdin = previous

    @contextmanager
    def _output(self, words: Words) -> Iterator[None]:
        if words.output is None:
            yield
            return
        try:
            file = self._opened(words.output, "ab" if words.append else "wb")
        except (OSError, ValueError, RuntimeError) as error:
            raise LocalFileError(f"can't write {words.output}: {getattr(error, 'strerror', '') or error}") from None
        stream = _text(file)
        try:
            with self.console.redirected(stream):
                yield
            stream.close()
        except OSError as error:
            raise LocalFileError(f"can't write {words.output}: {error.strerror or error}") from error
        finally:
            with suppress(OSError):
                stream.close()

    def _opened(self, path: str, mode: str) -> IO[bytes]:
        """Open a file, or an open descriptor as it is: ``/dev/stdout`` is not emptied, as it isn't by sh."""
        descriptor = descriptor_of(path)
        if descriptor is None:
            return cast("IO[bytes]", Path(path).expanduser().open(mode))
        self.console.stdout.flush()
        return os.fdopen(os.dup(descriptor), mode)

    def _run_piped(self, typed: Typed, command: str) -> int:
        process = self._start(command, typed.scope, piped=True)
        assert process.stdin is not None
        stream, status = _text(process.stdin), 0
        try:
            with self.console.redirected(stream):
                status = self.dispatch(typed)
            stream.close()
        except BrokenPipeError:
            pass  # the other end has read as much as it wants; its status says whether that is well
        finally:
            with suppress(OSError):
                stream.close()
            ended = _wait(process)
        return status or ended

    def _run_sh(self, typed: Typed) -> int:
        if not typed.arguments or not typed.arguments[0].strip():
            raise UsageError("a command for sh is missing: !COMMAND")
        return _wait(self._start(typed.arguments[0], typed.scope, piped=False))

    def _start(self, command: str, scope: Scope | None, *, piped: bool) -> subprocess.Popen[bytes]:
        """Start sh; it sees a command file's names as variables, and the file's arguments as its own."""
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
        """Return the descriptor behind the present output, None when there is none but the process's own."""
        keep = self.keeps_stdout and not self.console.is_redirected
        stream = self.console.stderr if keep else self.console.stdout
        stream.flush()
        try:
            return stream.fileno()
        except (OSError, ValueError):
            return None


class Quit(Exception):  # noqa: N818  it is no error
    """A line asked for the end of the shell or of the command file."""


def _quit(typed: Typed) -> int:
    if typed.arguments:
        raise UsageError(f"{typed.name} takes no arguments")
    raise Quit


def body_of(typed: Typed, command: Command) -> bytes | None:
    """Return a line's heredoc if the command takes it as its body, not as the standard input that ``-`` names."""
    return None if "-" in typed.arguments and not command.body else typed.line.body


def _text(file: IO[bytes]) -> io.TextIOWrapper:
    return io.TextIOWrapper(file, encoding="utf-8", errors="surrogateescape", newline="\n")


def _wait(process: subprocess.Popen[bytes]) -> int:
    """Wait for a process; Ctrl-C is its to answer, since the terminal tells both."""
    while True:
        try:
            code = process.wait()
        except KeyboardInterrupt:
            continue
        return 128 - code if code < 0 else code
