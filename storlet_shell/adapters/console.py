"""Write to a terminal or a pipe: data to standard output, everything else to standard error.

Shared by one-shot lines, the interactive shell and command files; it knows results, but no commands.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import IO, TYPE_CHECKING, cast

from storlet_shell.adapters.execution import Outcome, exit_status_of
from storlet_shell.adapters.progress import TransferLine
from storlet_shell.adapters.questions import Questioner
from storlet_shell.errors import Hint, LocalFileError, StorletShellError, advise
from storlet_shell.results import Rendering, Response, Result, Table, failure_fields
from storlet_shell.results.formats import DOCUMENT, PEOPLE
from storlet_shell.text import counted, escaped, printable, printable_json
from storlet_shell.wire.observer import Progress

if TYPE_CHECKING:
    from storlet_shell.adapters.terminal.documents import Indenter
    from storlet_shell.adapters.terminal.paging import Paged

_FOR_PEOPLE = Rendering()
PAGER = "STORLET_SHELL_PAGER"
"""The variable that names the pager. Without it, the shell uses that of ``PAGER``, and one-shot lines have none."""

_NO_PAGER = ("", "none", "cat")
_LONGEST_MESSAGE = 4000


class Console(Questioner):
    """What a process shows: results, progress, warnings, and errors.

    ``before_commands`` is the text in front of commands in hints. ``pager`` is the command that shows what is taller
    than the screen; it is empty, or ``none``, without one.

    :param environ: the environment's variables
    :param stdin: standard input, as bytes; None if the front end reads it itself
    :param stdout: returns the text stream for results, which a front end may redirect
    :param stderr: the text stream for everything else
    :param program: the prefix of messages
    :param debug: whether expected errors show their tracebacks
    """

    before_commands = ""

    def __init__(
        self,
        environ: Mapping[str, str],
        stdin: IO[bytes] | None = None,
        stdout: Callable[[], IO[str]] = lambda: sys.stdout,
        stderr: Callable[[], IO[str]] = lambda: sys.stderr,
        *,
        program: str = "storlet-shell",
        debug: bool = False,
    ) -> None:
        super().__init__(environ, stdin, stdout, stderr)
        self._line: TransferLine | None = None
        self._was_interrupted = False
        self._pager: Paged | None = None
        self._indenter: Indenter | None = None
        self.pager = environ.get(PAGER, "")
        self.program = program
        self.debug = debug

    def syntax(self) -> str:
        """Return the pages on one-shot lines and command files."""
        from storlet_shell.adapters.words import ONE_SHOT_SYNTAX, SYNTAX  # few lines show it

        return f"{ONE_SHOT_SYNTAX}\n\n{SYNTAX}"

    def own_words(self) -> Mapping[str, str]:
        """Return the words of the interactive shell, some of which command files have, too."""
        from storlet_shell.adapters.words import OWN_WORDS  # the same

        return OWN_WORDS

    def spell(self, hint: Hint) -> str:
        """Spell a hint as a line to be typed."""
        from storlet_shell.adapters.hints import in_line  # few lines need one

        return in_line(hint, self.before_commands)

    def warn(self, message: str, hint: Hint | None = None) -> None:
        """Write one line to standard error; a very long one is shortened in the middle."""
        self._write_message(advise(message, hint, self.spell))

    def _write_message(self, message: str, transaction: str = "", role: str = "") -> None:
        """Write one line to standard error.

        :param transaction: the end of the message that names the transaction
        :param role: the role of the program's name in front of the message
        """
        stderr = self.stderr
        paint = self.display_of(stderr).paint
        if len(message) + len(transaction) > _LONGEST_MESSAGE:
            message, transaction = message + transaction, ""
            message = f"{message[: _LONGEST_MESSAGE // 2]} … {message[-_LONGEST_MESSAGE // 2 :]}"
        end = paint("transaction", printable(transaction))
        with self._above_progress():
            if self._was_interrupted:
                stderr.write("\r\x1b[K")  # the terminal has shown ^C
            stderr.write(f"{paint(role, f'{self.program}:')} {printable(message)}{end}\n")

    def awaits(self, running: int) -> bool:
        """Tell a user on a terminal that a batch waits for its runs after Ctrl-C."""
        stderr = self.stderr
        if not stderr.isatty():
            return False
        self._was_interrupted = True
        self.warn(f"waiting for {counted(running, 'run')}; Ctrl-C again drops {'it' if running == 1 else 'them'}")
        return True

    @contextmanager
    def progress(self, label: str, total: int | None, unit: str = "") -> Iterator[Progress]:
        """Show a line on standard error if that is a terminal and the transfer takes over a second."""
        stream = self.stderr
        if self.pager not in _NO_PAGER and stream.isatty():
            from storlet_shell.adapters.terminal.paging import NotPaging  # few lines have a pager

            stream = cast("IO[str]", NotPaging(stream, lambda: self._pager))
        line = self._line = TransferLine(stream, printable(label), total, unit)
        try:
            yield line
        finally:
            line.clear()
            self._line = None

    def show(self, result: Result, rendering: Rendering = _FOR_PEOPLE) -> None:
        """Write a result to standard output and close it.

        :param rendering: its format and columns
        :raises UsageError: when it can't be shown so
        :raises StorletShellError: when the rest of the result can't be fetched: a body or a listing that ends early
        :raises LocalFileError: when it can't be written, as to a full disk
        :raises BrokenPipeError: when nobody reads standard output any more
        """
        try:
            with self._paged(result):
                self._show(result, rendering)
        except BrokenPipeError:
            raise
        except UnicodeEncodeError as error:
            missing = error.object[error.start]
            text = f"can't write the result: standard output uses {error.encoding}, which can't encode {missing!r}"
            raise LocalFileError(text) from error
        except OSError as error:
            raise LocalFileError(f"can't write the result: {error.strerror or error}") from error
        finally:
            result.close()

    @contextmanager
    def _paged(self, result: Result) -> Iterator[None]:
        """Show what is taller than the screen by the pager, if there is one; rows that come one by one aren't."""
        stdout = self.stdout
        is_live = isinstance(result, Table) and result.is_live
        if self.pager in _NO_PAGER or is_live or not stdout.isatty() or self._is_dumb:
            yield
            return
        from storlet_shell.adapters.terminal.paging import paged  # only the shell has one by itself

        with paged(stdout, self.pager, self.environ, self.warn) as self._pager:
            try:
                with self.redirected(cast("IO[str]", self._pager)):
                    yield
            finally:
                self._pager = None

    @property
    def _is_dumb(self) -> bool:
        from storlet_shell.adapters.terminal.themes import DUMB  # only terminals have a pager

        return self.environ.get("TERM", "") in DUMB

    def _show(self, result: Result, rendering: Rendering) -> None:
        stdout = self.stdout
        if rendering.is_default and isinstance(result, Response) and result.has_body:
            self._show_body(stdout, result)
        else:
            self._write_result(stdout, result, rendering)
        stdout.flush()

    def _write_result(self, stdout: IO[str], result: Result, rendering: Rendering) -> None:
        """Write a result that isn't a body; a terminal gets its control characters as escapes."""
        is_terminal = stdout.isatty()
        if isinstance(result, Table):
            result.is_headed = is_terminal
        if is_terminal and rendering.format == PEOPLE:
            lines = result.on_terminal(self.display_of(stdout), rendering.columns)
            self._write(stdout, (f"{line}\n" for line in lines))
        elif rendering.format == DOCUMENT:
            self._indenter = None
            self.write_json(result.pieces(rendering))
        else:
            pieces = map(_visible if is_terminal else escaped, result.pieces(rendering))
            self._write(stdout, pieces, is_live=isinstance(result, Table) and result.is_live)

    def _write(self, stdout: IO[str], pieces: Iterable[str], *, is_live: bool = False) -> None:
        """Write pieces of text; on a terminal, above the line that shows progress.

        :param is_live: whether the reader of a pipe gets each piece as soon as it comes
        """
        is_terminal = stdout.isatty()
        for piece in pieces:
            if not is_terminal and self._line is not None:
                self._line.clear()  # the other end of a pipe may write to the terminal
            with self._above_progress(ends_line=piece.endswith("\n")) if is_terminal else nullcontext():
                stdout.write(piece)
                if is_live or (is_terminal and self._line is not None):
                    stdout.flush()

    @contextmanager
    def _above_progress(self, *, ends_line: bool = True) -> Iterator[None]:
        """Take the line that shows progress away, and draw it again below what is written within this context.

        :param ends_line: whether the cursor is at the start of a line then; otherwise, progress has no room
        """
        line = self._line
        is_drawn = line is not None and line.clear()
        yield
        if line is not None and line is self._line:
            line.has_room = ends_line
            if is_drawn:
                line.draw()

    def _show_body(self, stdout: IO[str], response: Response) -> None:
        stdout.flush()
        if not stdout.isatty():
            for chunk in response.iter_content():
                stdout.buffer.write(chunk)  # type: ignore[attr-defined]  # the front ends give text over bytes
                stdout.buffer.flush()  # type: ignore[attr-defined]  # show a slow storlet's output as it arrives
            return
        from storlet_shell.adapters.terminal.bodies import show_body  # pipes don't need it

        show_body(stdout, response, self.display_of(stdout).paint)

    def conclude(self, outcome: Outcome, format: str = PEOPLE) -> int:
        """Show the error of a line, if any, and return the exit status.

        :param format: the format of the result; as JSON, the error is a document on standard output, too
        """
        if outcome.error is not None:
            if format == DOCUMENT and isinstance(outcome.error, StorletShellError) and not outcome.was_shown:
                self.show_failure(outcome.error)
            self.show_error(outcome.error)
        return outcome.status

    def show_error(self, error: BaseException, *, place: str = "") -> int:
        """Write an error as one line, and return its exit status.

        :param place: the place in a command file, in front of the message
        """
        if isinstance(error, BrokenPipeError):
            return exit_status_of(error)  # as in other tools, silently
        if isinstance(error, StorletShellError):
            error.spell = self.spell
        is_expected = isinstance(error, StorletShellError | KeyboardInterrupt)
        if not is_expected or (self.debug and isinstance(error, StorletShellError)):
            import traceback

            self._write_lines("".join(traceback.format_exception(error)))
        message, transaction = _message(error), ""
        if isinstance(error, StorletShellError):
            self._write_lines(error.details)
            explained = error.explained()
            message, transaction = explained, message[len(explained) :]
        self._write_message(f"{place}{message}", transaction, role="error")
        return exit_status_of(error)

    def _write_lines(self, text: str) -> None:
        """Write a log or a traceback to standard error."""
        stderr = self.stderr
        lines: Iterable[str] = map(printable, text.splitlines())
        if stderr.isatty():
            from storlet_shell.adapters.terminal.tracebacks import painted  # few lines fail so

            paint = self.display_of(stderr).paint
            lines = (painted(line, paint) for line in lines)
        stderr.writelines(f"{line}\n" for line in lines)

    def show_failure(self, error: StorletShellError) -> None:
        """Write an error as a JSON document to standard output."""
        error.spell = self.spell
        self._indenter = None
        self.write_json([json.dumps(failure_fields(error), ensure_ascii=False), "\n"])

    def write_json(self, pieces: Iterable[str]) -> None:
        """Write pieces of JSON documents to standard output.

        A terminal gets them indented, in color, and with their control characters as escapes.
        """
        stdout = self.stdout
        if not stdout.isatty():
            stdout.writelines(map(escaped, pieces))
            return
        if self._indenter is None:
            from storlet_shell.adapters.terminal.documents import Indenter  # programs read most documents

            self._indenter = Indenter(self.display_of(stdout).paint)
        self._write(stdout, (self._indenter.feed(printable_json(piece)) for piece in pieces))


def _visible(line: str) -> str:
    """Return a line for a terminal; its end stays."""
    return f"{printable(line.removesuffix(chr(10)).removesuffix(chr(13)))}\n"


def _message(error: BaseException) -> str:
    if isinstance(error, StorletShellError):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    return f"{type(error).__name__}: {error}"
