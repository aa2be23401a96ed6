"""Responses that Swift never sends but a proxy or another server might: read as far as possible, or refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from storlet_shell.adapters.script.scope import Scope
from storlet_shell.adapters.terminal.bodies import preview
from storlet_shell.commands.arguments import parse_count
from storlet_shell.errors import UsageError
from storlet_shell.results.page.bodies import view
from storlet_shell.results.page.head import Head
from storlet_shell.results.response import Response
from storlet_shell.spec.registry import Registry
from storlet_shell.storlets.excerpts import with_code
from storlet_shell.values import ByteRange
from tests.support.lines import Runner, one_line
from tests.support.responder import USER, Answer, Responder, ok

REGISTRY = Registry()
LONG = "9" * 5000
"""More digits than Python makes a number of."""


@pytest.mark.parametrize(
    ("words", "answer", "said"),
    [
        ("stat c", ok(), "container: path:/c\n"),
        ("stat c/o", ok(X_Object_Manifest="p/q"), "everything that starts with p/q\n"),
        ("stat c/o", ok(Content_Location="http://[/v1"), "object: path:/c/o\n"),
        ("stat c/o", ok(Content_Location="elsewhere"), "object: path:/c/o\n"),
        ("stat c/o", Answer(length=LONG), "object: path:/c/o\n"),
        ("stat c", ok(X_Container_Bytes_Used=LONG), "container: path:/c\n"),
        ("storlets show s.py", Answer(length="5x"), "name: s.py\n"),
        ("dependencies show d.py", Answer(length="5x"), "name: d.py\n"),
    ],
)
def test_facts_are_told_as_far_as_they_are_known(
    run_scripted: Runner, responder: Responder, words: str, answer: Answer, said: str
) -> None:
    """What is missing or malformed among the headers is left out."""
    responder.on("HEAD", "*", answer)
    responder.on("GET", "*", ok(b"[]"))
    outcome = run_scripted(*words.split())
    assert (outcome.status, outcome.err) == (0, "")
    assert said in outcome.text
    assert LONG not in outcome.text
    assert "5x" not in outcome.text
    assert "None" not in outcome.text


@pytest.mark.parametrize("length", ["5x", "\N{ARABIC-INDIC DIGIT FIVE}", LONG])
def test_length_that_is_no_number_is_none(run_scripted: Runner, responder: Responder, length: str) -> None:
    """The body goes on to where the connection ends."""
    responder.on("GET", "/c/o", Answer(200, b"hello", length=length, end="cut"))
    outcome = run_scripted("get", "c/o")
    assert (outcome.status, outcome.out, outcome.err) == (0, b"hello", "")


@pytest.mark.parametrize(
    "listing", ['[{"name": 5}]', '[{"name": "a", "bytes": "x"}]', '[{"subdir": ["x"]}]', "[" * 50_000, "{", "[5]"]
)
def test_listing_that_is_none_is_5(run_scripted: Runner, responder: Responder, listing: str) -> None:
    """Also one whose entries are of other types, or one in another without end."""
    responder.on("GET", "/c", ok(listing.encode()))
    outcome = run_scripted("ls", "-l", "c")
    assert outcome.status == 5
    assert "the server's response isn't a listing" in one_line(outcome)


def test_name_that_the_output_can_not_hold_is_told(responder: Responder) -> None:
    """Any letter where standard output is in an older encoding; half a pair of surrogates is escaped everywhere."""
    responder.on("GET", "/c", ok(b'[{"name": "\\ud800"}, {"name": "\\u00e9"}]'), ok(b"[]"))
    environ = {**os.environ, "PYTHONIOENCODING": "ascii", "OS_STORAGE_URL": responder.storage_url, "OS_AUTH_TOKEN": "t"}
    line = [sys.executable, "-m", "storlet_shell", "ls", "c"]
    ended = subprocess.run(line, env=environ, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, "\\ud800\n")
    assert "can't write the result: standard output uses ascii, which can't encode '\\xe9'" in ended.stderr


@pytest.mark.parametrize("told", [[], 5, {"swift": [], "storlet_handler": 5}, {"swift": {"policies": [5]}}])
def test_cluster_that_tells_of_itself_in_other_types(run_scripted: Runner, responder: Responder, told: object) -> None:
    """Names are then those that Swift comes with, and what is no section is not told."""
    responder.on("GET", "/info", ok(json.dumps(told).encode()))
    responder.on("HEAD", "*", ok())
    shown = run_scripted("storlets", "show", "s.py")
    assert (shown.status, shown.err) == (0, "")
    assert "container: storlet\n" in shown.text
    assert run_scripted("info").status == (0 if "policies" in str(told) else 5)


def test_line_ends_in_headers_are_none(run_scripted: Runner, responder: Responder) -> None:
    """A folded line, or a lone carriage return, makes no further line of what is shown."""
    responder.on("HEAD", "/c/o", ok(Content_Type="\r text/plain"), ok(status=403, X_Trans_Id="\r tx1\x1c2"))
    assert run_scripted("stat", "c/o").text == "object: path:/c/o\nbytes: 0\ntype: text/plain\n"
    assert one_line(run_scripted("stat", "c/o")).endswith(" (transaction tx1 2)")


def test_limits_of_other_types_are_those_that_swift_comes_with(run_scripted: Runner, responder: Responder) -> None:
    """An upload asks for them."""
    told = {"swift": {"max_file_size": "large"}, "slo": {"max_manifest_segments": None}}
    responder.on("GET", "/info", ok(json.dumps(told).encode()))
    responder.on("PUT", "/c/o", ok(status=201))
    assert run_scripted("put", "/dev/null", "c/o").status == 0


@pytest.mark.parametrize("seconds", [LONG, "9" * 18])
def test_token_that_is_good_for_ever(run_scripted: Runner, responder: Responder, seconds: str) -> None:
    """As long as dates can tell."""
    headers = {"X_Auth_Token": "t", "X_Storage_Url": responder.storage_url, "X_Auth_Token_Expires": seconds}
    responder.on("GET", "/auth", ok(**headers))
    responder.on("HEAD", "*", ok(status=204))
    outcome = run_scripted("whoami")
    assert (outcome.status, outcome.err) == (0, "")
    assert USER in outcome.text


def test_type_drives_no_terminal() -> None:
    """What stands for a body that a terminal can't show repeats the server's own words."""
    response = Response(200, {"Content-Type": "image/png\x1b]0;x\x07", "Content-Length": "8\x9b1m"})
    assert all(line.isprintable() for line in preview(b"\x89PNG", response).split("\n"))


def test_table_of_no_text() -> None:
    """A byte order mark alone is a body, and no text."""
    shown = view(Head(b"\xff\xfe", True, 2, "text/csv", "utf-16"))
    assert shown.text == []


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (ByteRange.parse, f"{LONG}-"),
        (parse_count, LONG),
        (partial(Scope("FILE").expand, variables={}), LONG),
        (REGISTRY.get("upload").call, ["x", "c", "--segment-size", f"{LONG}M"]),
    ],
    ids=["range", "count", "argument", "size"],
)
def test_number_of_too_many_digits_is_a_wrong_word(read: Callable[[object], object], text: object) -> None:
    """And no traceback, where a number is typed."""
    with pytest.raises(UsageError):
        read(text)


def test_line_of_too_many_digits_is_no_line() -> None:
    """A storlet's log says what it likes."""
    details = f'File "s.py", line {LONG}'
    assert with_code(details, {"s.py": "x"}) == details


@pytest.mark.parametrize("body", [b"a", b"abc"])
@pytest.mark.parametrize("chunked", [False, True])
def test_part_has_as_many_bytes_as_it_says(
    run_scripted: Runner, responder: Responder, tmp_path: Path, body: bytes, chunked: bool
) -> None:
    """Some server before Swift may cut a range short, or send more than is asked for; a file stays as it was then."""
    file = tmp_path / "o"
    file.write_bytes(b"old")
    responder.on("GET", "/c/o", Answer(206, body, (("Content-Range", "bytes 0-1/6"),), chunked=chunked))
    outcome = run_scripted("get", "c/o", "--range", "0-1", "--save", str(file))
    assert outcome.status == 5
    assert "but 2 expected" in one_line(outcome)
    assert file.read_bytes() == b"old"
