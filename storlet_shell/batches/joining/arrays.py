"""Elements of JSON arrays as lines, spelled as they are there, in memory for one element."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator

LARGEST_ELEMENT = 16 * 1024 * 1024
"""The maximum length of an element, in characters."""

_BEGIN = re.compile(rb"\s*\[\s*(?:[{\[\"\]]|-?\d[\d.eE+-]*\s*[,\]]|(?:true|false|null)\s*[,\]])")
_BLANKS = re.compile(r"[ \t\r\n]*")
_LINE_BREAK = re.compile(r"[ \t]*[\r\n]+[ \t]*")
_OPEN_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*\\?\Z', re.DOTALL)
_CUT = 12
"""Where text was cut, an error is found at most so many characters before the end."""


class NotAnArrayError(Exception):
    """The text isn't a JSON array."""


def begins_array(head: bytes) -> bool:
    """Tell whether a text may be a JSON array, by its first characters."""
    return bool(_BEGIN.match(head))


def is_array(head: bytes) -> bool:
    """Tell whether the start of a text is that of a JSON array."""

    def cut() -> Iterator[bytes]:
        yield head
        raise NotAnArrayError(_INCOMPLETE)

    try:
        for _ in lines_of_array(cut()):
            pass
    except NotAnArrayError as error:
        return error.args == (_INCOMPLETE,)
    return True


_INCOMPLETE = "its end is missing"


def lines_of_array(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the elements of a JSON array as lines.

    :raises NotAnArrayError: if it isn't one, or an element is too long; perhaps after some elements
    """
    text = _Text(chunks)
    text.skip("[")
    is_first = True
    while text.peek() != "]":
        if not is_first:
            text.skip(",")
        is_first = False
        yield f"{_LINE_BREAK.sub(' ', text.element())}\n".encode()  # strings contain no line breaks
    text.skip("]")
    if text.peek():
        raise NotAnArrayError("text follows it")


class _Text:
    """The part of a text that has been read, from a position on."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._parse = json.JSONDecoder().raw_decode
        self._text = ""
        self._at = 0
        self._is_whole = False

    def peek(self) -> str:
        """Skip blanks, and return the next character; empty at the end."""
        while True:
            match = _BLANKS.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text) or not self._read():
                return self._text[self._at : self._at + 1]

    def skip(self, character: str) -> None:
        """Skip blanks and a character.

        :raises NotAnArrayError: if it isn't the next one
        """
        if (following := self.peek()) != character:
            raise NotAnArrayError(f"{following!r} instead of {character!r}" if following else _INCOMPLETE)
        self._at += 1

    def element(self) -> str:
        """Return the next element.

        :raises NotAnArrayError: if it isn't JSON
        """
        self.peek()
        while True:
            start = self._at
            try:
                _, end = self._parse(self._text, start)
                following = self._text[end : end + 3]
                goes_on = len(following) < 3 and (not following or following[0] in ".eE")  # a number may
                if self._is_whole or not goes_on:
                    self._at = end
                    return self._text[start:end]
            except json.JSONDecodeError as error:
                is_cut = error.pos >= len(self._text) - _CUT or bool(_OPEN_STRING.match(self._text, error.pos))
                if self._is_whole or not is_cut:
                    raise NotAnArrayError(_INCOMPLETE if is_cut else error.msg) from None
            except RecursionError:
                raise NotAnArrayError("its elements are nested too deeply") from None
            if len(self._text) - self._at > LARGEST_ELEMENT:
                raise NotAnArrayError(f"an element is longer than {LARGEST_ELEMENT} characters")
            self._read()

    def _read(self) -> bool:
        """Read on, as much as waits already; return False at the end."""
        pieces, count, wanted = [self._text[self._at :]], 0, max(1, len(self._text) - self._at)
        while count < wanted and not self._is_whole:
            chunk = next(self._chunks, None)
            try:
                pieces.append(self._decoder.decode(chunk or b"", final=chunk is None))
            except UnicodeDecodeError:
                raise NotAnArrayError("it isn't UTF-8") from None
            count += len(pieces[-1])
            self._is_whole = chunk is None
        self._text, self._at = "".join(pieces), 0
        return bool(count)
