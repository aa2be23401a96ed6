"""The one-shot line: ``storlet-shell [global options] COMMAND …``, and the way to the shell and to command files.

A built-in command pays for its own module and nothing else: neither cmd2 nor rich nor IPython nor stevedore.
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
    """Run ``storlet-shell`` as a process of its own."""
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
        if not status:  # otherwise it has been said
            known = isinstance(error, BrokenPipeError)
            shown = error if known else LocalFileError(f"can't write the result: {error.strerror or error}")
            status = Console(os.environ).show_error(shown)
        startup.drop_standard_output()
    return int(status)


def _parse_and_run(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> int:
    try:
        given = parser.parse_args(argv)
    except SystemExit as end:  # it has shown its help, or what is wrong
        return int(end.code or 0)
    return _run(given)


class _Parser(argparse.ArgumentParser):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        refuse_repeats(self)

    def error(self, message: str) -> NoReturn:
        """End with one line, as every other wrong line does."""
        self.exit(ExitStatus.USAGE, f"{self.prog}: {printable(message)}; try: {self.prog} --help\n")


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of everything in front of the command."""
    parser = _Parser(
        prog="storlet-shell",
        usage="storlet-shell [options] [COMMAND …]",
        description="Run storlets on OpenStack Swift. Without a command, an interactive shell.",
        epilog="storlet-shell help lists the commands.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"storlet-shell {__version__}")
    parser.add_argument("--local", action="store_true", help="use the embedded Swift; join a running one or start one")
    parser.add_argument("--ephemeral", action="store_true", help="with --local: one that is gone at the end")
    parser.add_argument(
        "--json", dest="format", action="store_const", const=DOCUMENT, help="show each result as one JSON document"
    )
    parser.add_argument("--format", choices=tuple(FORMATS), metavar="FORMAT", help="show each result in this format")
    parser.add_argument("--debug", action="store_true", help="show requests, and the traceback of every error")
    parser.add_argument(
        "--timeout", type=_seconds, metavar="SECONDS", help="give a silent server up after this; 60 if not given"
    )
    parser.add_argument(
        "--completion", choices=("bash", "zsh", "fish"), help="show the lines that make Tab work in this shell"
    )
    options.add(parser)
    script = parser.add_argument_group("command files")
    script.add_argument(
        *("-f", "--file"),
        dest="files",
        action="append",
        default=[],
        metavar="FILE",
        help="run the lines of this file; - is standard input; several run in order",
    )
    script.add_argument(
        *("-c", "--command"),
        dest="lines",
        action="append",
        default=[],
        metavar="LINE",
        help="run this line, as in a file; several run in order",
    )
    script.add_argument("-D", "--define", action="append", default=[], metavar="NAME=VALUE", help="define ${NAME}")
    script.add_argument("-k", "--keep-going", action="store_true", help="go on after a failing line")
    script.add_argument("-x", "--echo", action="store_true", help="show each line before it runs")
    script.add_argument("-n", "--parse-only", action="store_true", help="parse the lines, run none")
    # One positional: with two, argparse swallows a "--" that belongs to the command.
    parser.add_argument("words", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"a number of seconds above 0, not {text}")
    return seconds


def _run(given: argparse.Namespace) -> int:
    if given.completion:
        from storlet_shell.adapters.completion import tab  # once for each terminal

        sys.stdout.write(tab.script(given.completion))
        return ExitStatus.OK
    is_script = bool(given.files or given.lines) or (not given.words and not _is_interactive())
    # A command file's lines and the shell's own come from where a body would be read.
    stdin = None if is_script or not given.words else getattr(sys.stdin, "buffer", None)
    console = Console(os.environ, stdin=stdin, debug=given.debug)
    told = Options(
        local=given.local,
        ephemeral=given.ephemeral,
        identity=options.identity(given),
        timeout=given.timeout,
        trace=console.warn if given.debug else lambda _: None,
    )
    secrets = options.secrets(given)
    if secrets:
        startup.blank_arguments([value.encode("utf-8", "surrogateescape") for value in secrets.values()])
    for name in secrets:
        console.warn(
            f"{name}: a command line is no place for secrets; set {_variable(name)}, or write it to clouds.yaml"
        )
    try:
        if given.local and not holds_none(told.identity):
            raise UsageError("--local brings its own identity: leave the --os-* options out, or --local")
        with Session(console, options=told) as session:
            if is_script:
                from storlet_shell.adapters.script import runner as script  # a one-shot line has no use for it

                return script.main(given, session, console)
            _refuse_script_options(given)
            if not given.words:
                from storlet_shell.adapters.shell import app as shell  # with it comes cmd2

                return shell.main(session, console, given.format or PEOPLE)
            words = given.words[1:] if given.words[0] == "--" else given.words
            return run_line(session, console, words, given.format or PEOPLE)
    except (StorletShellError, KeyboardInterrupt) as error:
        return console.show_error(error)


def _variable(option: str) -> str:
    return option.removeprefix("--").upper().replace("-", "_")


def _refuse_script_options(given: argparse.Namespace) -> None:
    """Refuse what would go unheard: with -n, say, a one-shot line must not run as if it were not there."""
    if given.define or given.keep_going or given.echo or given.parse_only:
        raise UsageError("-D, -k, -x and -n go with a command file: -f FILE, or -c LINE")


def _is_interactive() -> bool:
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))


def run_line(session: Session, console: Console, words: Sequence[str], format: str = PEOPLE) -> int:
    """Run one command that is split into words already, and return its exit status.

    :param format: the format if the line asks for none
    :raises BrokenPipeError: when nobody reads standard output any more
    """
    outcome = execute(_parsed(words), session, lambda call, result: console.show(result, call.rendering(format)))
    try:
        if isinstance(outcome.error, BrokenPipeError):
            raise outcome.error
        return console.conclude(outcome, _format_of(words) or format)
    finally:
        del outcome  # its error's traceback leads to this frame: a circle that keeps connections open


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
        raise UsageError(f"-o {call.store}: a variable would end with this one line; to write a file: --save FILE")
    yield call
