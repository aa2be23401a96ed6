"""The grammar of a line, in the interactive shell and in command files alike: POSIX words, redirects, pipes, heredocs.

::

    get photos/a.txt -p 'k=v w' > 'a copy.txt'       words are quoted as in sh; > and >> write to a file
    ls photos | sort | head                          what follows | is sh's own, as it stands
    upload photos/b.txt <<EOF                        a body, up to the line that is EOF; nothing in it is expanded
    put - photos/c.txt < c.txt                       standard input
    !date                                            runs a line in sh
    # a comment, at the start of a word              a backslash at the end continues a line

In command files ``${NAME}`` stands for a value wherever it is not in single quotes, and never makes two words of one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from storlet_shell.errors import UsageError

LONGEST = 1024 * 1024
"""The longest command line, in characters. Longer ones are accidents; a heredoc's body has no limit."""

Expand = Callable[[str], str]
"""Returns the value of a name; raises UsageError for an unknown one."""

TOKEN = re.compile(
    r"""
      (?P<space> [ \t\r\f\v]++ )
    | (?P<newline> \n )
    | (?P<join> \\\r?\n )
    | (?P<escape> \\. )
    | (?P<single> '[^']*+' )
    | (?P<double> "(?:[^"\\]++|\\.)*+" )
    | (?P<expansion> \$\$\{ | \$\{[^}\s'"]*+\} )
    | (?P<heredoc> <<-?[ \t]*+(?:'[^'\n]++'|"[^"\n]++"|[\w.+-]++) )
    | (?P<operator> >> | > | < | \| )
    | (?P<plain> [^ \t\r\n\f\v'"\\\#<>|$]++ | [#$] )
    """,
    re.VERBOSE | re.DOTALL,
)
"""The next token of a command."""

IN_DOUBLE = re.compile(r'\\(["\\$`]|\r?\n)|(\$\$\{)|\$\{([^}]*)\}')
"""What isn't plain text in double quotes: an escaped character, a literal ``${``, or a name."""

_ESCAPED = re.compile(r"\\(.)")
_ESCAPED_IN_DOUBLE = re.compile(r'\\(?:(["\\$`])|\r?\n)')
_HEREDOC = re.compile(r"""<<(-?)[ \t]*(['"]?)(.+)\2""", re.DOTALL)
VERBATIM = re.compile(r"[ \t]*(?:!|shell(?=[ \t]))[ \t]*")
"""The start of a line for sh, which reads the rest itself."""

_COMMENT = re.compile(r"#[^\n]*")
_REST = re.compile(r"(?:[^\\\n]++|\\.)*+\\?", re.DOTALL)
_TRAILING = re.compile(r"(?<!\\)(?:\\\\)*+\\\Z")
_SHORTCUTS = {"?": "help", "@": "run_script"}
_SH_ONLY = re.compile(r"&&?|;.*|.*(?<!\\);", re.DOTALL)
"""Words that separate commands in sh; inside a word, these characters are text."""


class GrammarError(UsageError):
    """A line that can't be parsed.

    :param number: the line's number in its text, from 1
    :param incomplete: whether more text could complete it
    """

    def __init__(self, message: str, number: int = 1, *, incomplete: bool = False) -> None:
        super().__init__(message)
        self.number = number
        self.incomplete = incomplete


@dataclass(frozen=True)
class Line:
    """A logical line: one command with its continuations and its heredoc.

    :param text: the command, without the heredoc's body
    :param number: its first physical line's number, from 1
    :param body: the heredoc's body, None without one
    """

    text: str
    number: int = 1
    body: bytes | None = None


@dataclass
class Words:
    """A line's parts.

    :param words: the command and its arguments, unquoted and expanded
    :param spelled: the same as they were typed
    :param output: the file that the output goes to
    :param append: whether it is added to what the file holds
    :param input: the file that standard input comes from
    :param pipe: the sh command that the output goes to
    """

    words: list[str] = field(default_factory=list)
    spelled: list[str] = field(default_factory=list)
    output: str | None = None
    append: bool = False
    input: str | None = None
    pipe: str | None = None


def split(text: str, *, typed: bool = False) -> list[Line]:
    """Split a text into logical lines; blank lines and comments are left out.

    :param typed: an empty line after a backslash ends the command, since the next line has been typed too
    :raises GrammarError: when a quote, a heredoc or the last line is not closed, or a line is too long
    """
    return list(_split(text, typed))


def is_incomplete(text: str) -> bool:
    """Tell whether a typed text continues on the next line."""
    return bool(what_is_open(text))


def what_is_open(text: str) -> str:
    """Explain why a typed text continues on the next line; empty if it doesn't."""
    try:
        split(text, typed=True)
    except GrammarError as error:
        return error.message if error.incomplete else ""
    return ""


