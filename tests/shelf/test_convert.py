"""``convert``: formats, delimiters, charsets, and compression."""

from __future__ import annotations

import csv
import gzip
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storlet_shell.shelf.convert import convert
from tests.shelf.calls import opened

CSV = b'n,text\n007,"a,\nb"\n,x\n1e3,1_000\n'
JSON = b'{"n": 1, "text": "a", "in": {"b": [1, null]}}\n\n{"text": null, "n": true}\n'


def converted(data: bytes, **parameters: object) -> tuple[bytes, dict[str, object]]:
    """Return the result and its metadata."""
    metadata: dict[str, object] = {}
    return b"".join(convert(opened(data), metadata, **parameters)), metadata  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("data", "parameters", "result"),
    [
        (CSV, {"to": "jsonl"}, b'{"n":"007","text":"a,\\nb"}\n{"n":"","text":"x"}\n{"n":"1e3","text":"1_000"}\n'),
        (
            CSV,
            {"to": "jsonl", "numbers": True},
            b'{"n":7,"text":"a,\\nb"}\n{"n":null,"text":"x"}\n{"n":1000,"text":"1_000"}\n',
        ),
        (CSV, {"to": "jsonl", "columns": "n"}, b'{"n":"007"}\n{"n":""}\n{"n":"1e3"}\n'),
        (CSV, {"columns": "text,n"}, b'text,n\n"a,\nb",007\nx,\n1_000,1e3\n'),
        (CSV, {"to_delimiter": "tab"}, b'n\ttext\n007\t"a,\nb"\n\tx\n1e3\t1_000\n'),
        (CSV, {"to": "csv"}, CSV),
        (b"a;b\n1;2\n", {"delimiter": ";", "to": "jsonl"}, b'{"a":"1","b":"2"}\n'),
        (b"a;b,c\n1;2\n", {"delimiter": ";", "to_delimiter": ","}, b'a,"b,c"\n1,2\n'),
        (b"1,2\n", {"header": False, "to": "jsonl"}, b'{"_1":"1","_2":"2"}\n'),
        (b"1,2\n", {"header": False, "columns": "_2"}, b"2\n"),
        (b"a\n1e999\n-1e999\n", {"to": "jsonl", "numbers": True}, b'{"a":"1e999"}\n{"a":"-1e999"}\n'),
        (JSON, {"to": "csv"}, b'n,text,in\n1,a,"{""b"":[1,null]}"\ntrue,,\n'),
        (JSON, {"to": "csv", "columns": "text,n"}, b"text,n\na,1\n,true\n"),
        (JSON, {"to": "csv", "columns": "n", "header": False}, b"1\ntrue\n"),
        (JSON, {"columns": "text"}, b'{"text":"a"}\n{"text":null}\n'),
        (b'{"a": NaN}\n', {"to": "jsonl"}, b'{"a":null}\n'),
        (b"", {"to": "jsonl"}, b""),
        (b"a,b\n", {"to": "jsonl"}, b""),
        (b"a,b\n", {"to": "csv"}, b"a,b\n"),
        (gzip.compress(CSV, mtime=0), {"to": "csv"}, CSV),
        (gzip.compress(b"\xff\0", mtime=0), {}, b"\xff\0"),
        (b"\xff\0", {}, b"\xff\0"),
        (b"caf\xe9\r\n", {"charset": "latin-1"}, "café\r\n".encode()),
        ("a\n€".encode(), {"to_charset": "cp1252"}, b"a\n\x80"),
        ("ü".encode("utf-16"), {"charset": "utf-16"}, "ü".encode()),
        (b"a\n", {"to_charset": "utf-8-sig"}, b"\xef\xbb\xbfa\n"),
        ("n\nü\n".encode("cp1252"), {"charset": "cp1252", "to": "jsonl"}, '{"n":"ü"}\n'.encode()),
        ("n\nü\n".encode(), {"to": "csv", "to_charset": "utf-16"}, "n\nü\n".encode("utf-16")),
    ],
)
def test_data_are_converted(data: bytes, parameters: dict[str, object], result: bytes) -> None:
    """Only what is requested changes."""
    assert converted(data, **parameters)[0] == result


