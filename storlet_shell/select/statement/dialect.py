"""Parse the text of a query by sqlglot, after SQLite itself has accepted its syntax.

sqlglot drops what it doesn't expect (``SELECT a,, b``), and rewrites functions into those of its own model. So SQLite
decides whether a text is SQL, and sqlglot only builds the tree, with functions as they are written.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple

from sqlglot import exp
from sqlglot.dialects.sqlite import SQLite
from sqlglot.errors import SqlglotError
from sqlglot.parsers.sqlite import SQLiteParser
from sqlglot.tokenizer_core import TokenType

from storlet_shell.equality import typed_equality
from storlet_shell.errors import UsageError

_TOKENS = re.compile(
    r"""(?P<blank>\s+|--[^\n]*|/\*.*?(?:\*/|\Z))
    |'(?:[^']|'')*' | "(?:[^"]|"")*" | `(?:[^`]|``)*` | \[[^\]]*\]
    |[\w$]+(?:\.\d*)? | \|\| | [<>=!]=? | .""",
    re.VERBOSE | re.DOTALL,
)
_NEAR = re.compile(r'near "(.*)": syntax error', re.DOTALL)
_UNRECOGNIZED = re.compile(r'unrecognized token: "(.*)"', re.DOTALL)
_INCOMPLETE = "incomplete input"


class Plus(exp.Unary):
    """A sign that changes nothing but how SQLite compares, and that sqlglot would drop."""


class _Parser(SQLiteParser):
    """The parser for SQLite's dialect, which leaves functions as they are written."""

    FUNCTIONS: ClassVar[dict[Any, Any]] = {}
    FUNCTION_PARSERS: ClassVar[dict[Any, Any]] = {"CAST": SQLiteParser.FUNCTION_PARSERS["CAST"]}
    NO_PAREN_FUNCTIONS: ClassVar[dict[Any, Any]] = {}
    NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[Any, Any]] = {"CASE": SQLiteParser.NO_PAREN_FUNCTION_PARSERS["CASE"]}
    UNARY_PARSERS: ClassVar[dict[Any, Any]] = {
        **SQLiteParser.UNARY_PARSERS,
        TokenType.PLUS: lambda self: self.expression(Plus(this=self._parse_unary())),
    }


class _Dialect(SQLite):
    Parser = _Parser


@typed_equality
class Token(NamedTuple):
    """A token of a query.

    :param start: its offset
    """

    text: str
    start: int

    @property
    def word(self) -> str:
        """The token in upper case."""
        return self.text.upper()


def place(text: str, offset: int) -> str:
    """Spell a place in a query: its line and column, from 1."""
    before = text[:offset]
    return f"line {before.count(chr(10)) + 1}, column {offset - before.rfind(chr(10))}"


def tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of a query, without blanks and comments."""
    for match in _TOKENS.finditer(text):
        if match["blank"] is None:
            yield Token(match[0], match.start())


def item_texts(text: str) -> list[str]:
    """Return the texts of the result columns."""
    words = list(tokens(text))[1:]
    if words[0].word in ("DISTINCT", "ALL"):
        del words[0]
    spans: list[list[Token]] = [[]]
    depth, before = 0, ""
    for token in words:
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if not depth and token.word == "FROM" and before != "DISTINCT":  # as in: IS DISTINCT FROM
            break
        before = token.word
        if not depth and token.text == ",":
            spans.append([])
        else:
            spans[-1].append(token)
    return [text[span[0].start : span[-1].start + len(span[-1].text)] for span in spans]


def parse(text: str) -> exp.Select:
    """Return the syntax tree of a query.

    :raises UsageError: if it isn't one SELECT in SQLite's syntax
    """
    words = list(tokens(text))
    if not words:
        raise UsageError('the query is empty; write "SELECT … FROM o"')
    _check_kind(text, words)
    _check_syntax(text, words)
    try:
        (tree,) = (statement for statement in _Dialect().parse(text) if statement is not None)
    except SqlglotError as error:
        raise _unparsed(text, error) from error
    except RecursionError:
        raise UsageError("the query is nested too deeply") from None
    if not isinstance(tree, exp.Select):
        raise UsageError("a query is one SELECT, without UNION, INTERSECT or EXCEPT")
    return tree


def _check_kind(text: str, words: list[Token]) -> None:
    """Refuse other statements than one SELECT, by name."""
    first = words[0].word
    if first == "WITH":
        raise UsageError("WITH isn't supported: a query is one SELECT over one set of objects")
    if first != "SELECT":
        raise UsageError(f"{words[0].text}: a query starts with SELECT ({place(text, words[0].start)})")
    for before, token in pairwise(words):
        if before.text == ";":
            raise UsageError(f"one query at a time; another one starts at {place(text, token.start)}")


def _check_syntax(text: str, words: list[Token]) -> None:
    """Let SQLite check the syntax.

    :raises UsageError: if it is wrong, with the place
    """
    with closing(sqlite3.connect(":memory:")) as database:
        reason = _refusal(database, text)
        if match := _UNRECOGNIZED.fullmatch(reason):
            start = text.find(match[1])
            problem = "unclosed quote" if match[1][:1] in "'\"`[" else f"unknown token {match[1]}"
            raise UsageError(f"can't parse the query: {problem} ({place(text, max(0, start))})")
        if reason == _INCOMPLETE:
            raise UsageError(f"can't parse the query: it ends too early ({place(text, len(text.rstrip()))})")
        if _NEAR.fullmatch(reason):
            token = _wrong(database, text, words)
            raise UsageError(
                f"can't parse the query: unexpected {token.text} ({place(text, token.start)}){_hint(database, token)}"
            )


def _wrong(database: sqlite3.Connection, text: str, words: list[Token]) -> Token:
    """Return the first token that no query could have at its place.

    SQLite names it, but not where it is: the shortest beginning of the text that is wrong, rather than incomplete, ends
    with it.
    """
    low, high = 0, len(words) - 1
    while low < high:
        middle = (low + high) // 2
        end = words[middle].start + len(words[middle].text)
        if _NEAR.fullmatch(_refusal(database, text[:end])):
            high = middle
        else:
            low = middle + 1
    return words[low]


def _refusal(database: sqlite3.Connection, text: str) -> str:
    """Return why SQLite refuses a text in an empty database; at best, because the table doesn't exist."""
    try:
        database.execute(f"EXPLAIN {text}")
    except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
        return str(error)
    return ""


def _hint(database: sqlite3.Connection, token: Token) -> str:
    """Explain a keyword where a column may have been meant."""
    is_word = token.text.isalpha() and token.word not in ("SELECT", "FROM", "WHERE")
    if is_word and _NEAR.fullmatch(_refusal(database, f"SELECT 1 AS {token.text}")):
        return f'; a column of that name needs double quotes: "{token.text}"'
    return ""


def _unparsed(text: str, error: SqlglotError) -> UsageError:
    details = getattr(error, "errors", None) or [{}]
    line, column, near = (details[0].get(name) for name in ("line", "col", "highlight"))
    if line is None:
        return UsageError("can't parse the query: its syntax isn't supported")
    lines = text.splitlines() or [""]
    column = max(1, int(column) - len(near or "") + 1)
    return UsageError(
        f"can't parse the query: unsupported syntax near {near or lines[-1]} (line {line}, column {column}); "
        "a keyword that is a column needs double quotes"
    )
