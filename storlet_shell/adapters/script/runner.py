"""Command files: ``-f FILE``, ``-c LINE``, standard input other than a terminal, and the shell's ``run_script``."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from storlet_shell.adapters.console import Console
from storlet_shell.adapters.execution import Outcome, execute
from storlet_shell.adapters.script.interpreter import Interpreter, Quit, Typed
from storlet_shell.adapters.script.lines import GrammarError, Line, split
from storlet_shell.adapters.script.scope import Scope
from storlet_shell.errors import ExitStatus, LocalFileError, StorletShellError, UsageError
from storlet_shell.results import Result, failure_fields
from storlet_shell.results.formats import DOCUMENT, PEOPLE
from storlet_shell.results.saving import temporarily
from storlet_shell.session import Session
from storlet_shell.spec.command import Call
from storlet_shell.spec.registry import Registry
from storlet_shell.text import printable
from storlet_shell.wire.bodies import read_file

_DEEPEST = 20
_STANDARD_INPUT = "-"


@dataclass(frozen=True)
class Mode:
    """The options for running command files.

    :param keep_going: continue after a failing line; the exit status is the first failure's
    :param echo: show each line before it runs
    :param parse_only: parse every line, run none, report all that is wrong
    :param as_documents: show each line's result, or its failure, as one JSON document on one line
    """

    keep_going: bool = False
    echo: bool = False
    parse_only: bool = False
    as_documents: bool = False


def main(parsed: argparse.Namespace, session: Session, console: Console) -> int:
    """Run the files and lines named on the command line, and return the exit status.

    :param parsed: the command line's options
    :raises StorletShellError: when it can't be read, or -D is wrong
    """
    mode = Mode(parsed.keep_going, parsed.echo, parsed.parse_only, parsed.format == DOCUMENT)
    definitions = dict(_definition(text) for text in parsed.define)
    session.variables.update(definitions)
    texts = _texts(parsed.files, parsed.lines)
    if parsed.lines or (parsed.files and _STANDARD_INPUT not in parsed.files):
        console.stdin = getattr(sys.stdin, "buffer", None)
    format = PEOPLE if mode.as_documents else parsed.format or PEOPLE
    runner = Runner(Interpreter(session, console, Registry(), format), mode)
    arguments = arguments_of(parsed.words)
    return runner.run(*((text, Scope(name, arguments, definitions, console.environ)) for name, text in texts))


def _definition(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier() or not name.isascii():
        raise UsageError(f"-D {text}: must be NAME=VALUE, with NAME as in Python")
    return name, value


def _take_definitions(words: Sequence[str]) -> tuple[dict[str, str], Sequence[str]]:
    """Split words into leading definitions, each after a ``-D``, and the rest."""
    definitions = {}
    while words[:1] == ["-D"]:
        if len(words) < 2:
            raise UsageError("-D lacks its NAME=VALUE")
        name, value = _definition(words[1])
        definitions[name], words = value, words[2:]
    return definitions, words


def _texts(files: Sequence[str], lines: Sequence[str]) -> list[tuple[str, str]]:
    """Return the texts to run, in order, each with its name for messages."""
    if files and lines:
        raise UsageError("-c or -f, not both")
    if lines:
        return [(f"-c ({number})" if number > 1 else "-c", line) for number, line in enumerate(lines, 1)]
    if files.count(_STANDARD_INPUT) > 1:
        raise UsageError("-f - twice: standard input can be read only once")
    return [_read(file) for file in files or [_STANDARD_INPUT]]


def _read(name: str) -> tuple[str, str]:
    if name != _STANDARD_INPUT:
        return name, decode(read_file(name), name)
    if sys.stdin is None:
        raise UsageError("nothing to run: standard input is closed; name a command, -f FILE or -c LINE")
    return "standard input", decode(sys.stdin.buffer.read(), "standard input")


def arguments_of(words: Sequence[str]) -> tuple[str, ...]:
    """Return the arguments for a command file: the words without an optional leading ``--``."""
    return tuple(words[1:] if words[:1] == ["--"] else words)


def decode(content: bytes, name: str) -> str:
    """Return the text of a command file.

    :raises UsageError: when it is not UTF-8
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{name}:{line}: no command file: it is not UTF-8") from None


