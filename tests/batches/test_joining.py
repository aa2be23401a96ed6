"""Joining results: headers, JSON arrays, line ends, a column of names, and results that wait."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import pytest

from storlet_shell.batches.joining import spool
from storlet_shell.batches.joining.joiner import CSV, JSON_LINES, TSV, Joiner
from storlet_shell.batches.joining.spool import Spool
from storlet_shell.errors import ServiceError, StorletShellError
from storlet_shell.values import ObjectPath


def joined(*bodies: bytes, suffix: str = ".csv", **options: Any) -> tuple[bytes, str]:
    """Join bodies of objects ``c/0.csv`` and so on, each in chunks of three bytes; return the result and its type."""
    file = io.BytesIO()
    joiner = Joiner(file, **options)
    for number, body in enumerate(bodies):
        joiner.add(ObjectPath("c", f"{number}{suffix}"), [body[at : at + 3] for at in range(0, len(body), 3)])
    assert joiner.size == len(file.getvalue())
    return file.getvalue(), joiner.content_type


@pytest.mark.parametrize(
    ("bodies", "expected"),
    [
        ((b"a,b\n1,2\n", b"a,b\n3,4\n"), b"a,b\n1,2\n3,4\n"),
        ((b"a,b\n1,2", b"a,b\r\n3,4"), b"a,b\n1,2\n3,4"),
        ((b"", b"a,b\n", b"", b"a,b", b"a,b\n5,6\n"), b"a,b\n5,6\n"),
        ((b"\xef\xbb\xbfa,b\n1,2\n", b"\xef\xbb\xbfa,b\n3,4\n"), b"\xef\xbb\xbfa,b\n1,2\n3,4\n"),
        ((b'"a\nb",c\n1,2\n', b'"a\nb",c\n3,4\n'), b'"a\nb",c\n1,2\n3,4\n'),
        ((b"Lima,17\n", b"Lima,17\n"), b"Lima,17\nLima,17\n"),
        ((b"2026-11-29,x\n", b"2026-11-29,y\n"), b"2026-11-29,x\n2026-11-29,y\n"),
    ],
    ids=["headers", "no line end", "empty", "byte order mark", "line end in quotes", "numbers", "dates"],
)
def test_tables_keep_one_header(bodies: tuple[bytes, ...], expected: bytes) -> None:
    """If the first one begins with a header: several different names, and no numbers or dates."""
    assert joined(*bodies) == (expected, CSV)


def test_another_header_is_refused_and_nothing_of_it_written() -> None:
    """It is a table of another kind; the message shows both headers."""
    file = io.BytesIO()
    joiner = Joiner(file)
    joiner.add(ObjectPath("c", "1.csv"), [b"a,b\n1,2"])
    with pytest.raises(StorletShellError, match=r"its header is 'a,c', but that of path:/c/1.csv is 'a,b'"):
        joiner.add(ObjectPath("c", "2.csv"), [b"a,c\n3,4\n"])
    joiner.add(ObjectPath("c", "3.csv"), [b"a,b\n5,6"])
    assert file.getvalue() == b"a,b\n1,2\n5,6"


@pytest.mark.parametrize(
    ("header", "expected"),
    [("once", b"a\n1\n2\n"), ("keep", b"a\n1\na\n2\n"), ("none", b"1\n2\n"), (None, b"a\n1\na\n2\n")],
)
def test_header_can_be_chosen(header: str | None, expected: bytes) -> None:
    """For results of any name; without a choice, these aren't tables."""
    assert joined(b"a\n1\n", b"a\n2\n", suffix="", header=header)[0] == expected


def test_arrays_become_lines_spelled_as_they_were() -> None:
    """Numbers keep their digits, and blanks in strings stay; objects of JSON join them."""
    bodies = (b'[{"a": 1.10},\n  {"b":\n "x  y"}]', b" []\n", b'{"c": 3}', b"[1, 2.0]")
    assert joined(*bodies, suffix=".json") == (b'{"a": 1.10}\n{"b": "x  y"}\n{"c": 3}\n1\n2.0\n', JSON_LINES)


def test_text_that_begins_like_an_array_stays() -> None:
    """A log, say."""
    bodies = (b"[2026-11-29] one\n", b'["two\n', b"[3] x", b"[1,2] and more")
    assert joined(*bodies, suffix=".log")[0] == b'[2026-11-29] one\n["two\n[3] x\n[1,2] and more'


def test_bytes_are_joined_as_they_are() -> None:
    """No line end is added to what isn't text; to text, only between two results."""
    assert joined(b"\0a,b", b"\0a,b") == (b"\0a,b\0a,b", "")
    assert joined(b"one", b"two\n", b"three", suffix="") == (b"one\ntwo\nthree", "")


def test_names_become_a_column() -> None:
    """In front of every record, whatever the separator, and of every line of JSON."""
    table, kind = joined(b'a\tb\n1\t"x\ny"\n', b"a\tb\n3\t4", suffix=".tsv", name_column="object")
    assert (table, kind) == (b'object\ta\tb\n0.tsv\t1\t"x\ny"\n1.tsv\t3\t4', TSV)
    lines, _ = joined(b'[{"a": 1}, {}]', b'{"b": 2}\n\n{"c": 3}\n', suffix=".json", name_column="of")
    assert lines == b'{"of": "0.json", "a": 1}\n{"of": "0.json"}\n{"of": "1.json", "b": 2}\n{"of": "1.json", "c": 3}\n'
    for body in (b"plain\n", b"\0", b"[1]"):
        with pytest.raises(StorletShellError, match="can't add the column of"):
            joined(body, suffix=".txt", name_column="of")


def test_results_wait_and_their_space_is_reused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small ones in memory up to a limit; the file has no name, and grows no further than what waits at one time."""
    monkeypatch.setattr(spool, "_MEMORY_BYTES", 10)
    held = Spool(str(tmp_path))
    large = bytes(range(256)) * 3000
    for _ in range(3):
        first, second, third = held.write([b"small"]), held.write([large[:7], large[7:]]), held.write([b"beyond ten"])
        assert (first.content, second.content, third.content) == (b"small", b"", b"")
        assert [b"".join(held.read(result)) for result in (second, first, third)] == [large, b"small", b"beyond ten"]
    assert held._block_count == 4
    assert list(tmp_path.iterdir()) == []
    assert pickle.loads(pickle.dumps(held)) is None, "another process returns results in its outcomes"
    held.close()
    with pytest.raises(ServiceError, match="cancelled"):
        held.write([large])
