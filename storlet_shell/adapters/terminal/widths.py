"""Widths of texts on a terminal."""

from __future__ import annotations


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes; its control characters are escaped already."""
    if text.isascii():
        return len(text)
    from wcwidth import wcswidth  # most texts are ASCII

    columns = wcswidth(text)
    return len(text) if columns < 0 else columns  # it can't measure a tab
