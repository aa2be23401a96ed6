"""The grammar of a line."""

from __future__ import annotations

import time

import pytest

from storlet_shell.adapters.script.lines import LONGEST, GrammarError, Line, is_incomplete, parse, split
from storlet_shell.errors import UsageError


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("get --param k='v w' x", ["get", "--param", "k=v w", "x"]),
        (r"get a\ b", ["get", "a b"]),
        ("get 'a''b'", ["get", "ab"]),
        ("get \"a'b\" 'a\"b'", ["get", "a'b", 'a"b']),
        (r'get "a\"b" "a\\b" "a\b"', ["get", 'a"b', r"a\b", r"a\b"]),
        ("get x # note", ["get", "x"]),
        ("get c/a#1", ["get", "c/a#1"]),
        ("get a;b a&b", ["get", "a;b", "a&b"]),
        ("get ''", ["get", ""]),
        ("get a\\\n  b", ["get", "a", "b"]),
        ("get a\\\nb", ["get", "ab"]),
        ("get 'a\nb'", ["get", "a\nb"]),
        ("get $HOME ~ * ${X}", ["get", "$HOME", "~", "*", "${X}"]),
        ("get höher/中\u00a0文", ["get", "höher/中\u00a0文"]),
        (r'get "${a\"b\\c}" ${a\|b\}c}', ["get", r'${a"b\c}', "${a|b}c}"]),
        ("?get", ["help", "get"]),
        ("@file a", ["run_script", "file", "a"]),
        ("@#file", ["run_script", "#file"]),
    ],
)
def test_words_are_quoted_as_in_sh(text: str, words: list[str]) -> None:
    """Quotes, backslashes and comments mean what they mean in sh; nothing else is expanded."""
    assert parse(text).words == words


def test_redirects_and_pipes_are_taken_off() -> None:
    """A redirect may stand anywhere among the words, and everything after a | is sh's."""
    found = parse("get c/o >>'a file' --json")
    assert (found.words, found.output, found.append) == (["get", "c/o", "--json"], "a file", True)
    found = parse("put - c/o <in")
    assert (found.words, found.input) == (["put", "-", "c/o"], "in")
    found = parse("ls -l | sort '-k 2' | head > 'o' # sh's")
    assert (found.words, found.pipe, found.output) == (["ls", "-l"], "sort '-k 2' | head > 'o' # sh's", None)
    assert parse("!echo 'it | > #'").words == ["shell", "echo 'it | > #'"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ls >", "> lacks its file"),
        ("ls > > x", "> lacks its file"),
        ("ls > ''", "> lacks its file"),
        ("ls >&2", "> lacks its file"),
        ("ls > a > b", "the output goes to one file"),
        ("ls > a | b", "the output goes to a file or to a pipe, not to both"),
        ("ls |", "a command is missing before or after |"),
        ("| cat", "a command is missing before or after |"),
        ("ls 2>x", "2> is sh's: here only standard output is redirected"),
        ("ls && ls", "&& isn't supported: write one command per line, or quote it if it's text"),
        ("ls ; ls", "; isn't supported: write one command per line, or quote it if it's text"),
        ("ls c; ls d", "; isn't supported: write one command per line, or quote it if it's text"),
        ("ls 'c';", "; isn't supported: write one command per line, or quote it if it's text"),
        ("ls || ls", "|| isn't supported: write one command per line, or quote it if it's text"),
        ("ls||ls", "|| isn't supported: write one command per line, or quote it if it's text"),
        ("ls &", "& isn't supported: write one command per line, or quote it if it's text"),
    ],
)
def test_what_only_sh_has_is_refused(text: str, message: str) -> None:
    """A line that would do something else than in sh says so."""
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert str(caught.value) == message


def test_a_text_is_split_into_logical_lines() -> None:
    """Blank lines and comments go; continuations and heredocs belong to their line, which keeps its number."""
    text = "#!/bin/x\n\n  # note\nls \\\n  -l # why\n"
    text += "upload c/o <<EOF # body\n a 'b\n#c\\\nEOF\n!echo it's\r\nls 'a\nb'\nlast"
    assert split(text) == [
        Line("ls \\\n  -l # why", 4),
        Line("upload c/o <<EOF # body", 6, b" a 'b\n#c\\\n"),
        Line("!echo it's\r", 10),
        Line("ls 'a\nb'", 11),
        Line("last", 13),
    ]


