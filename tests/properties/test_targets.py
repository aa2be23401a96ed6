"""The fuzzer's targets with hypothesis's input: lines, command files, words of commands, responses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz import lines, responses, scripts
from storlet_shell.errors import StorletShellError
from storlet_shell.spec.command import Call, Command
from storlet_shell.spec.registry import Registry

PIECES = st.sampled_from(
    [
        *("get", " ", "'", '"', "\\", "\n", "\\\n", "<<E", "<<-E", "E\n", ">", ">>", "<", "|", "#", "!", "@", "?", "$"),
        *("$$", "{", "}", "${x}", "{x}", "\t", "\r", "a", "ü", "\u00a0", "&&", ";", "2>", "path:/c/o", "shell "),
    ]
)

pytestmark = pytest.mark.slow
TEXTS = st.lists(PIECES, max_size=14).map("".join) | st.text(max_size=40)
COMMANDS = tuple(Registry())
OPTIONS = tuple(
    dict.fromkeys(
        flag for one in COMMANDS for line in one.lines for arg in line.args for flag in arg.flags if flag[0] == "-"
    )
)
WORDS = st.sampled_from(
    [
        *(
            *OPTIONS,
            "--",
            "-",
            "",
            "c",
            "c/o",
            "path:/c/o",
            "path:/c/**",
            "path:/o/{path}",
            "s.py",
            "a=b",
            "a:b",
            "1-2",
        ),
        *("show", "list", "rm", "grant", "start", "a.B", "5", "-o", "x", "--range=1-2", "\udcff", "\ud800", "\0"),
    ]
) | st.text(max_size=8).filter(lambda word: word not in ("-h", "--help"))


@given(TEXTS)
def test_any_text_is_lines_or_one_error(text: str) -> None:
    """And all that the target says of lines and words."""
    lines.check(text.encode("utf-8", "surrogatepass"))


@given(st.lists(st.lists(WORDS | TEXTS, max_size=6).map(" ".join), max_size=4).map("\n".join))
def test_any_command_file_is_read(text: str) -> None:
    """And all that the target says of its complaints."""
    scripts.check(text.encode("utf-8", "surrogatepass"))


@given(st.sampled_from(COMMANDS), st.lists(WORDS, max_size=6))
def test_any_words_are_a_call_or_one_error(command: Command, words: list[str]) -> None:
    """For every command."""
    try:
        assert isinstance(command.call(words), Call)
    except StorletShellError as error:
        assert len(str(error).splitlines()) == 1


HEADERS = st.tuples(
    st.sampled_from(["Content-Length", "Content-Type", "Content-Range", "ETag", "Retry-After", "X-Trans-Id"])
    | st.sampled_from(["Content-Location", "X-Object-Manifest", "X-Storlet-Shell-Failure", "X-Container-Read"]),
    st.sampled_from(["5", "text/csv", "application/json", "image/png", "bytes 2-5/9", "storlet", "True", "1.5"])
    | st.text(st.characters(max_codepoint=255), max_size=10),
).map(lambda pair: f"{pair[0]}: {pair[1]}\r\n".encode("latin-1"))
ANSWERS = st.builds(
    lambda status, headers, body: b"HTTP/1.1 %d X\r\n%b\r\n%b" % (status, b"".join(headers), body),
    st.sampled_from([200, 201, 204, 206, 304, 400, 401, 403, 404, 416, 429, 498, 500, 503, 507])
    | st.integers(100, 999),
    st.lists(HEADERS, max_size=4),
    st.binary(max_size=30)
    | st.sampled_from([b"hello", b"[]", b"5\r\nhello\r\n0\r\n\r\n", b'{"a": [1]}', b"a,b\n1,2\n"]),
)


@given(st.binary(min_size=2, max_size=2), st.lists(ANSWERS, max_size=3).map(b"".join))
def test_any_answers_are_a_result_or_one_error(chosen: bytes, answers: bytes) -> None:
    """And all that the target says of what is shown."""
    responses.check(chosen + answers)
