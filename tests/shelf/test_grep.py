"""``grep``: which lines match, with context, counts and numbers."""

from __future__ import annotations

import gzip

import pytest

from storlet_shell.shelf import reading
from storlet_shell.shelf.grep import grep
from tests.shelf.calls import call, refusal

TEXT = b"one\ntwo\nthree\nfour\nfive\nsix\nseven\n"


@pytest.mark.parametrize(
    ("parameters", "lines"),
    [
        ({"pattern": "^t"}, "two three"),
        ({"pattern": "^T", "ignore_case": True}, "two three"),
        ({"pattern": "[a-z]{5}$"}, "three seven"),
        ({"pattern": "e", "invert": True}, "two four six"),
        ({"pattern": ".", "fixed": True}, ""),
        ({"pattern": "zero"}, ""),
        ({"pattern": ""}, "one two three four five six seven"),
        ({"pattern": "four", "before": 2}, "two three four"),
        ({"pattern": "four", "after": 2}, "four five six"),
        ({"pattern": "four", "context": 1}, "three four five"),
        ({"pattern": "four", "context": 1, "after": 2}, "three four five six"),
        ({"pattern": "one|seven", "context": 1}, "one two -- six seven"),
        ({"pattern": "one|four", "context": 1}, "one two three four five"),
        ({"pattern": "one|two|seven", "after": 1}, "one two three -- seven"),
        ({"pattern": "one|three"}, "one three"),
        ({"pattern": "seven", "before": 100}, "one two three four five six seven"),
        ({"pattern": "e$", "count": True, "context": 2}, "3"),
        ({"pattern": "zero", "count": True}, "0"),
        ({"pattern": "four", "context": 1, "line_numbers": True}, "3-three 4:four 5-five"),
        ({"pattern": "one|seven", "line_numbers": True, "after": 0, "before": 1}, "1:one -- 6-six 7:seven"),
    ],
)
def test_lines_that_match(parameters: dict[str, object], lines: str) -> None:
    """With their context in order, each line once."""
    assert call(grep, TEXT, **parameters).decode().split() == lines.split()


@pytest.mark.parametrize(
    ("text", "pattern", "result"),
    [
        (b"a\r\nb\r\n", "a$", b"a\r\n"),
        (b"a\nb", "b", b"b"),
        (b"\xef\xbb\xbfa\nb\n", "^a", b"a\n"),
        (b"caf\xe9\nd\n", "^caf", b"caf\xe9\n"),
        ("GRÜN\n".encode(), "(?i)grün", "GRÜN\n".encode()),
        (gzip.compress(b"a\nb\n", mtime=0), "b", b"b\n"),
        (b"a\rb\nc\n", "b", b"a\rb\n"),
        (b"\n\na\n", "^$", b"\n\n"),
        (b"x\0y\n", "\0", b"x\0y\n"),
        (b"", "", b""),
    ],
)
def test_lines_stay_as_they_are(text: bytes, pattern: str, result: bytes) -> None:
    """Whatever their ends and bytes are; a byte order mark and compression are dropped."""
    assert call(grep, text, pattern=pattern) == result


def test_long_line_is_found_whole() -> None:
    """Lines have no practical limit."""
    line = b"x" * 1_000_000 + b"y\n"
    assert call(grep, b"a\n" + line, pattern="y$") == line


def test_line_beyond_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is limited, so the line is named."""
    monkeypatch.setattr(reading, "LONGEST_LINE", 5)
    assert call(grep, b"12345\n"[:5], pattern="1") == b"12345"
    assert refusal(grep, b"1\n123456\n", pattern="1") == "line 2: longer than 5 characters"


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"pattern": "("}, "parameter pattern: not a regular expression: missing ), unterminated subpattern at posi"),
        ({"pattern": "a{99999999999999999999}"}, "parameter pattern: not a regular expression: "),
        ({"pattern": "a", "before": -1}, "parameter before: must be 0 or more, not -1"),
        ({"pattern": "a", "after": -2}, "parameter after: must be 0 or more, not -2"),
        ({"pattern": "a", "before": 10**20}, f"parameter before: must be 10000 or less, not {10**20}"),
        ({"pattern": "a", "context": 10_001}, "parameter context: must be 10000 or less, not 10001"),
        ({"pattern": "a", "context": -1}, "parameter context: must be 0 or more, not -1"),
    ],
)
def test_bad_parameter_is_named(parameters: dict[str, object], message: str) -> None:
    """Before anything is read."""
    assert refusal(grep, TEXT, **parameters).startswith(message)


def test_damaged_compression_is_an_error() -> None:
    """The part before the damage is not a result."""
    data = gzip.compress(TEXT * 1000)
    for damaged in (data[:-9], data[:20], data[:20] + b"x" * 20 + data[40:], data[:-6] + b"\0" * 6, data + b"x"):
        assert refusal(grep, damaged, pattern="o").startswith("the compressed data (gzip) are damaged: ")
