"""Completion of one-shot lines in bash, zsh and fish. The only import of argcomplete, which talks to these shells.

The candidates come from :mod:`storlet_shell.adapters.completion.cursor`, as in all front ends.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import Any

import argcomplete
from argcomplete.completers import BaseCompleter
from argcomplete.finders import safe_actions
from argcomplete.shell_integration import shellcode

from storlet_shell.adapters import options
from storlet_shell.adapters.completion.cursor import candidates
from storlet_shell.adapters.completion.names import Candidate, complete
from storlet_shell.session import Options, Session, Surroundings
from storlet_shell.spec.arguments import Kind
from storlet_shell.spec.once import ACTIONS
from storlet_shell.spec.registry import Registry

DEADLINE = 2.0
"""Timeout of a Tab in seconds: each is a new process without a cache, which logs in first."""


def script(shell: str) -> str:
    """Return the code that makes a shell ask this program, for its ``eval`` or ``source``.

    If nothing fits, bash offers nothing: its default would be local files.
    """
    return shellcode(["storlet-shell"], shell=shell, complete_arguments=["-o", "nospace"])


def answer(parser: argparse.ArgumentParser) -> None:
    """Answer the shell's request, which is in its environment variables, and end the process.

    :param parser: the parser of the global options, which takes the command's words as ``words``
    """
    rest = next(action for action in parser._actions if action.nargs == argparse.REMAINDER)
    rest.completer = _complete_words  # type: ignore[attr-defined]
    safe_actions.update(ACTIONS)  # by default, it runs only argparse's own actions
    argcomplete.autocomplete(parser, always_complete_options=False, default_completer=_Values())


def _complete_words(prefix: str, parsed_args: argparse.Namespace, **_: Any) -> dict[str, str]:
    words = list(parsed_args.words or ())
    if words[:1] == ["--"]:
        del words[0]
    option, equals, _value = prefix.partition("=")
    if words and equals and words[-1] == option:  # argcomplete takes an option off --option=VALUE
        del words[-1]
    with _session(parsed_args) as session:
        if parsed_args.files or parsed_args.lines:
            return _named(complete(session, Kind.FILE, prefix, deadline=DEADLINE))
        return _named(candidates(session, Registry(), words, prefix, DEADLINE))


class _Values(BaseCompleter):
    """Completes the value of a global option if that is a file."""

    def __call__(
        self, *, prefix: str, action: argparse.Action, parsed_args: argparse.Namespace, **_: Any
    ) -> dict[str, str]:
        if action.metavar != "FILE":
            return {}
        with _session(parsed_args) as session:
            return _named(complete(session, Kind.FILE, prefix, deadline=DEADLINE))


def _session(parsed: argparse.Namespace) -> Session:
    settings = Options(parsed.local, identity=options.identity(parsed), timeout=parsed.timeout)
    return Session(Surroundings(os.environ), options=settings)


def _named(entries: Sequence[Candidate]) -> dict[str, str]:
    return {candidate.text: candidate.note for candidate in entries}
