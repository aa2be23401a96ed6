"""The patterns of LIKE and GLOB."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

_LONGEST_PATTERN = 50_000
_ANY = "(?s:.)"
_NEVER = "(?!)"


class Pattern:
    """A pattern, in pieces that each match a fixed number of characters.

    So a text is searched once for each piece, and no pattern takes more than length times length.

    :param pieces: the sources of the characters of each piece; between two of them is any text
    """

    def __init__(self, pieces: list[list[str]]) -> None:
        self._lengths = [len(piece) for piece in pieces]
        self._pieces = [re.compile("".join(piece)) for piece in pieces]
        self._match: Any = self._match_pieces
        if len(pieces) == 1:
            self._match = self._pieces[0].fullmatch
        elif len(pieces) == 2 and not pieces[1]:
            self._match = self._pieces[0].match
        elif len(pieces) == 3 and not pieces[0] and not pieces[2]:
            self._match = self._pieces[1].search

    def matches(self, text: str) -> bool:
        """Tell whether it matches a text, of which SQLite looks no further than a NUL character."""
        if "\0" in text:
            text = text.partition("\0")[0]
        return self._match(text) is not None

    def _match_pieces(self, text: str) -> Any:
        start, end = self._lengths[0], len(text) - self._lengths[-1]
        if end < start or not self._pieces[0].match(text) or not self._pieces[-1].match(text, end):
            return None
        for piece in self._pieces[1:-1]:
            match = piece.search(text, start, end)
            if match is None:
                return None
            start = match.end()
        return self


@lru_cache(maxsize=1000)
def like_pattern(pattern: str, escape: str | None = None) -> Pattern:
    """Return the pattern of LIKE, to which ASCII letters are equal in either case.

    :raises ValueError: if it is too long, or the escape isn't a single character
    """
    if escape is not None and len(escape) != 1:
        raise ValueError("ESCAPE expression must be a single character")
    pieces: list[list[str]] = [[]]
    characters = _characters(pattern)
    for character in characters:
        if character == escape:
            pieces[-1].append(_either_case(next(characters, "")))
        elif character == "%":
            pieces.append([])
        else:
            pieces[-1].append(_ANY if character == "_" else _either_case(character))
    return Pattern(pieces)


@lru_cache(maxsize=1000)
def glob_pattern(pattern: str) -> Pattern:
    """Return the pattern of GLOB.

    :raises ValueError: if it is too long
    """
    pieces: list[list[str]] = [[]]
    characters = _characters(pattern)
    for character in characters:
        if character == "*":
            pieces.append([])
        elif character == "[":
            pieces[-1].append(_set(characters))
        else:
            pieces[-1].append(_ANY if character == "?" else re.escape(character))
    return Pattern(pieces)


def _characters(pattern: str) -> Iterator[str]:
    if len(pattern.encode("utf-8", "surrogatepass")) > _LONGEST_PATTERN:
        raise ValueError("LIKE or GLOB pattern too complex")
    return iter(pattern.partition("\0")[0])


def _either_case(character: str) -> str:
    """Return the source of a letter; of no character, as after an escape at the end, one that never matches."""
    if not character:
        return _NEVER
    if character.isascii() and character.isalpha():
        return f"[{character.lower()}{character.upper()}]"
    return re.escape(character)


def _set(characters: Iterator[str]) -> str:
    """Return the source of a set such as ``[a-c]`` or ``[^]x]``, after its bracket."""
    character = next(characters, "")
    is_inverted = character == "^"
    if is_inverted:
        character = next(characters, "")
    members: list[tuple[str, str]] = []
    if character == "]":
        members.append(("]", "]"))
        character = next(characters, "")
    before = ""  # the start of a range, if a dash follows
    while character not in ("", "]"):
        following = next(characters, "")
        if character == "-" and before and following not in ("", "]"):
            members.append((before, following))
            before, character = "", next(characters, "")
        else:
            members.append((character, character))
            before, character = character, following
    if character != "]":
        return _NEVER
    ranges = [f"{re.escape(low)}-{re.escape(high)}" for low, high in members if low <= high]
    if not ranges:
        return _ANY if is_inverted else _NEVER
    return f"[{'^' if is_inverted else ''}{''.join(ranges)}]"
