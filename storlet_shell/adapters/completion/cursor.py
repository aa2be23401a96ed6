"""What could stand at the cursor of an unfinished line, read from the commands' specs.

Every front end that completes lines itself asks here: which word is typed, which argument it is, what it may become.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from storlet_shell.adapters.completion.names import DEADLINE, Candidate, complete
from storlet_shell.equality import typed_equality
from storlet_shell.errors import StorletShellError
from storlet_shell.session import Session
from storlet_shell.spec.registry import COMMON, Arg, Command, Kind, Registry

_BLANKS = " \t\r\n"
_SPECIAL = frozenset(" \t\"'\\|&;<>()`*?[]#~!")
_WITHOUT_VALUE = ("store_true", "store_false", "store_const", "count")
_MANY = ("*", "+", "...")


@typed_equality
class Cursor(NamedTuple):
    """A line up to its cursor.

    :param words: the words before the one that is being typed
    :param word: that one, without its quotes
    :param spelled: the same, as it was typed
    """

    words: tuple[str, ...]
    word: str
    spelled: str

    @property
    def quote(self) -> str:
        """The quote that is open at its start, if one is."""
        return self.spelled[0] if self.spelled[:1] in ("'", '"') else ""

    def spell(self, text: str, *, final: bool = True) -> str:
        """Spell what the word may become, quoted as it was begun.

        :param final: whether the word ends there
        """
        if self.quote == "'" and "'" not in text:
            return f"'{text}'" if final else f"'{text}"
        if self.quote == '"':
            escaped = text.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"' if final else f'"{escaped}'
        return "".join(f"\\{char}" if char in _SPECIAL else char for char in text)


def split(text: str) -> Cursor:
    """Split a line up to its cursor into words as sh does; its last one may be open."""
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
    """Return what the word at the cursor may become; nothing where nobody knows, never an exception.

    :param words: the words before it, the command first
    :param deadline: seconds that this may take
    """
    try:
        if not words:
            return _names(registry, word)
        command = registry.get(words[0])
    except StorletShellError:
        return []
    return _Line(session, command, deadline).candidates(words[1:], word)


def _names(registry: Registry, word: str) -> list[Candidate]:
    named = ((name, command) for command in registry for name in (command.name, *command.aliases))
    return sorted(Candidate(name, note=command.summary) for name, command in named if name.startswith(word))


class _Line:
    """A command's line."""

    def __init__(self, session: Session, command: Command, deadline: float) -> None:
        self._session = session
        self._deadline = deadline
        args = (*command.args, *COMMON)
        self._options = {flag: arg for arg in args if arg.is_option for flag in arg.flags}
        self._positions = [arg for arg in args if not arg.is_option]

    def candidates(self, words: Sequence[str], word: str) -> list[Candidate]:
        """Return what the word after the given ones may become."""
        given, wanted, only_positions = self._walk(words)
        if wanted is not None:
            return self._values(wanted, word)
        flag, equals, value = word.partition("=")
        if equals and flag in self._options and not only_positions:
            found = self._values(self._options[flag], value)
            return [Candidate(f"{flag}={one.text}", one.final, one.note) for one in found]
        if word.startswith("-") and not only_positions:
            return list(self._flags(words, word))
        position = self._position(given)
        found = self._values(position, word) if position else []
        return found or ([] if word or only_positions else list(self._flags(words, word)))

    def _walk(self, words: Sequence[str]) -> tuple[int, Arg | None, bool]:
        """Return how many positions are taken, the option that waits for its value, and whether ``--`` was given."""
        given, wanted = 0, None
        for number, each in enumerate(words):
            if wanted is not None:
                wanted = None
            elif each == "--":
                return given + len(words) - number - 1, None, True
            elif each in self._options:
                wanted = self._options[each] if _takes_value(self._options[each]) else None
            elif not each.startswith("-") or each == "-":
                given += 1
        return given, wanted, False

    def _position(self, given: int) -> Arg | None:
        if given < len(self._positions):
            return self._positions[given]
        last = self._positions[-1] if self._positions else None
        return last if last is not None and last.options.get("nargs") in _MANY else None

    def _values(self, arg: Arg, word: str) -> list[Candidate]:
        if choices := arg.options.get("choices"):
            return [Candidate(str(choice)) for choice in choices if str(choice).startswith(word)]
        if arg.kind is None:
            return []
        prefixed = arg.kind is Kind.OBJECT and arg.is_option
        return complete(
            self._session, arg.kind, word, prefixed=prefixed, separator=arg.separator, deadline=self._deadline
        )

    def _flags(self, words: Sequence[str], word: str) -> Iterator[Candidate]:
        """Yield the options that may still be given, each by its longest spelling unless a short one is typed."""
        given = {id(self._options[each]) for each in words if each in self._options}
        for flag, arg in self._options.items():
            is_repeated = id(arg) in given and arg.options.get("action") != "append"
            is_longest = flag == max(arg.flags, key=len)
            if flag.startswith(word) and not is_repeated and (is_longest or flag == word):
                yield Candidate(flag, note=str(arg.options.get("help", "")))


def _takes_value(arg: Arg) -> bool:
    return arg.options.get("action") not in _WITHOUT_VALUE
