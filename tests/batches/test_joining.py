"""Joining results: headers, JSON arrays, line ends, a column of names, and results that wait."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from storlet_shell.batches.joining import arrays, spool
from storlet_shell.batches.joining.joiner import CSV, JSON_LINES, TSV, Joiner
from storlet_shell.batches.joining.spool import Spool
from storlet_shell.errors import LocalFileError, ServiceError, StorletShellError
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
        ((b"a,b\n1,2\n", b'"a","b"\n3,4\n'), b"a,b\n1,2\n3,4\n"),
        ((b"a,b\n1,2", b"x,y\n\n", b"a,b\n\n3,4\n"), b"a,b\n1,2\n\n3,4\n"),
        ((b",b\n1,2\n", b",b\n3,4\n"), b",b\n1,2\n3,4\n"),
        ((b"\r\n\na,b\n1,2\n", b"a,b\n3,4\n"), b"a,b\n1,2\n3,4\n"),
        (("ä,b\n1,2".encode("latin-1"), "ä,b\nö,4".encode("latin-1")), "ä,b\n1,2\nö,4".encode("latin-1")),
        ((b"a,b\n1,\0\n", b"a,b\n3,4\n"), b"a,b\n1,\0\n3,4\n"),
        ((b'a 5",b\n1,2\n', b'a 5",b\n3,4\n'), b'a 5",b\n1,2\n3,4\n'),
    ],
    ids=[
        "headers",
        "no line end",
        "empty",
        "byte order mark",
        "line end in quotes",
        "numbers",
        "dates",
        "other quotes",
        "another header without rows",
        "a name that is empty",
        "blank lines",
        "another charset",
        "a NUL",
        "a quotation mark in a field",
    ],
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


def test_kinds_that_do_not_go_together_are_refused() -> None:
    """JSON in the middle of a table, or a table after JSON; an empty array is nothing."""
    file = io.BytesIO()
    joiner = Joiner(file)
    joiner.add(ObjectPath("c", "1.csv"), [b"a,b\n1,2\n"])
    for body in (b'{"a": 1}\n', b"[1]"):
        with pytest.raises(StorletShellError, match="it is JSON, but results before it are CSV"):
            joiner.add(ObjectPath("c", "2.csv"), [body])
    joiner.add(ObjectPath("c", "3.csv"), [b"[]\n"])
    joiner.add(ObjectPath("c", "4.csv"), [b"a,b\n3,4\n"])
    assert (file.getvalue(), joiner.content_type) == (b"a,b\n1,2\n3,4\n", CSV)
    with pytest.raises(StorletShellError, match="it is CSV, but results before it are JSON"):
        joined(b"[1]", b"a,b\n")


def test_of_a_result_that_fails_midway_nothing_stays() -> None:
    """Neither its lines nor its header, whatever is wrong: reading it, a line, or the end of an array."""

    def chunks() -> Iterator[bytes]:
        yield b"a,b\n" + b"1,2\n" * 20000
        raise LocalFileError("on purpose")

    file = io.BytesIO()
    joiner = Joiner(file)
    with pytest.raises(LocalFileError):
        joiner.add(ObjectPath("c", "1.csv"), chunks())
    joiner.add(ObjectPath("c", "2.csv"), [b"x,y\n3,4"])
    assert (file.getvalue(), joiner.size) == (b"x,y\n3,4", 7)
    file = io.BytesIO()
    joiner = Joiner(file, name_column="of")
    with pytest.raises(StorletShellError, match="can't add the column of"):
        joiner.add(ObjectPath("c", "1"), [b'{"a": 1}\n3\n'])
    with pytest.raises(StorletShellError, match="it begins like a JSON array, but isn't one: '3' instead of"):
        joiner.add(ObjectPath("c", "2"), [b'[{"a": 1}', b', {"a": 1}' * 20000, b" 3"])
    assert (file.getvalue(), joiner.size) == (b"", 0)


def test_arrays_are_read_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """In memory for one element, of a limited length; strings, numbers, and characters may be cut anywhere."""
    content = b'[1, -2.5e3, "\xc3\xa4]\\u00e4\\\\", [[], {"a": [1,\n 2]}], true,null , {}]'
    lines = b'1\n-2.5e3\n"\xc3\xa4]\\u00e4\\\\"\n[[], {"a": [1, 2]}]\ntrue\nnull\n{}\n'
    for size in range(1, len(content) + 1):
        pieces = (content[at : at + size] for at in range(0, len(content), size))
        assert b"".join(arrays.lines_of_array(pieces)) == lines
    for end in range(len(content)):
        assert arrays.is_array(content[:end]) or end == 0
        with pytest.raises(arrays.NotAnArrayError):
            list(arrays.lines_of_array([content[:end]]))
    for body in (b"[1,]", b"[1] x", b"[1 2]", b"[,1]", b"[[a]]", b"[" * 100000, b'["\xff"]'):
        with pytest.raises(arrays.NotAnArrayError):
            list(arrays.lines_of_array([body]))
    monkeypatch.setattr(arrays, "LARGEST_ELEMENT", 10)
    with pytest.raises(arrays.NotAnArrayError, match="an element is longer than 10 characters"):
        list(arrays.lines_of_array([b'["', *([b"x"] * 30), b'"]']))


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
    table, _ = joined(b'\xef\xbb\xbfa;b\n5";1\n\n6;"x\n"";"\n', name_column="of")
    assert table == b'of;a;b\n0.csv;5";1\n0.csv;6;"x\n"";"\n'
    for body, suffix in ((b"a,b\n1,2\n", ".csv"), (b'{"c": 1}\n{"b": 2}\n', ".json")):
        with pytest.raises(StorletShellError, match="can't add the column b: the result has one; choose another name"):
            joined(body, suffix=suffix, name_column="b")
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