class Runner:
    """Runs the lines of command files, including nested ones, up to the first that fails.

    :param interpreter: runs the lines
    """

    def __init__(self, interpreter: Interpreter, mode: Mode) -> None:
        self._interpreter = interpreter
        self._console = interpreter.console
        self._mode = mode
        interpreter.own_words["run_script"] = self.run_script
        interpreter.keeps_stdout = mode.as_documents

    def run(self, *texts: tuple[str, Scope]) -> int:
        """Run texts in order, like a single file, and return the exit status of the first line that failed."""
        lines: list[tuple[Line, Scope]] = []
        for text, scope in texts:
            try:
                lines += [(line, scope) for line in split(text)]
            except GrammarError as error:
                return self._failed(Line("", error.number), scope, error)
        first = 0
        for line, scope in lines:
            try:
                status = self._run(line, scope)
            except Quit:
                break
            first = first or status
            if status == ExitStatus.INTERRUPTED:
                return status
            if status and not self._mode.keep_going and not self._mode.parse_only:
                break
        return first

    def run_script(self, typed: Typed) -> int:
        """Run a nested command file: ``run_script FILE [-D NAME=VALUE …] [ARGUMENT …]``; -D may also come first.

        :raises UsageError: when no file is named, -D is wrong, or files run each other without end
        :raises NotFoundError: when the file doesn't exist
        """
        before, words = _take_definitions(typed.arguments)
        if not words:
            raise UsageError("run_script lacks its file")
        name = words[0]
        after, words = _take_definitions(words[1:])
        definitions = {**before, **after}
        outer = typed.scope or Scope("", environ=self._console.environ)
        if outer.depth >= _DEEPEST:
            raise UsageError(f"{name}: command files run each other, {_DEEPEST} deep")
        scope = Scope(name, arguments_of(words), {**outer.definitions, **definitions}, outer.environ, outer.depth + 1)
        text = decode(read_file(Path(name).expanduser()), name)
        self._interpreter.session.variables.update(definitions)
        return self.run((text, scope))

    def _run(self, line: Line, scope: Scope) -> int:
        if self._mode.echo:
            shown = self._interpreter.echo(line, scope).splitlines()
            self._console.stderr.writelines(f"+ {printable(text)}\n" for text in shown)
            self._console.stderr.flush()
        if self._mode.parse_only:
            return self._conclude(line, scope, self._interpreter.check(line, scope))
        if not self._mode.as_documents:
            return self._conclude(line, scope, self._interpreter.run(line, scope))
        with _Document(self._interpreter) as document:
            outcome = self._interpreter.run(line, scope)
            if outcome.was_shown:
                document_line = document.written(self._head(line, scope), outcome.status)
                written = execute(document_line, self._interpreter.session, self._interpreter.show_result)
                outcome = outcome if written.error is None else written
        return self._conclude(line, scope, outcome)

    def _conclude(self, line: Line, scope: Scope, outcome: Outcome) -> int:
        """Report the error of a line, if it has one, and return its exit status.

        :raises BrokenPipeError: when whoever reads this process's own output is gone: nobody reads the rest
        """
        if isinstance(outcome.error, BrokenPipeError):
            raise outcome.error
        if not outcome.was_shown:
            assert outcome.error is not None
            return self._failed(line, scope, outcome.error)
        status = self._console.conclude(outcome)
        if status:
            self._console.warn(f"{scope.name}:{line.number}: ended with status {status}: {_first(line)}")
        return status

    def _failed(self, line: Line, scope: Scope, error: BaseException) -> int:
        status = self._console.show_error(error, place=f"{scope.name}:{line.number}: ")
        if self._mode.as_documents:
            fields = failure_fields(error) if isinstance(error, StorletShellError) else {"error": type(error).__name__}
            fields.pop("exit_status", None)
            document = {**self._head(line, scope), "failure": fields, "exit_status": int(status)}
            try:
                self._console.write_json([json.dumps(document, ensure_ascii=False), "\n"])
                self._console.stdout.flush()
            except BrokenPipeError:
                raise
            except OSError:
                pass  # the line above says that something failed
        return status

    @staticmethod
    def _head(line: Line, scope: Scope) -> dict[str, object]:
        return {"file": scope.name, "line": line.number, "command": _first(line)}


def _first(line: Line) -> str:
    text = line.text.strip().split("\n", 1)[0].rstrip("\\ ")
    return text if len(text) <= 200 else f"{text[:200]}…"


class _Document:
    """Collects a line's result as JSON, which is written once the line has succeeded.

    Where the line sends its output to a file or a pipe, the result goes there as it would without --json.
    """

    def __init__(self, interpreter: Interpreter) -> None:
        self._interpreter = interpreter
        self._outer = interpreter.show
        self._spool: IO[str] = tempfile.SpooledTemporaryFile(max_size=1024 * 1024, mode="w+", encoding="utf-8")  # noqa: SIM115
        interpreter.show = self._take

    def _take(self, call: Call, result: Result) -> None:
        if self._interpreter.console.is_redirected or call.store is not None:
            self._interpreter.show_result(call, result)
            return
        try:
            with temporarily():
                pieces = result.json_pieces(_columns_of_document(call))
                self._spool.writelines(piece.replace("\n", " ") for piece in pieces)
        finally:
            result.close()

    @contextmanager
    def written(self, head: dict[str, object], status: int) -> Iterator[int]:
        """Write the line's document to standard output, as a separate step, since that may fail as well.

        :raises LocalFileError: when it can't be written
        """
        self._write(head, status)
        yield ExitStatus.OK

    def _write(self, head: dict[str, object], status: int) -> None:
        console = self._interpreter.console
        try:
            console.write_json([json.dumps(head, ensure_ascii=False)[:-1]])
            if self._spool.tell():
                self._spool.seek(0)
                console.write_json([', "result": '])
                console.write_json(iter(lambda: self._spool.read(65536), ""))
            console.write_json([f', "exit_status": {int(status)}}}\n'])
            console.stdout.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise LocalFileError(f"can't write the result: {error.strerror or error}") from error

    def __enter__(self) -> _Document:
        return self

    def __exit__(self, *_: object) -> None:
        self._interpreter.show = self._outer
        self._spool.close()


def _columns_of_document(call: Call) -> tuple[str, ...]:
    """Return the columns that a line requests.

    :raises UsageError: when the line asks for another format than that of its document
    """
    if call.format not in (None, DOCUMENT):
        raise UsageError(f"--format {call.format}: results are shown as JSON documents here (--json)")
    return call.columns
