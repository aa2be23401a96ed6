"""Completion at the cursor of an unfinished line, from the commands' specs.

All front ends ask here: which word is being typed, which argument it is, and what it may become.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from storlet_shell.adapters.completion.names import DEADLINE, Candidate, complete, complete_parameter
from storlet_shell.equality import typed_equality
from storlet_shell.errors import StorletShellError
from storlet_shell.session import Session
from storlet_shell.spec.arguments import COMMON, Arg, Kind, options_of, scan
from storlet_shell.spec.command import Command
from storlet_shell.spec.registry import Registry

_BLANKS = " \t\r\n"
_SPECIAL = frozenset(" \t\"'\\|&;<>()`*?[]#~!")
_STORLET = "--storlet"
_MANY = ("*", "+", "...")


@typed_equality
class Cursor(NamedTuple):
    """A line up to its cursor.

    :param words: the words before the last one
    :param word: the last word, without its quotes
    :param spelled: the last word as typed
    """

    words: tuple[str, ...]
    word: str
    spelled: str

    @property
    def quote(self) -> str:
        """The quote that opens the last word; empty without one."""
        return self.spelled[0] if self.spelled[:1] in ("'", '"') else ""

    def spell(self, text: str, *, final: bool = True) -> str:
        """Quote a completion as the word was begun.

        :param final: whether the word is complete
        """
        if self.quote == "'" and "'" not in text:
            return f"'{text}'" if final else f"'{text}"
        if self.quote == '"':
            escaped = text.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"' if final else f'"{escaped}'
        return "".join(f"\\{char}" if char in _SPECIAL else char for char in text)


def split(text: str) -> Cursor:
    """Split a line up to its cursor into words as sh does; the last one may be incomplete."""
    words: list[str] = []
    word, start, quote, at = "", -1, "", 0
    while at < len(text):
        char = text[at]
        if not quote and char in _BLANKS:
            if start >= 0:
                words.append(word)
            word, start = "", -1
            at += 1
            continue
        start = at if start < 0 else start
        if char == "\\" and quote != "'" and at + 1 < len(text) and (not quote or text[at + 1] in '"\\'):
            at += 1
            word += text[at]
        elif char == quote:
            quote = ""
        elif not quote and char in "'\"":
            quote = char
        else:
            word += char
        at += 1
    return Cursor(tuple(words), word, text[start:] if start >= 0 else "")


def candidates(
    session: Session, registry: Registry, words: Sequence[str], word: str, deadline: float = DEADLINE
) -> list[Candidate]:
    """Return what the word at the cursor may become; an empty list if nothing is known, never an exception.

    :param words: the words before it, the command first
    :param deadline: seconds that this may take
    """
    try:
        if not words:
            return _names(registry, word)
        line = _Line(registry.get(words[0]), words[1:])
        arg = line.wanted(word)
        flag, equals, value = word.partition("=")
        if arg is not None and equals and flag in arg.flags:
            return [
                replace(candidate, text=f"{flag}={candidate.text}")
                for candidate in _values(session, registry, arg, value, line, deadline)
            ]
        if arg is not None:
            offered = _values(session, registry, arg, word, line, deadline)
        else:
            offered = _verbs(line.actions, word)
    except StorletShellError:
        return []
    return list(line.flags(word)) if not offered and word[:1] in ("", "-") else offered


def _verbs(actions: Iterable[Command], word: str) -> list[Candidate]:
    return sorted(Candidate(action.verb, note=action.summary) for action in actions if action.verb.startswith(word))


def _values(session: Session, registry: Registry, arg: Arg, word: str, line: _Line, deadline: float) -> list[Candidate]:
    """Return what a word may become as the value of an argument.

    :param line: the words before it
    """
    if choices := arg.options.get("choices"):
        return [Candidate(str(choice)) for choice in choices if str(choice).startswith(word)]
    if arg.kind is None:
        return []
    if arg.kind is Kind.ACTION:
        return _verbs(registry.get(line.previous).actions, word)
    if arg.kind is Kind.PARAMETER:
        return complete_parameter(session, line.storlet, word, deadline)
    prefixed = arg.kind in (Kind.OBJECT, Kind.SOURCE) and arg.is_option
    return complete(session, arg.kind, word, prefixed=prefixed, separator=arg.separator, deadline=deadline)


def _names(registry: Registry, word: str) -> list[Candidate]:
    pairs = ((name, entry.summary) for entry in registry.summaries() for name in (entry.name, *entry.aliases))
    return sorted(Candidate(name, note=summary) for name, summary in pairs if name.startswith(word))


def hint(registry: Registry, words: Sequence[str], word: str) -> str:
    """Describe the argument at the cursor; empty if it has no help.

    :param words: the words before it, the command first
    """
    try:
        arg = _Line(registry.get(words[0]), words[1:]).wanted(word) if words else None
    except StorletShellError:
        return ""
    text = str(arg.options.get("help") or "").replace("%%", "%") if arg is not None else ""
    return f"{arg.options.get('metavar') or ', '.join(arg.flags)}: {text}" if arg is not None and text else ""


class _Line:
    """The words before the cursor, read by a command's spec: which argument comes next.

    ``actions`` are those that the next word may name.
    """

    def __init__(self, command: Command, words: Sequence[str]) -> None:
        args = [arg for line in command.lines for arg in line.args]
        scanned = scan(options_of((*args, *COMMON)), words)
        self.actions: tuple[Command, ...] = ()
        self.words = list(words)
        if command.actions and scanned.positions:
            action = command.action(words[scanned.positions[0]])
            if action is not None:
                del self.words[scanned.positions[0]]
            else:
                action = command.action(command.default)
            args = list(action.args) if action is not None else []
        elif command.actions:
            self.actions = command.actions
        self._options = options_of((*args, *COMMON))
        self._positions = [] if self.actions else [arg for arg in args if not arg.is_option]
        self._scan = scan(self._options, self.words)

    def wanted(self, word: str) -> Arg | None:
        """Return the argument that a word at the cursor belongs to; None for an option's name, or if nothing fits."""
        if self._scan.pending is not None:
            return self._scan.pending
        flag, equals, _ = word.partition("=")
        if word.startswith("-") and not self._scan.only_positions:
            return self._options.get(flag) if equals else None
        count = len(self._scan.positions)
        if count < len(self._positions):
            return self._positions[count]
        last = self._positions[-1] if self._positions else None
        return last if last is not None and last.options.get("nargs") in _MANY else None

    @property
    def previous(self) -> str:
        """The last word that isn't an option or its value; empty without one."""
        return self.words[self._scan.positions[-1]] if self._scan.positions else ""

    @property
    def storlet(self) -> str:
        """The storlet that ``--storlet`` names; empty without one."""
        name = ""
        for word, following in itertools.pairwise([*self.words, ""]):
            flag, equals, value = word.partition("=")
            if flag == _STORLET:
                name = value if equals else following
        return name

    def flags(self, word: str) -> Iterator[Candidate]:
        """Yield the options that may still come, each by its longest spelling unless a short one is typed."""
        if self._scan.pending is not None or self._scan.only_positions:
            return
        present = {id(self._options[flag]) for flag in self._scan.flags if flag in self._options}
        for flag, arg in self._options.items():
            is_repeated = id(arg) in present and arg.options.get("action") != "append"
            is_longest = flag == max(arg.flags, key=len)
            if flag.startswith(word) and not is_repeated and (is_longest or flag == word):
                yield Candidate(flag, note=str(arg.options.get("help", "")))