def _split(text: str, typed: bool) -> Iterator[Line]:
    at, number = 0, 1
    while at < len(text):
        command = _find_end(text, at, number, typed)
        after, body = min(command.end + 1, len(text)), None
        if len(command.heredocs) > 1:
            raise GrammarError("a line has one heredoc at most", number)
        if command.heredocs:
            after, body = _body(text, after, command.heredocs[0], number)
        if not command.blank:
            yield Line(text[at : command.end], number, body)
        number += text.count("\n", at, after)
        at = after


@dataclass
class _Command:
    """The end of a logical line's command, the heredocs that it opens, and whether it is empty."""

    end: int
    heredocs: list[str] = field(default_factory=list)
    blank: bool = True


def _find_end(text: str, at: int, number: int, typed: bool) -> _Command:
    command = _Command(at)
    if text[at] != "#" and len(text) - at > LONGEST and text.find("\n", at, at + LONGEST + 1) < 0:
        raise _too_long(number)
    if verbatim := VERBATIM.match(text, at):
        command.end = _REST.match(text, verbatim.end()).end()  # type: ignore[union-attr]  # it matches the empty string
        command.blank = False
        open_ended = _TRAILING.search(text, max(at, command.end - 1000), command.end) is not None
    else:
        # A backslash before the last line end of a file continues nothing; in what is typed, an empty line ends it.
        open_ended = _scan(text, at, number, command) == "join" and not typed
    if command.end - at > LONGEST:
        raise _too_long(number)
    if open_ended and command.end == len(text):
        raise _nothing_follows(number)
    return command


def _scan(text: str, at: int, number: int, command: _Command) -> str:
    """Scan the tokens of a logical line, and return the kind of the last one."""
    last, in_word, piped = "", False, False
    while command.end < len(text) and command.end - at <= LONGEST:
        if text[command.end] == "#" and not in_word:
            command.end = _COMMENT.match(text, command.end).end()  # type: ignore[union-attr]  # it starts with a #
            continue
        token = TOKEN.match(text, command.end)
        if token is None:
            line = number + text.count("\n", at, command.end)
            raise _not_closed(text[command.end], line) if text[command.end] != "\\" else _nothing_follows(line)
        last = token.lastgroup or ""
        if last == "newline":
            break
        if last == "heredoc" and not piped:
            command.heredocs.append(token.group())
        piped = piped or token.group() == "|"
        in_word = (in_word and last == "join") or last not in ("space", "operator", "heredoc", "join")
        command.blank = command.blank and last in ("space", "join")
        command.end = token.end()
    return last


def _too_long(number: int) -> GrammarError:
    return GrammarError(f"a line of over {LONGEST} characters; give long text as a heredoc or a file", number)


def _not_closed(quote: str, number: int) -> GrammarError:
    return GrammarError(f"the quote {quote} isn't closed", number, incomplete=True)


def _nothing_follows(number: int) -> GrammarError:
    message = "the text ends after a backslash, which continues the line"
    return GrammarError(message, number, incomplete=True)


def _body(text: str, at: int, heredoc: str, number: int) -> tuple[int, bytes]:
    """Read a heredoc's body; return the position after it, and the body."""
    dash, _, tag = _HEREDOC.fullmatch(heredoc).groups()  # type: ignore[union-attr]  # the token's pattern is narrower
    lines: list[str] = []
    while at < len(text):
        newline = text.find("\n", at)
        end = len(text) if newline < 0 else newline
        line = text[at:end]
        bare = line.removesuffix("\r")
        if dash:
            line, bare = line.lstrip("\t"), bare.lstrip("\t")
        at = min(end + 1, len(text))
        if bare == tag:
            return at, "".join(lines).encode("utf-8", "surrogateescape")
        lines.append(f"{line}\n")
    raise GrammarError(f"the heredoc isn't closed; end it with the line {tag}", number, incomplete=True)


def parse(text: str, expand: Expand | None = None) -> Words:
    """Split a logical line's command into words, and separate its redirects and its pipe.

    :param expand: gives the values of ``${NAME}``; without it, that is plain text
    :raises UsageError: when a redirect lacks its file, or the line uses what only sh has
    """
    if verbatim := VERBATIM.match(text):
        command = text[verbatim.end() :].rstrip("\r")
        return Words(["shell", command], ["shell", command])
    stripped = text.lstrip()
    if stripped[:1] in _SHORTCUTS:
        rest = f"\\{stripped[1:]}" if stripped[1:2] == "#" else stripped[1:]  # it begins no comment
        text = f"{_SHORTCUTS[stripped[0]]} {rest}"
    return _Parser(text, expand).run()


def _only_in_sh(operator: str) -> UsageError:
    return UsageError(f"{operator} isn't supported: write one command per line, or quote it if it's text")


