"""Escape text for display, and format numbers."""

from __future__ import annotations

import json
import re

ROW_BYTES = 16
"""Bytes per line of a dump."""

SURROGATE = re.compile("[\ud800-\udfff]")
"""A lone surrogate, which the JSON of a listing may contain."""

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def printable(text: str) -> str:
    """Escape control characters, so that names and messages can't control the terminal."""
    return "".join(char if char.isprintable() or char in "\t" else _escaped(char) for char in text)


def printable_json(text: str) -> str:
    """Escape control characters in a piece of a JSON document without changing its meaning.

    They occur only within strings, except for line ends between values.
    """
    return "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def escaped(text: str) -> str:
    r"""Replace each lone surrogate by ``\udXXX``, which is also its spelling in JSON."""
    return SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def is_text(chunk: bytes) -> bool:
    """Tell whether bytes are the beginning of UTF-8 text."""
    try:
        text = chunk[:4096].decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < min(len(chunk), 4096) - 3:  # otherwise only the last character was cut
            return False
        text = chunk[: error.start].decode("utf-8")
    return "\x00" not in text


def dump(content: bytes) -> list[str]:
    """Format bytes as lines: offset, hexadecimal, characters."""
    rows = [content[at : at + ROW_BYTES] for at in range(0, len(content), ROW_BYTES)]
    return [
        f"{ROW_BYTES * number:08x}  {row.hex(' '):<47}  {''.join(chr(b) if 32 <= b < 127 else '.' for b in row)}"
        for number, row in enumerate(rows)
    ]


def counted(count: int, thing: str) -> str:
    """Format a number of things: ``1 object``, ``2 objects``."""
    return f"{count} {thing}{'' if count == 1 else 's'}"


def size(count: float) -> str:
    """Format a number of bytes in the largest unit in which it is at least one."""
    for unit in _UNITS:
        if count < 1024 or unit == _UNITS[-1]:
            break
        count /= 1024
    return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
