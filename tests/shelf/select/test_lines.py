"""The lines of CSV: splitting them gives what ``csv`` gives, wherever blocks of an object begin."""

from __future__ import annotations

import csv
import io
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storlet_shell.shelf.select import opening
from storlet_shell.shelf.select.formats import TextRows
from storlet_shell.shelf.select.lines import Lines
from storlet_shell.shelf.select.opening import Opened
from storlet_shell.shelf.select.plan import Plan
from storlet_shell.shelf.select.report import Report

PLAN = '{{"v": 1, "columns": [], "rows": [], "csv": {{"header": true, "delimiter": ",", "quote": "{quote}"}}}}'


class Pieces(io.BytesIO):
    """A file that gives some bytes at a time."""

    def __init__(self, data: bytes, size: int) -> None:
        super().__init__(data)
        self._size = size

    def read(self, _size: int | None = -1, /) -> bytes:
        """Read a piece, whatever size is asked for."""
        return super().read(self._size)

    read1 = read


def rows(data: bytes, size: int, quote: str = '\\"') -> tuple[list[list[str]], int]:
    """Return the rows of CSV that is read in pieces of a size, and how many were malformed."""
    report = Report(False)
    with patch.object(opening, "_HEAD_BYTES", size):
        source = TextRows(Opened(Pieces(data, size)), Plan(PLAN.format(quote=quote)), report)
    found: list[list[str]] = [source.names]
    for batch in source.batches():
        found += batch
    return found, report.malformed


def rows_of_csv(*arguments: Any) -> tuple[list[list[str]], int]:
    """Return the same with every line left to ``csv``."""
    with patch.object(Lines, "take_plain", lambda _: []):
        return rows(*arguments)


parts = st.lists(st.sampled_from(["a", "é", ",", '"', '"x\r\ny"', "\n", "\r\n", "\r", "1,2\n", "3,4\r\n"]), max_size=40)


@given(parts, st.integers(1, 30), st.sampled_from(['\\"', ""]))
def test_rows_are_those_of_csv(drawn: list[str], size: int, quote: str) -> None:
    """Quotes, blank lines and odd line ends send a block to ``csv``; the others are split."""
    data = ("a,b\n" + "".join(drawn)).encode()
    assert rows(data, size, quote) == rows_of_csv(data, size, quote)


@given(parts, st.integers(1, 30))
def test_blocks_change_nothing(drawn: list[str], size: int) -> None:
    """The rows don't depend on how an object is read."""
    data = ("a,b\n" + "".join(drawn)).encode()
    assert rows(data, size) == rows(data, 2**16)


def test_plain_blocks_are_split(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most rows without quotes don't reach ``csv``, those after quoted ones included."""
    split: list[str] = []
    take_plain = Lines.take_plain

    def counting(lines: Lines) -> list[str]:
        taken = take_plain(lines)
        split.extend(taken)
        return taken

    monkeypatch.setattr(Lines, "take_plain", counting)
    plain = b"".join(b"%d,x\r\n" % number for number in range(2000))
    found, malformed = rows(b"a,b\n" + plain + b'1,"q\r\nr"\n' + plain, 4096)
    assert (len(found), malformed) == (4002, 0)
    assert found[2001] == ["1", "q\r\nr"]
    assert len(split) > 3000
    assert split[-1] == "1999,x"


def test_rows_of_one_column() -> None:
    """A blank line is no row, and an object may end without a line end."""
    assert rows(b"a\n1\n\n2", 3) == rows_of_csv(b"a\n1\n\n2", 3) == ([["a"], ["1"], ["2"]], 0)


def reference(data: bytes) -> list[list[str]]:
    """Return the rows that ``csv`` finds in a whole text."""
    return [row for row in csv.reader(io.StringIO(data.decode(), "\n"), strict=True) if row]


def test_whole_text_gives_the_same() -> None:
    """Over quoted fields with line ends, at every size of the pieces."""
    data = 'a,b\n1,"x\ny"\n"é,",2\n3,""""\n'.encode()
    for size in range(1, len(data) + 1):
        assert rows(data, size) == (reference(data), 0)
