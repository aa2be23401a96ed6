"""Widths of texts on a terminal."""

from __future__ import annotations

import re

NARROW = "\x20-\x7e\xa0-\u02ff\u0370-\u0482\u048a-\u052f\u2010-\u2027"
"""Characters that take one column: Latin, Greek and Cyrillic letters, and dashes, quotes and dots."""

WIDE = "\u3000-\u3029\u3041-\u3096\u30a0-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff60"
"""Characters that take two columns: Chinese, Japanese and Korean ones."""

_PLAIN = re.compile(f"[{NARROW}{WIDE}]*+")
_WIDE = re.compile(f"[{WIDE}]")


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes; its control characters are escaped already.

    Most texts don't need wcwidth, whose import takes half as long as the rest of a one-shot line.
    """
    if text.isascii():
        return len(text)
    if _PLAIN.fullmatch(text):
        return len(text) + len(_WIDE.findall(text))
    from wcwidth import wcswidth

    columns = wcswidth(text)
    return len(text) if columns < 0 else columns  # it can't measure a tab
