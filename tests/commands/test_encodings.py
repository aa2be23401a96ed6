"""Code with a coding comment: the interpreter reads what was typed, and files are sent byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from storlet_shell.storlets.source import decode, encode_typed
from tests.support.lines import Runner, one_line
from tests.support.variants import fast_and_slow

CODE = """\
# -*- coding: {encoding} -*-
class Main:
    def __init__(self, logger):
        pass

    def __call__(self, in_files, out_files, params):
        in_files[0].read()
        out_files[0].set_metadata({{}})
        out_files[0].write('{text}'.encode())
"""


def code(encoding: str, text: str) -> str:
    """Return a storlet that writes a text, with a coding comment."""
    return CODE.format(encoding=encoding, text=text)


@pytest.fixture
def path(run: Runner, container: str) -> str:
    """Make an object."""
    assert run("upload", f"{container}/o", stdin=b"x").status == 0
    return f"{container}/o"


@pytest.mark.parametrize(
    ("encoding", "text"),
    fast_and_slow([("latin-1", "Größe é")], [("shift_jis", "日本"), ("utf-8", "Größe 日 €")]),
)
def test_storlet_of_a_heredoc_reads_as_it_was_typed(run: Runner, path: str, encoding: str, text: str) -> None:
    """In whatever encoding its comment names; a dry run reads the same."""
    body = f"<<EOF\n{code(encoding, text)}EOF\n"
    lines = f"deploy spelled.Main {body}get {path} --storlet spelled.py"
    assert run("-f", "-", stdin=lines.encode()).text.rpartition("\n")[2] == text
    dry = run("-f", "-", stdin=f"deploy spelled.Main --dry-run --input path:/{path} {body}".encode())
    assert dry.text.splitlines()[-1] == text


def test_upload_of_text_is_utf8_whatever_it_says(run: Runner, container: str) -> None:
    """An object is no storlet."""
    text = code("latin-1", "é")
    assert run("-f", "-", stdin=f"upload {container}/a.py <<EOF\n{text}EOF\n".encode()).status == 0
    assert run("get", f"{container}/a.py").out == text.encode()


@pytest.mark.parametrize("from_stdin", [False, True])
def test_bytes_of_a_file_are_deployed_as_they_are(run: Runner, path: str, tmp_path: Path, from_stdin: bool) -> None:
    """By its name, or by standard input; they are checked, and run, by the comment."""
    content = code("latin-1", "é").encode("latin-1")
    (tmp_path / "filed.py").write_bytes(content)
    words = ["filed.Main"] if from_stdin else [str(tmp_path / "filed.py")]
    assert run("deploy", *words, stdin=content if from_stdin else b"").status == 0
    assert run("get", "storlet/filed.py").out.rstrip(b"\n") == content.rstrip(b"\n")
    assert run("get", path, "--storlet", "filed.py").text == "é"


@pytest.mark.parametrize(
    ("encoding", "text", "message"),
    [
        ("latin-1", "5 €", "bad.py:9: '€' isn't in iso-8859-1, which the coding comment names; use utf-8"),
        ("ascii", "é", "bad.py:9: 'é' isn't in ascii, which"),
        ("nosuch", "é", "bad.py:1: unknown encoding: nosuch"),
        ("utf-16", "é", "bad.py: Python code can't be in utf-16, which the coding comment names; use utf-8"),
        ("cp037", "é", "bad.py: Python code can't be in cp037"),
        ("rot13", "é", "bad.py: Python code can't be in rot13"),
    ],
)
def test_encoding_that_can_not_be_is_one_line(run: Runner, encoding: str, text: str, message: str) -> None:
    """With the line of what it lacks; nothing is deployed."""
    outcome = run("-f", "-", stdin=f"deploy bad.Main <<EOF\n{code(encoding, text)}EOF\n".encode())
    assert outcome.status == 2
    assert message in one_line(outcome)
    assert run("get", "storlet/bad.py").status == 4


def test_code_is_shown_in_its_encoding() -> None:
    """Where a failure shows the lines around it."""
    assert decode(encode_typed(code("koi8-r", "день").encode(), "x.py")) == code("koi8-r", "день")
    assert decode(b"# coding: nosuch\n\xe9") == "# coding: nosuch\n\ufffd"


@pytest.mark.parametrize(
    "typed", [b"\xef\xbb\xbfx = '\xc3\xa9'", b"# coding: latin-1\n\xff", b"# coding: latin-1\nx ="]
)
def test_code_without_another_encoding_stays_as_it_is(typed: bytes) -> None:
    """With a byte order mark, as bytes that are no UTF-8, or as what is no Python: that is said elsewhere."""
    assert encode_typed(typed, "x.py") == typed
