"""Tab in bash, zsh and fish, for the one-shot line: the only import of argcomplete, which speaks with these shells.

What may stand at the cursor is known by :mod:`storlet_shell.adapters.completion.cursor`, as for every other front end.
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
"""Seconds that a Tab may take: each is a process of its own, which logs in first and leaves nothing to the next one."""


def script(shell: str) -> str:
    """Return what makes a shell ask this program, for its ``eval`` or ``source``.

    Where nothing fits, bash then offers nothing: its own answer would be local files.
    """
    return shellcode(["storlet-shell"], shell=shell, complete_arguments=["-o", "nospace"])


def answer(parser: argparse.ArgumentParser) -> None:
    """Answer the shell that asks, as its variables in the environment say, and end the process.

    :param parser: of everything in front of the command, which takes the command's words as ``words``
    """
    rest = next(action for action in parser._actions if action.nargs == argparse.REMAINDER)
    rest.completer = _complete_words  # type: ignore[attr-defined]
    safe_actions.update(ACTIONS)  # by itself, it runs argparse's own ones only
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
    """Completes the value of an option in front of the command: a file's name, or nothing that is known."""

    def __call__(
        self, *, prefix: str, action: argparse.Action, parsed_args: argparse.Namespace, **_: Any
    ) -> dict[str, str]:
        if action.metavar != "FILE":
            return {}
        with _session(parsed_args) as session:
            return _named(complete(session, Kind.FILE, prefix, deadline=DEADLINE))


def _session(given: argparse.Namespace) -> Session:
    told = Options(given.local, identity=options.identity(given), timeout=given.timeout)
    return Session(Surroundings(os.environ), options=told)


def _named(found: Sequence[Candidate]) -> dict[str, str]:
    return {candidate.text: candidate.note for candidate in found}
