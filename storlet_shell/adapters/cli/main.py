"""One-shot lines: ``storlet-shell [global options] COMMAND …``; the shell and command files start here as well.

A built-in command imports its own module only: neither cmd2 nor rich nor IPython nor stevedore.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from storlet_shell import __version__
from storlet_shell.adapters import options, startup
from storlet_shell.adapters.console import Console
from storlet_shell.adapters.execution import execute
from storlet_shell.errors import ExitStatus, LocalFileError, StorletShellError, TerminatedError, UsageError
from storlet_shell.identity.environment import holds_none
from storlet_shell.results.formats import DOCUMENT, FORMATS, PEOPLE
from storlet_shell.session import Options, Session
from storlet_shell.spec.command import Call
from storlet_shell.spec.once import refuse_repeats
from storlet_shell.spec.registry import Registry, parse
from storlet_shell.text import printable


def run() -> NoReturn:
    """Run ``storlet-shell`` as a process."""
    startup.collect_rarely()
    startup.unwind_on_signals()
    try:
        status = main()
    except KeyboardInterrupt as error:  # before a line runs, or after it
        status = Console(os.environ).show_error(error)
    except TerminatedError as end:
        status = int(end.code or 0)
    startup.end(status)


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``storlet-shell`` and return its exit status."""
    startup.leave_out_keystoneclient()
    startup.occupy_standard_descriptors()
    parser = make_parser()
    if "_ARGCOMPLETE" in os.environ:
        from storlet_shell.adapters.completion import tab  # a shell asks what Tab stands for

        tab.answer(parser)
    status = 0
    try:
        status = _parse_and_run(parser, argv)
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        if not status:  # otherwise the error has been shown
            is_pipe = isinstance(error, BrokenPipeError)
            shown = error if is_pipe else LocalFileError(f"can't write the result: {error.strerror or error}")
            status = Console(os.environ).show_error(shown)
        startup.drop_standard_output()
    return int(status)