def take_word(text: str, expand: Expand | None = None) -> tuple[str, str] | None:
    """Return the first word of a command, unquoted and expanded, and the text after it; None if it has no word.

    :raises UsageError: if a name in it isn't defined
    """
    return _Parser(text, expand).take()


class _Parser:
    """A single pass over a line."""

    def __init__(self, text: str, expand: Expand | None) -> None:
        self._text = text
        self._expand = expand
        self._words = Words()
        self._parts: list[str] | None = None  # of the word at hand; None between words
        self._start = 0
        self._redirect = ""  # the operator that waits for its file

    def run(self) -> Words:
        """Split the line into words, and keep what follows a pipe for the shell.

        :raises UsageError: if a quote isn't closed, or the line needs the syntax of sh
        """
        position = 0
        while position < len(self._text):
            if self._text[position] == "#" and self._parts is None:
                position = _COMMENT.match(self._text, position).end()  # type: ignore[union-attr]  # it starts with a #
                continue
            token = TOKEN.match(self._text, position)
            if token is None:
                raise _not_closed(self._text[position], 1) if self._text[position] != "\\" else _nothing_follows(1)
            if token.group() == "|":
                if self._text.startswith("|", token.end()):
                    raise _only_in_sh("||")
                self._end_word(position)
                self._pipe(self._text[token.end() :].strip())
                break
            self._take(token)
            position = token.end()
        self._end_word(position)
        if self._redirect:
            raise UsageError(f"{self._redirect} lacks its file")
        if self._words.output is not None and self._words.pipe is not None:
            raise UsageError("the output goes to a file or to a pipe, not to both")
        return self._words

    def take(self) -> tuple[str, str] | None:
        """Return the first word, and the text after it; None if the text has no words."""
        position = 0
        while position < len(self._text) and not self._words.words:
            token = TOKEN.match(self._text, position)
            if token is None or token.lastgroup in ("operator", "heredoc"):
                break
            self._take(token)
            position = token.end()
        else:
            self._end_word(position)
        return (self._words.words[0], self._text[position:]) if self._words.words else None

    def _take(self, token: re.Match[str]) -> None:
        kind, text = token.lastgroup, token.group()
        if kind == "join":
            return
        if kind in ("space", "newline", "heredoc"):
            self._end_word(token.start())
        elif kind == "operator":
            self._operator(text, token.start())
        else:
            if self._parts is None:
                self._parts, self._start = [], token.start()
            self._parts.append(self._value(kind, text))

    def _value(self, kind: str | None, text: str) -> str:
        if kind == "escape":
            return text[1:]
        if kind == "single":
            return text[1:-1]
        if self._expand is None:
            return self._unexpanded(kind, text)
        if kind == "double":
            return IN_DOUBLE.sub(self._in_double, text[1:-1])
        if kind == "expansion":
            return "${" if text == "$${" else self._expand(text[2:-1])
        return text

    @staticmethod
    def _unexpanded(kind: str | None, text: str) -> str:
        if kind == "double":
            return _ESCAPED_IN_DOUBLE.sub(lambda match: match[1] or "", text[1:-1])
        return _ESCAPED.sub(r"\1", text) if kind == "expansion" else text

    def _in_double(self, match: re.Match[str]) -> str:
        escaped, literal, name = match.groups()
        if escaped is not None:
            return "" if escaped.endswith("\n") else escaped
        assert self._expand is not None
        return "${" if literal else self._expand(name)

    def _operator(self, text: str, at: int) -> None:
        if self._parts is not None and text != "<" and self._text[self._start : at] in ("1", "2"):
            raise UsageError(f"{self._text[self._start : at]}{text} is sh's: here only standard output is redirected")
        self._end_word(at)
        if self._redirect:
            raise UsageError(f"{self._redirect} lacks its file")
        self._redirect = text

    def _end_word(self, at: int) -> None:
        if self._parts is None:
            return
        word, spelled = "".join(self._parts), self._text[self._start : at]
        self._parts = None
        if self._redirect:
            self._redirect_to(word, spelled)
        elif _SH_ONLY.fullmatch(spelled):
            raise _only_in_sh(spelled if spelled[0] == "&" else ";")
        else:
            self._words.words.append(word)
            self._words.spelled.append(spelled)

    def _redirect_to(self, word: str, spelled: str) -> None:
        operator, self._redirect = self._redirect, ""
        if not word or spelled.startswith("&"):
            raise UsageError(f"{operator} lacks its file")
        if operator == "<":
            self._words.input = word
        elif self._words.output is not None:
            raise UsageError("the output goes to one file")
        else:
            self._words.output, self._words.append = word, operator == ">>"

    def _pipe(self, command: str) -> None:
        if not command or not self._words.words:
            raise UsageError("a command is missing before or after |")
        self._words.pipe = command
