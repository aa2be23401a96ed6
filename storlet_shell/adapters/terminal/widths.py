"""Widths of texts on a terminal."""

from __future__ import annotations

RANGES = (
    (0x20, 0x7E, 1),
    (0xA0, 0x2FF, 1),  # Latin
    (0x370, 0x482, 1),  # Greek, Cyrillic
    (0x48A, 0x52F, 1),
    (0x2010, 0x2027, 1),  # dashes, quotes, dots
    (0x3000, 0x3029, 2),  # Japanese, Chinese, Korean
    (0x3041, 0x3096, 2),
    (0x30A0, 0x30FF, 2),
    (0x4E00, 0x9FFF, 2),
    (0xAC00, 0xD7A3, 2),
    (0xFF01, 0xFF60, 2),
)
"""Characters whose width is known without wcwidth: the first, the last, and how many columns each takes."""


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes; its control characters are escaped already.

    Most texts don't need wcwidth, whose import takes half as long as the rest of a one-shot line.
    """
    if text.isascii():
        return len(text)
    known = [_columns(ord(char)) for char in text]
    if all(known):
        return sum(known)
    from wcwidth import wcswidth

    columns = wcswidth(text)
    return len(text) if columns < 0 else columns  # it can't measure a tab


def _columns(code: int) -> int:
    """Return the width of a character; 0 if only wcwidth knows."""
    return next((columns for first, last, columns in RANGES if first <= code <= last), 0)
