"""How ``-x`` shows a line: with the values of its names, except secrets."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection

from storlet_shell.adapters.script.lines import IN_DOUBLE, TOKEN, VERBATIM, Expand
from storlet_shell.errors import UsageError

_LONGEST_VALUE = 200
_SECRET = re.compile(r"pass|secret|token|key|credential", re.IGNORECASE)
"""Names whose values aren't shown, nor those in words that name such a thing, as in ``Temp-URL-Key:${SIGNS}``, and in
the words behind them; the logs of a CI system are read by many."""

_BETWEEN_WORDS = ("space", "newline", "operator", "heredoc", "join")
_SPECIAL_IN_DOUBLE = re.compile(r'["\\]')


class _HiddenError(UsageError):
    """A value that isn't shown; the name stays in its place."""


def expanded(text: str, expand: Expand, secrets: Collection[str] = ()) -> str:
    """Return a command as ``-x`` shows it: the values of its names in their place, quoted where they must be.

    Names of secrets and unknown ones stay as they are, as does what sh expands itself: a line for it, and what follows
    a pipe. A long value is shortened.

    :param secrets: values that must not be shown
    """
    if VERBATIM.match(text):
        return text

    def value_of(name: str) -> str:
        if _SECRET.search(f"{before} {word} {name}"):
            raise _HiddenError(name)
        value = expand(name)
        if any(secret in value for secret in secrets):
            raise _HiddenError(name)
        return value if len(value) <= _LONGEST_VALUE else f"{value[:_LONGEST_VALUE]}…"

    def in_double(match: re.Match[str]) -> str:
        if match[3] is None:
            return match[0]
        try:
            return _SPECIAL_IN_DOUBLE.sub(r"\\\g<0>", value_of(match[3]))
        except UsageError:
            return match[0]

    def unquoted(piece: str) -> str:
        try:
            return piece if piece == "$${" else shlex.quote(value_of(piece[2:-1]))
        except UsageError:
            return piece

    pieces: list[str] = []
    position, in_word = 0, False
    before = word = ""
    while position < len(text):
        token = TOKEN.match(text, position)
        if token is None or token.group() == "|" or (token.group()[0] == "#" and not in_word):
            break
        kind, piece = token.lastgroup, token.group()
        if kind in _BETWEEN_WORDS:
            before, word = word or before, ""
        else:
            word += piece
        piece = IN_DOUBLE.sub(in_double, piece) if kind == "double" else piece
        pieces.append(unquoted(piece) if kind == "expansion" else piece)
        in_word = kind not in _BETWEEN_WORDS
        position = token.end()
    return "".join(pieces) + text[position:]
