"""``head`` and ``sample``: rows stay as they are, and the header with them."""

from __future__ import annotations

import csv
import gzip
import io
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storlet_shell.shelf.head import head
from storlet_shell.shelf.sample import sample
from tests.shelf.calls import call, opened, refusal

CSV = b'city,note\r\nOslo,"cold,\nwet"\r\n\r\nRome, hot \r\nLima,"a ""b"""\r\n'
JSON = b'\n{"a": 1}\n\n{"a":  2}\n{"a": 3}'
MANY = b"n\n" + b"".join(b"%d\n" % number for number in range(1000))


@pytest.mark.parametrize(
    ("data", "parameters", "result"),
    [
        (MANY, {}, MANY[: MANY.index(b"9\n")]),
        (CSV, {"lines": 2}, b'city,note\r\nOslo,"cold,\n'),
        (CSV, {"lines": 0}, b""),
        (b"a\nb", {"lines": 5}, b"a\nb"),
        (b"x" * 200_000 + b"\ny", {"lines": 1}, b"x" * 200_000 + b"\n"),
        (CSV, {"rows": 0}, b"city,note\r\n"),
        (CSV, {"rows": 1}, b'city,note\r\nOslo,"cold,\nwet"\r\n'),
        (CSV, {"rows": 2}, b'city,note\r\nOslo,"cold,\nwet"\r\nRome, hot \r\n'),
        (CSV, {"rows": 9}, CSV.replace(b"\r\n\r\n", b"\r\n")),
        (CSV, {"rows": 2, "header": False}, b'city,note\r\nOslo,"cold,\nwet"\r\n'),
        (b'a;b\n1;"x\ny"\n2;z\n', {"rows": 1, "delimiter": ";"}, b'a;b\n1;"x\ny"\n'),
        (b'a\tb\n1\t"x\ny"\n2\tz\n', {"rows": 1, "delimiter": "tab"}, b'a\tb\n1\t"x\ny"\n'),
        (JSON, {"rows": 2}, b'{"a": 1}\n{"a":  2}\n'),
        (JSON, {"rows": 5}, b'{"a": 1}\n{"a":  2}\n{"a": 3}'),
        (b"", {"rows": 1}, b""),
        (b"", {}, b""),
        (gzip.compress(CSV, mtime=0), {"rows": 0}, b"city,note\r\n"),
        (b"\xe9,b\n1,\xff\n", {"rows": 1}, b"\xe9,b\n1,\xff\n"),
    ],
)
def test_first_lines_or_rows(data: bytes, parameters: dict[str, object], result: bytes) -> None:
    """Lines end with a line feed, rows where CSV says; blank lines aren't rows."""
    assert call(head, data, **parameters) == result


def test_head_leaves_the_rest_unread() -> None:
    """The beginning of an object is enough."""
    source = opened(MANY * 1000)
    assert list(head(source, lines=1)) == [b"n\n"]
    assert source.tell() < 1_000_000


def test_sample_is_repeatable_and_in_order() -> None:
    """One seed stands for one sample; the header is on top."""
    first = call(sample, MANY, rows=50)
    rows = first.split()
    assert rows[0] == b"n"
    assert rows[1:] == sorted(set(rows[1:]), key=int)
    assert len(rows) == 51
    assert call(sample, MANY, rows=50) == first
    assert call(sample, MANY, rows=50, seed=1) != first


def test_objects_with_different_first_rows_are_sampled_independently() -> None:
    """Otherwise, a batch would take the same places of all its objects."""
    other = b"n\n" + b"".join(b"%d\n" % (number + 5000) for number in range(1000))
    places = [int(row) for row in call(sample, MANY, rows=50).split()[1:]]
    assert [int(row) - 5000 for row in call(sample, other, rows=50).split()[1:]] != places


@pytest.mark.parametrize("parameters", [{"rows": 5}, {"fraction": 0.5}])
def test_each_row_is_as_likely_as_any_other(parameters: dict[str, object]) -> None:
    """Over many seeds; the bounds are six standard deviations away."""
    data = b"n\n" + b"".join(b"%d\n" % number for number in range(10))
    chosen = Counter(row for seed in range(1000) for row in call(sample, data, seed=seed, **parameters).split()[1:])
    assert len(chosen) == 10
    assert all(400 < times < 600 for times in chosen.values())


@pytest.mark.parametrize(
    ("data", "parameters", "result"),
    [
        (CSV, {"rows": 9}, CSV.replace(b"\r\n\r\n", b"\r\n")),
        (CSV, {"rows": 0}, b"city,note\r\n"),
        (CSV, {"fraction": 1.0}, CSV.replace(b"\r\n\r\n", b"\r\n")),
        (CSV, {"fraction": 0.0}, b"city,note\r\n"),
        (JSON, {}, b'{"a": 1}\n{"a":  2}\n{"a": 3}\n'),
        (b"a\n1", {}, b"a\n1\n"),
        (b"a", {}, b"a\n"),
        (b"1\n2\n", {"header": False, "fraction": 1.0}, b"1\n2\n"),
        (b"", {}, b""),
        (gzip.compress(b"a\n1\n", mtime=0), {}, b"a\n1\n"),
    ],
)
def test_rows_of_a_sample_stay_as_they_are(data: bytes, parameters: dict[str, object], result: bytes) -> None:
    """Only the last row may get a line end."""
    assert call(sample, data, **parameters) == result


FIELDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5)


@settings(max_examples=30)
@given(st.lists(st.lists(FIELDS, min_size=2, max_size=2), min_size=1, max_size=6), st.sampled_from(",;\t"), st.data())
def test_rows_are_those_that_csv_reads(rows: list[list[str]], delimiter: str, data: st.DataObject) -> None:
    """Whatever their fields contain."""
    target = io.StringIO(newline="")
    csv.writer(target, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(rows)
    count = data.draw(st.integers(0, len(rows)))
    text = target.getvalue().encode()
    first = call(head, text, rows=count, delimiter=delimiter).decode()
    assert list(csv.reader(io.StringIO(first, newline=""), delimiter=delimiter)) == rows[: count + 1]
    assert call(sample, text, fraction=1.0, delimiter=delimiter) == text


@pytest.mark.parametrize(
    ("function", "parameters", "message"),
    [
        (head, {"lines": -1}, "parameter lines: must be 0 or more, not -1"),
        (head, {"rows": -1}, "parameter rows: must be 0 or more, not -1"),
        (head, {"rows": 1, "lines": 1}, "parameter lines: pass lines or rows, not both"),
        (head, {"rows": 1, "delimiter": "ab"}, "parameter delimiter: must be one character, or tab, not 'ab'"),
        (head, {"rows": 1, "delimiter": '"'}, "parameter delimiter: must be one character, or tab, not '\"'"),
        (sample, {"rows": -1}, "parameter rows: must be 0 or more, not -1"),
        (sample, {"fraction": 1.5}, "parameter fraction: must be from 0 to 1, not 1.5"),
        (sample, {"fraction": float("nan")}, "parameter fraction: must be from 0 to 1, not nan"),
        (sample, {"fraction": 0.5, "rows": 1}, "parameter fraction: pass rows or a fraction, not both"),
        (sample, {"delimiter": ""}, "parameter delimiter: must be one character, or tab, not ''"),
    ],
)
def test_bad_parameter_is_named(function: object, parameters: dict[str, object], message: str) -> None:
    """In one line."""
    assert callable(function)
    assert refusal(function, CSV, **parameters) == message
