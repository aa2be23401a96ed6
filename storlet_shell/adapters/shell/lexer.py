"""The colors of the line that is typed, by the grammar of lines; of code in a heredoc, by its language's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.formatted_text.utils import split_lines
from prompt_toolkit.lexers import Lexer

from storlet_shell.adapters.shell.pieces import pieces
from storlet_shell.adapters.shell.styles import class_of

_PYTHON, _JAVA = "python", "java"

Fragments = Iterator[tuple[str, str]]
"""Roles and texts."""

_ROLES = {
    "escape": "quoted",
    "single": "quoted",
    "double": "quoted",
    "open": "quoted",
    "expansion": "",
    "heredoc": "operator",
    "operator": "operator",
    "shortcut": "operator",
    "comment": "comment",
    "tag": "operator",
}


class LineLexer(Lexer):
    """Colors the typed line.

    :param is_command: tells whether a word is a command
    :param takes_code: tells whether the body of a command is a storlet's code
    """

    def __init__(self, is_command: Callable[[str], bool], takes_code: Callable[[str], bool]) -> None:
        self._is_command = is_command
        self._takes_code = takes_code

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        """Return a function that returns the fragments of a physical line."""
        fragments: StyleAndTextTuples = [(class_of(role), text) for role, text in self.roles(document.text)]
        lines = list(split_lines(fragments))
        return lambda number: lines[number] if number < len(lines) else []

    def roles(self, text: str) -> Fragments:
        """Yield the roles of a text, and the parts that have them; together, these are the text."""
        command, is_start, only_names, language = "", True, False, _PYTHON
        for piece in pieces(text):
            if piece.kind == "body":
                yield from _code(language, piece.text) if self._takes_code(command) else [("", piece.text)]
            elif piece.kind != "plain" or not piece.begins_word:
                yield _ROLES.get(piece.kind, ""), piece.text
            elif is_start:
                command, only_names, language = piece.text, False, _PYTHON
                yield "command" if self._is_command(command) else "", command
            else:
                only_names = only_names or piece.text == "--"
                language = _JAVA if piece.text.endswith(".java") else language
                yield from _word(piece.text, only_names=only_names)
            is_start = piece.kind == "newline" or (is_start and not piece.begins_word)


def _word(text: str, *, only_names: bool) -> Fragments:
    """Yield the parts of a word: an option, perhaps with its value."""
    if only_names or not text.startswith("-") or text == "-":
        yield "", text
        return
    option, equals, value = text.partition("=")
    yield "option", option + equals
    yield "", value


def _code(language: str, code: str) -> Fragments:
    lexer, roles = _lexer(language)
    for _, token, text in lexer.get_tokens_unprocessed(code):
        yield next((role for kind, role in roles if token in kind), ""), text


@cache
def _lexer(language: str) -> tuple[Any, tuple[tuple[Any, str], ...]]:
    """Return a lexer for code, and the roles of its tokens; the first of them that holds a token counts."""
    from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]  # only code needs it
    from pygments.token import Token  # type: ignore[import-untyped]

    name = Token.Name
    return get_lexer_by_name(language), (
        (Token.Comment, "comment"),
        (Token.Literal.String, "quoted"),
        (Token.Literal.Number, "number"),
        (Token.Keyword.Constant, "constant"),
        (Token.Keyword, "keyword"),
        (Token.Operator.Word, "keyword"),
        (name.Decorator, "decorator"),
        (name.Function, "definition"),
        (name.Class, "definition"),
        (name.Builtin, "builtin"),
        (name.Exception, "builtin"),
    )