@pytest.mark.parametrize(
    ("parameters", "kind"),
    [
        ({"to": "jsonl"}, "application/x-ndjson; charset=utf-8"),
        ({"to": "csv", "to_charset": "Latin-1"}, "text/csv; charset=latin-1"),
        ({"to_delimiter": "tab"}, "text/csv; charset=utf-8"),
        ({"to": "jsonl", "gzip": True}, "application/gzip"),
        ({"gzip": True}, "application/gzip"),
        ({"to_charset": "latin-1"}, None),
    ],
)
def test_content_type_is_that_of_the_result(parameters: dict[str, object], kind: str | None) -> None:
    """It is left as it is where the format isn't known."""
    assert converted(CSV, **parameters)[1].get("Content-Type") == kind


def test_result_is_compressed() -> None:
    """The same data give the same bytes."""
    result, _ = converted(CSV * 1000, gzip=True)
    assert gzip.decompress(result) == CSV * 1000
    assert len(result) < 1000
    assert converted(CSV * 1000, gzip=True)[0] == result


@pytest.mark.parametrize(
    ("data", "parameters", "message"),
    [
        (CSV, {"columns": "m"}, "no column m; there are: n, text"),
        (JSON, {"columns": "m"}, "no column m; there are: n, text, in"),
        (b'{"a": 1}\n{"b": 1}\n', {"to": "csv"}, "row 2: column b isn't in row 1; pass columns"),
        (CSV, {"charset": "latin-99"}, "parameter charset: unknown charset latin-99"),
        (CSV, {"charset": "idna"}, "parameter charset: unknown charset idna"),
        (CSV, {"to_charset": "punycode"}, "parameter to_charset: unknown charset punycode"),
        (CSV, {"to_charset": "utf-8\r\n"}, "parameter to_charset: unknown charset 'utf-8\\r\\n'"),
        (CSV, {"to_charset": "utf\0"}, "parameter to_charset: unknown charset 'utf\\x00'"),
        (CSV, {"to_charset": "base64"}, "parameter to_charset: unknown charset base64"),
        (CSV, {"to_delimiter": "||"}, "parameter to_delimiter: must be one character, or tab, not '||'"),
        ("a\n€\n".encode(), {"to_charset": "latin-1"}, "line 2 of the result: '€' isn't in iso8859-1"),
        (b"a\n\xff\n", {"to_charset": "latin-1"}, "line 2: not UTF-8: byte 0xff"),
        (b"a\n\x81\n", {"charset": "cp1252"}, "line 2: not CP1252: byte 0x81"),
        (b"a,b\n1\n", {"to": "jsonl"}, "row 1 (line 2): 1 fields, but the header has 2"),
        (b"1,2\n3\n", {"to": "jsonl", "header": False}, "row 2 (line 2): 1 fields, but row 1 has 2"),
        (b'{"a":\n', {"to": "csv"}, "row 1 (line 1): not JSON: Expecting value at column "),
        (b"{" + b'"a":[' * 100_000, {"to": "csv"}, "row 1 (line 1): not JSON: "),
    ],
)
def test_bad_parameters_and_rows_are_named(data: bytes, parameters: dict[str, object], message: str) -> None:
    """In one line."""
    with pytest.raises(ValueError, match=r"\A[^\n]+\Z") as caught:
        converted(data, **parameters)
    assert str(caught.value).startswith(message)


FIELDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)


@settings(max_examples=30)
@given(st.lists(st.tuples(FIELDS, FIELDS), max_size=5))
def test_rows_survive_a_round_trip(rows: list[tuple[str, str]]) -> None:
    """Whatever their characters are: from JSON lines to CSV and back."""
    lines = b"".join(json.dumps({"a": a, "b": b}).encode() + b"\n" for a, b in rows)
    table, _ = converted(lines, to="csv", to_delimiter=";")
    assert [tuple(row) for row in csv.reader(io.StringIO(table.decode(), newline=""), delimiter=";")][1:] == rows
    back, _ = converted(table, to="jsonl", delimiter=";")
    assert [tuple(json.loads(line).values()) for line in back.splitlines()] == rows