@pytest.mark.parametrize(
    ("opening", "body", "content"),
    [
        ("<<EOF", "a\n\n b\n", b"a\n\n b\n"),
        ("<<'E O F'", "a\n", b"a\n"),
        ('<< "EOF"', "a\n", b"a\n"),
        ("<<-EOF", "\ta\n\t\tb\n", b"a\nb\n"),
        ("<<EOF", "", b""),
        ("<<EOF", " EOF\nEOF \n", b" EOF\nEOF \n"),
        ("<<EOF", "a\r\n", b"a\r\n"),
    ],
)
def test_a_heredoc_is_kept_byte_for_byte(opening: str, body: str, content: bytes) -> None:
    """A body is what stands before the line that is the tag; <<- takes leading tabs off."""
    tag = opening.strip("<-'\" ")
    assert split(f"upload c/o {opening}\n{body}{tag}\nls\n") == [
        Line(f"upload c/o {opening}", 1, content),
        Line("ls", 3 + body.count("\n")),
    ]


@pytest.mark.parametrize(
    ("text", "number", "message"),
    [
        ("ls\nget 'a\nb\n", 2, "the quote ' isn't closed"),
        ('ls\nls \\\n -l "a', 3, "the quote \" isn't closed"),
        ("ls\nupload c/o <<EOF\na\n", 2, "the heredoc isn't closed; end it with the line EOF"),
        ("ls\nls \\", 2, "the text ends after a backslash"),
        ("ls\nls \\\n", 2, "the text ends after a backslash"),
        ("ls\n!ls \\", 2, "the text ends after a backslash"),
        ("upload c/o <<A <<B\nA\nB\n", 1, "a line has one heredoc at most"),
    ],
)
def test_what_is_not_closed_is_named_with_its_line(text: str, number: int, message: str) -> None:
    """Whatever is open at the end of a text is told with the line that opened it."""
    with pytest.raises(GrammarError) as caught:
        split(text)
    assert caught.value.number == number
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("piece", ["a", "a ", "'", "''", "\\a", '"\\"', "$", "# ", "<", "|"])
def test_a_line_of_ten_megabytes_is_refused_at_once(piece: str) -> None:
    """A line that no command can be is refused in a moment, whatever it is made of."""
    started = time.monotonic()
    with pytest.raises(GrammarError, match=r"line of over|not closed") as caught:
        split("ls\nget " + piece * (10 * LONGEST // len(piece)) + "\n")
    assert caught.value.number == 2
    assert time.monotonic() - started < 5


def test_a_body_of_ten_megabytes_is_none_too_many() -> None:
    """A heredoc's body has no limit."""
    assert split(f"upload c/o <<EOF\n{'a' * 10**7}\nEOF\n")[0].body == b"a" * 10**7 + b"\n"


def test_names_are_expanded_as_one_word() -> None:
    """A name's value stays one word, is left alone in single quotes, and can be escaped."""

    def expand(name: str) -> str:
        return f"<{name} 'v>"

    assert parse('get ${A}b "${B} c" \'${C}\' \\${D} $${E} "$${F}" "\\${G}" > ${H}', expand).words == [
        "get",
        "<A 'v>b",
        "<B 'v> c",
        "${C}",
        "${D}",
        "${E}",
        "${F}",
        "${G}",
    ]
    assert parse("get x > ${H}", expand).output == "<H 'v>"
    assert parse("get x | grep ${H}", expand).pipe == "grep ${H}"


@pytest.mark.parametrize(
    ("text", "goes_on"),
    [
        ("ls", False),
        ("ls \\", True),
        ("ls \\\n", False),
        ("ls 'a", True),
        ("upload c/o <<E", True),
        ("upload c/o <<E\nE", False),
    ],
)
def test_a_typed_line_goes_on_while_something_is_open(text: str, goes_on: bool) -> None:
    """Enter makes a new line in an open quote, after a backslash, and in a heredoc."""
    assert is_incomplete(text) is goes_on
