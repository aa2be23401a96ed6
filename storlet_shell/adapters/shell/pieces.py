"""The pieces of a line that is still being typed: nothing in it is an error, and together they are the text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from storlet_shell.adapters.script.lines import TOKEN, VERBATIM
from storlet_shell.equality import typed_equality

_SHORTCUTS = "?@"
_IN_WORD = ("plain", "escape", "single", "double", "expansion", "open", "join")


@typed_equality
class Piece(NamedTuple):
    """A piece of a typed line.

    :param kind: that of the grammar's tokens, or ``comment``; ``shortcut``, in front of a line; ``sh``, which is sh's
        own; ``open``, from a quote that isn't closed, or a backslash at the end; ``body`` and ``tag`` of a heredoc
    :param begins_word: whether a word begins here
    """

    kind: str
    text: str
    begins_word: bool = False


def pieces(text: str) -> Iterator[Piece]:
    """Yield the pieces of a text of any number of lines."""
    at = 0
    while at < len(text):
        tag, dash = "", False
        for piece in _command(text, at):
            at += len(piece.text)
            if piece.kind == "heredoc" and not tag:
                dash = piece.text.startswith("<<-")
                tag = piece.text.lstrip("<-").strip(" \t'\"")
            yield piece
        if tag and text[at - 1] == "\n":
            for piece in _body(text, at, tag, dash=dash):
                at += len(piece.text)
                yield piece


def _command(text: str, at: int) -> Iterator[Piece]:
    """Yield the pieces of a command, up to the end of its line."""
    if verbatim := VERBATIM.match(text, at):
        yield Piece("shortcut", verbatim.group())
        yield from _sh(text, verbatim.end())
        return
    is_first, in_word = True, False
    while at < len(text):
        if text[at] == "#" and not in_word:
            piece = Piece("comment", text[at : _line_end(text, at)])
        elif is_first and text[at] in _SHORTCUTS:
            piece = Piece("shortcut", text[at])
        elif token := TOKEN.match(text, at):
            piece = Piece(token.lastgroup or "", token.group(), not in_word and token.lastgroup in _IN_WORD)
        else:
            piece = Piece("open", text[at:], not in_word)
        in_word = piece.kind in _IN_WORD
        is_first = is_first and piece.kind == "space"
        at += len(piece.text)
        yield piece
        if piece.kind == "newline":
            return
        if piece.text == "|":
            yield from _sh(text, at)
            return


def _sh(text: str, at: int) -> Iterator[Piece]:
    """Yield what sh reads, up to a line end that no backslash continues."""
    end = _line_end(text, at)
    while end < len(text) and text[end - 1] == "\\" and end > at:
        end = _line_end(text, end + 1)
    if end > at:
        yield Piece("sh", text[at:end])
    if end < len(text):
        yield Piece("newline", "\n")


def _body(text: str, at: int, tag: str, *, dash: bool) -> Iterator[Piece]:
    """Yield the body of a heredoc, and the line that ends it, once that is there."""
    start = at
    while at < len(text):
        end = min(_line_end(text, at) + 1, len(text))
        line = text[at:end].removesuffix("\n").removesuffix("\r")
        if (line.lstrip("\t") if dash else line) == tag:
            if at > start:
                yield Piece("body", text[start:at])
            yield Piece("tag", text[at:end])
            return
        at = end
    yield Piece("body", text[start:])


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end
