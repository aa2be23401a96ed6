"""``mask``: what is replaced, how, and what must not be missed."""

from __future__ import annotations

import gzip
import hashlib
import hmac

import pytest

from storlet_shell.shelf.mask import mask
from tests.shelf.calls import call, refusal

CSV = b'name,mail,note\nAda,ada@x.org,"call, or ada@y.org"\nBob,,\n'
JSON = b'{"name": "Ada", "age": 36, "tags": ["ada@x.org", 1, null], "in": {"mail": "ada@x.org"}}\n{"name": null}\n'
MAIL = r"[\w.]+@[\w.]+"


@pytest.mark.parametrize(
    ("data", "parameters", "result"),
    [
        (CSV, {"columns": "mail"}, b'name,mail,note\nAda,***,"call, or ada@y.org"\nBob,,\n'),
        (CSV, {"columns": "mail, name"}, b'name,mail,note\n***,***,"call, or ada@y.org"\n***,,\n'),
        (CSV, {"pattern": MAIL}, b'name,mail,note\nAda,***,"call, or ***"\nBob,,\n'),
        (CSV, {"columns": "note", "pattern": MAIL}, b'name,mail,note\nAda,ada@x.org,"call, or ***"\nBob,,\n'),
        (CSV, {"columns": "mail", "replacement": ""}, b'name,mail,note\nAda,,"call, or ada@y.org"\nBob,,\n'),
        (b"a\nabcdef\nxy\n", {"columns": "a", "method": "truncate"}, b"a\nabcd\nxy\n"),
        (b"a\nabcdef\n", {"columns": "a", "method": "truncate", "keep": -2}, b"a\nef\n"),
        (b"a,b\nabcdef,1\n", {"columns": "a", "method": "truncate", "keep": 0}, b"a,b\n,1\n"),
        (b"a\nx12y3\n", {"pattern": "[0-9]*", "replacement": "#"}, b"a\nx#y#\n"),
        (b"1,2\n3,4\n", {"columns": "_2", "header": False}, b"1,***\n3,***\n"),
        (b"a;b\n1;2\n", {"columns": "b", "delimiter": ";"}, b"a;b\n1;***\n"),
        (b'"a,b",c\n1,2\n', {"columns": '"a,b"'}, b'"a,b",c\n***,2\n'),
        (JSON, {"columns": "name"}, JSON.replace(b'"Ada"', b'"***"').replace(b": ", b":").replace(b", ", b",")),
        (b'{"a": 12, "b": true}\n', {"columns": "a,b"}, b'{"a":"***","b":"***"}\n'),
        (b'{"a": {"b": 1}}\n', {"columns": "a"}, b'{"a":"***"}\n'),
        (b'{"a": ["4111", 4111, true, 1.5]}\n', {"pattern": "4111"}, b'{"a":["***","***",true,1.5]}\n'),
        (b'{"a": 1, "b": 1e400, "c": [-1e999]}\n', {"columns": "a"}, b'{"a":"***","b":"1e400","c":["-1e999"]}\n'),
        (b'{"a": "x"}\n{"b": "y"}\n', {"columns": "a"}, b'{"a":"***"}\n{"b":"y"}\n'),
        ('{"a": "ü\\ud800"}\n'.encode(), {"pattern": "z"}, '{"a":"ü\\ud800"}\n'.encode()),
        (gzip.compress(b"a\n1\n", mtime=0), {"columns": "a"}, b"a\n***\n"),
        (b"a,b\n", {"columns": "a"}, b"a,b\n"),
        (b"", {"columns": "a"}, b""),
    ],
)
def test_values_are_replaced(data: bytes, parameters: dict[str, object], result: bytes) -> None:
    """Those of columns as a whole, those that a pattern matches in part; empty ones and null stay."""
    assert call(mask, data, **parameters) == result


def test_hashes_are_keyed_and_agree_across_formats() -> None:
    """They are HMAC-SHA-256 with the salt as the key, so that masked columns can still be joined."""
    expected = hmac.new(b"pepper", b"36", hashlib.sha256).hexdigest()[:32].encode()
    for data in (b"age,n\n36,1\n", b'{"age": 36}\n', b'{"age": "36"}\n'):
        assert expected in call(mask, data, columns="age", method="hash", salt="pepper")
        assert expected not in call(mask, data, columns="age", method="hash", salt="salt")


@pytest.mark.parametrize(
    ("data", "parameters", "message"),
    [
        (CSV, {}, "parameter columns: pass columns, a pattern, or both"),
        (CSV, {"columns": "male"}, "no column male; there are: name, mail, note; did you mean mail?"),
        (CSV, {"columns": "x,name"}, "no column x; there are: name, mail, note"),
        (JSON, {"columns": "mail"}, "no column mail; there are: name, age, tags, in"),
        (CSV, {"columns": "_1", "header": False}, ""),
        (
            CSV,
            {"pattern": "["},
            "parameter pattern: not a regular expression: unterminated character set at position 0",
        ),
        (CSV, {"columns": "name", "method": "hash"}, "parameter salt: hash needs one, or values could be guessed"),
        (b"a,b\n1\n", {"columns": "a"}, "row 1 (line 2): 1 fields, but the header has 2"),
        (b'a\n"1\n', {"columns": "a"}, "row 1 (line 2): unexpected end of data"),
        (b"a,a\n1,2\n", {"columns": "a"}, "header: a column occurs twice"),
        (b"a\n1\n\xff\n", {"columns": "a"}, "line 3: not UTF-8: byte 0xff"),
        (b'{"a": 1}\n[1]\n', {"columns": "a"}, "row 2 (line 2): not a JSON object"),
        (b'\n{"a": 1}\n{"a"\n', {"columns": "a"}, "row 2 (line 3): not JSON: Expecting ':' delimiter at column "),
    ],
)
def test_bad_parameters_and_rows_are_named(data: bytes, parameters: dict[str, object], message: str) -> None:
    """A column that doesn't exist must not pass unnoticed."""
    if message:
        assert refusal(mask, data, **parameters).startswith(message)
    else:
        assert call(mask, data, **parameters)
