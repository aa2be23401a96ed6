"""How a terminal or a pipe is spoken to: data to standard output, everything else to standard error.

Shared by the one-shot line, the interactive shell and command files; it knows results, and no command.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from typing import IO

from storlet_shell.adapters.execution import Outcome, exit_status_of
from storlet_shell.adapters.progress import TransferLine
from storlet_shell.errors import Hint, LocalFileError, StorletShellError, advise
from storlet_shell.results import Rendering, Response, Result, Table, failure_fields
from storlet_shell.results.formats import DOCUMENT, PEOPLE
from storlet_shell.session import Surroundings
from storlet_shell.text import dump, escaped, is_text, printable, printable_json
from storlet_shell.wire.observer import Progress

_FOR_PEOPLE = Rendering()
_PREVIEW_BYTES = 256
_LONGEST_MESSAGE = 4000


class Console(Surroundings):
    """A process with standard streams, on a terminal or not.

    ``before_commands`` is what a line to be typed here has in front of its command.

    :param environ: the environment's variables
    :param stdin: standard input, as bytes; None where a front end reads it itself
    :param stdout: called for the text stream that results go to, since a front end may redirect it
    :param stderr: the text stream for everything else
    :param program: what messages start with
    :param debug: whether expected errors show their traceback as well
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
        super().__init__(environ, stdin)
        self._stdout = stdout
        self._stderr = stderr
        self._redirected: IO[str] | None = None
        self._line: TransferLine | None = None
        self.program = program
        self.debug = debug

    @property
    def stdout(self) -> IO[str]:
        """The stream that results go to now.

        :raises LocalFileError: when the process was started without one
        """
        stream = self._redirected or self._stdout()
        if stream is None:
            raise LocalFileError("standard output is closed")
        return stream

    @property
    def stderr(self) -> IO[str]:
        """The stream for everything else."""
        return self._stderr()

    @property
    def is_redirected(self) -> bool:
        """Whether results go to a file or a pipe for now."""
        return self._redirected is not None

    @contextmanager
    def redirected(self, stream: IO[str]) -> Iterator[None]:
        """Send results to another stream for a while: a file or a pipe."""
        previous, self._redirected = self._redirected, stream
        try:
            yield
        finally:
            self._redirected = previous

    def syntax(self) -> str:
        """Return the pages of one-shot lines and of command files."""
        from storlet_shell.adapters.words import ONE_SHOT_SYNTAX, SYNTAX  # for those who ask

        return f"{ONE_SHOT_SYNTAX}\n\n{SYNTAX}"

    def is_watched(self) -> bool:
        """Tell whether there is a terminal at both ends."""
        return sys.stdin is not None and sys.stdin.isatty() and self._stderr().isatty()

    def ask(self, question: str) -> bool | None:
        """Ask on the terminal."""
        if not self.is_watched():
            return None
        self._stderr().write(f"{printable(question)} [y/N] ")
        self._stderr().flush()
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    def ask_secret(self, question: str) -> str:
        """Ask on the terminal, without showing what is typed."""
        if not self.is_watched():
            return ""
        import getpass  # a line in a hundred asks

        try:
            return getpass.getpass(printable(question))
        except EOFError:
            return ""

    def spell(self, hint: Hint) -> str:
        """Spell a hint as a line to be typed."""
        from storlet_shell.adapters.hints import in_line  # a line in a hundred needs one

        return in_line(hint, self.before_commands)

    def warn(self, message: str, hint: Hint | None = None) -> None:
        """Write one line to standard error; of a very long one, its two ends."""
        message = advise(message, hint, self.spell)
        if len(message) > _LONGEST_MESSAGE:
            message = f"{message[: _LONGEST_MESSAGE // 2]} … {message[-_LONGEST_MESSAGE // 2 :]}"
        self._stderr().write(f"{self.program}: {printable(message)}\n")

    @contextmanager
    def progress(self, label: str, total: int | None, unit: str = "") -> Iterator[Progress]:
        """Show a line on standard error if that is a terminal and the transfer takes over a second."""
        line = self._line = TransferLine(self._stderr(), printable(label), total, unit)
        try:
            yield line
        finally:
            line.clear()
            self._line = None

    def show(self, result: Result, rendering: Rendering = _FOR_PEOPLE) -> None:
        """Write a result to standard output and let go of it.

        :param rendering: its format and columns
        :raises UsageError: when it can't be shown so
        :raises StorletShellError: when the rest of the result can't be fetched: a body or a listing that ends early
        :raises LocalFileError: when it can't be written, as to a full disk
        :raises BrokenPipeError: when nobody reads standard output any more
        """
        stdout = self.stdout
        try:
            if rendering.is_default and isinstance(result, Response) and result.has_body:
                self._show_body(stdout, result)
            else:
                if isinstance(result, Table):
                    result.is_headed = stdout.isatty()
                self._write(stdout, result.pieces(rendering), rendering.format)
            stdout.flush()
        except BrokenPipeError:
            raise
        except UnicodeEncodeError as error:
            missing = error.object[error.start]
            text = f"can't write the result: standard output is in {error.encoding}, which has no {missing!r}"
            raise LocalFileError(text) from error
        except OSError as error:
            raise LocalFileError(f"can't write the result: {error.strerror or error}") from error
        finally:
            result.close()

    def _write(self, stdout: IO[str], pieces: Iterable[str], format: str) -> None:
        """Write pieces of text in a format; a terminal gets their control characters as escapes."""
        if format == DOCUMENT:
            self.write_json(pieces)
            return
        show = _visible if stdout.isatty() else escaped
        for piece in pieces:
            if self._line is not None:
                self._line.clear()  # it stands where the next line goes
            stdout.write(show(piece))

    def _show_body(self, stdout: IO[str], response: Response) -> None:
        stdout.flush()
        chunks = response.iter_content()
        if not stdout.isatty():
            for chunk in chunks:
                stdout.buffer.write(chunk)  # type: ignore[attr-defined]  # the front ends give text over bytes
                stdout.buffer.flush()  # type: ignore[attr-defined]  # a slow storlet's output is seen as it comes
            return
        first = next(chunks, b"")
        if not is_text(first):
            stdout.writelines(f"{printable(line)}\n" for line in preview(first, response).splitlines())
            return
        _write_text(stdout, first, chunks)

    def conclude(self, outcome: Outcome, format: str = PEOPLE) -> int:
        """Say what was wrong with a line, if anything was, and return its exit status.

        :param format: of the result; as JSON, an error is a document, too, in the place of a result that was not shown
        """
        if outcome.error is not None:
            if format == DOCUMENT and isinstance(outcome.error, StorletShellError) and not outcome.was_shown:
                self.show_failure(outcome.error)
            self.show_error(outcome.error)
        return outcome.status

    def show_error(self, error: BaseException, *, where: str = "") -> int:
        """Write what went wrong as one line, and return the exit status that it stands for.

        :param where: the place in a command file, in front of the message
        """
        if isinstance(error, StorletShellError):
            error.spell = self.spell
        is_expected = isinstance(error, StorletShellError | KeyboardInterrupt | BrokenPipeError)
        if not is_expected or (self.debug and isinstance(error, StorletShellError)):
            import traceback

            self._write_lines("".join(traceback.format_exception(error)))
        if isinstance(error, StorletShellError):
            self._write_lines(error.details)
        self.warn(f"{where}{_message(error)}")
        return exit_status_of(error)

    def _write_lines(self, text: str) -> None:
        self._stderr().writelines(f"{printable(line)}\n" for line in text.splitlines())

    def show_failure(self, error: StorletShellError) -> None:
        """Write an error as a JSON document to standard output."""
        error.spell = self.spell
        self.write_json([json.dumps(failure_fields(error), ensure_ascii=False), "\n"])

    def write_json(self, pieces: Iterable[str]) -> None:
        """Write pieces of JSON documents to standard output; a terminal gets their control characters as escapes."""
        stdout = self.stdout
        stdout.writelines(map(printable_json if stdout.isatty() else escaped, pieces))


def _visible(line: str) -> str:
    """Return a line for a terminal; its end stays."""
    return f"{printable(line.removesuffix(chr(10)).removesuffix(chr(13)))}\n"


def _message(error: BaseException) -> str:
    if isinstance(error, StorletShellError):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    if isinstance(error, BrokenPipeError):
        return "standard output was closed before the end"
    return f"{type(error).__name__}: {error}"


def preview(first: bytes, response: Response) -> str:
    """Return what stands for a body that a terminal can't show: its type, its size, and its first bytes."""
    length = response.headers.get("Content-Length")
    kind = response.headers.get("Content-Type", "binary")
    size = f"{length} bytes" if length else f"at least {len(first)} bytes"
    shown = first[:_PREVIEW_BYTES]
    note = f"({kind}, {size}; the first {len(shown)} are shown; --save FILE)"
    return "\n".join([*dump(shown), printable(note)])


def _write_text(stdout: IO[str], first: bytes, rest: Iterator[bytes]) -> None:
    import codecs

    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    last = "\n"
    for chunk in chain([first], rest):
        text = decode(chunk)
        stdout.write("\n".join(printable(line) for line in text.split("\n")))
        last = text[-1:] or last
    if last != "\n":
        stdout.write("\n")