def _parse_and_run(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> int:
    try:
        parsed = parser.parse_args(argv)
    except SystemExit as end:  # it has shown its help or an error
        return int(end.code or 0)
    return _run(parsed)


class _Parser(argparse.ArgumentParser):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        refuse_repeats(self)

    def error(self, message: str) -> NoReturn:
        """Exit with a one-line message, as other wrong lines do."""
        self.exit(ExitStatus.USAGE, f"{self.prog}: {printable(message)}; try: {self.prog} --help\n")


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the global options, in front of the command."""
    parser = _Parser(
        prog="storlet-shell",
        usage="storlet-shell [options] [COMMAND …]",
        description="Run storlets on OpenStack Swift. Without a command, start an interactive shell.",
        epilog="storlet-shell help lists the commands.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"storlet-shell {__version__}")
    parser.add_argument("--local", action="store_true", help="use the embedded Swift; start it if it isn't running")
    parser.add_argument("--ephemeral", action="store_true", help="with --local: use a temporary one, deleted on exit")
    parser.add_argument(
        "--json", dest="format", action="store_const", const=DOCUMENT, help="show each result as one JSON document"
    )
    parser.add_argument("--format", choices=tuple(FORMATS), metavar="FORMAT", help="show each result in this format")
    parser.add_argument("--debug", action="store_true", help="show requests, and tracebacks of all errors")
    parser.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="response timeout in seconds (default: 60)")
    parser.add_argument(
        "--completion", choices=("bash", "zsh", "fish"), help="print the code that enables completion in this shell"
    )
    options.add(parser)
    script = parser.add_argument_group("command files")
    script.add_argument(
        *("-f", "--file"),
        dest="files",
        action="append",
        default=[],
        metavar="FILE",
        help="run the lines of this file; - means standard input; repeatable",
    )
    script.add_argument(
        *("-c", "--command"),
        dest="lines",
        action="append",
        default=[],
        metavar="LINE",
        help="run this line, as in a file; repeatable",
    )
    script.add_argument(
        "-D", "--define", action="append", default=[], metavar="NAME=VALUE", help="define ${NAME}; repeatable"
    )
    script.add_argument("-k", "--keep-going", action="store_true", help="continue after a failing line")
    script.add_argument("-x", "--echo", action="store_true", help="show each line before it runs")
    script.add_argument("-n", "--parse-only", action="store_true", help="parse the lines without running them")
    # One positional: with two, argparse swallows a "--" that belongs to the command.
    parser.add_argument("words", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"not a positive number of seconds: {text}")
    return seconds


def _run(parsed: argparse.Namespace) -> int:
    if parsed.completion:
        from storlet_shell.adapters.completion import tab  # once per terminal

        sys.stdout.write(tab.script(parsed.completion))
        return ExitStatus.OK
    is_script = bool(parsed.files or parsed.lines) or (not parsed.words and not _is_interactive())
    # A command file's lines and the shell's own come from where a body would be read.
    stdin = None if is_script or not parsed.words else getattr(sys.stdin, "buffer", None)
    console = Console(os.environ, stdin=stdin, debug=parsed.debug)
    settings = Options(
        local=parsed.local,
        ephemeral=parsed.ephemeral,
        identity=options.identity(parsed),
        timeout=parsed.timeout,
        trace=console.warn if parsed.debug else lambda _: None,
    )
    secrets = options.secrets(parsed)
    if secrets:
        startup.blank_arguments([value.encode("utf-8", "surrogateescape") for value in secrets.values()])
    for name in secrets:
        console.warn(f"{name}: other users can read command lines; set {_variable(name)}, or use clouds.yaml")
    try:
        if parsed.local and not holds_none(settings.identity):
            raise UsageError("--local has its own identity; drop either --local or the --os-* options")
        with Session(console, options=settings) as session:
            if is_script:
                from storlet_shell.adapters.script import runner as script  # a one-shot line has no use for it

                return script.main(parsed, session, console)
            _refuse_script_options(parsed)
            if not parsed.words:
                from storlet_shell.adapters.shell import app as shell  # with it comes cmd2

                return shell.main(session, console, parsed.format or PEOPLE)
            words = parsed.words[1:] if parsed.words[0] == "--" else parsed.words
            return run_line(session, console, words, parsed.format or PEOPLE)
    except (StorletShellError, KeyboardInterrupt) as error:
        return console.show_error(error)


def _variable(option: str) -> str:
    return option.removeprefix("--").upper().replace("-", "_")


def _refuse_script_options(parsed: argparse.Namespace) -> None:
    """Refuse options that a one-shot line would ignore: one with -n, say, must not run."""
    if parsed.define or parsed.keep_going or parsed.echo or parsed.parse_only:
        raise UsageError("-D, -k, -x and -n need a command file: -f FILE, or -c LINE")


def _is_interactive() -> bool:
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))


def run_line(session: Session, console: Console, words: Sequence[str], format: str = PEOPLE) -> int:
    """Run one command that is already split into words, and return its exit status.

    :param format: the format if the line asks for none
    :raises BrokenPipeError: when the reader of standard output has gone
    """
    outcome = execute(_parsed(words), session, lambda call, result: console.show(result, call.rendering(format)))
    try:
        if isinstance(outcome.error, BrokenPipeError):
            raise outcome.error
        return console.conclude(outcome, _format_of(words) or format)
    finally:
        del outcome  # its error's traceback refers to this frame: a cycle that would keep connections open


def _format_of(words: Sequence[str]) -> str:
    """Return the format that a line asks for, also where it is wrong otherwise; empty for none."""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == "--json":
            return DOCUMENT
        if word.startswith("--format"):
            return following if word == "--format" else word.removeprefix("--format=")
    return ""


@contextmanager
def _parsed(words: Sequence[str]) -> Iterator[Call]:
    try:
        call = parse(Registry(), words)
    except UsageError as error:
        if any(word.startswith("--os-") for word in words):
            raise UsageError(f"{error}; --os-* options go before the command") from error
        raise
    if call.store is not None:
        raise UsageError(f"-o {call.store}: variables don't outlive a one-shot line; to write a file: --save FILE")
    yield call
