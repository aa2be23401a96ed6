"""Durations: numbers with units, such as ``1h30m``."""

from __future__ import annotations

import re

from storlet_shell.errors import UsageError

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_PART = re.compile(r"([0-9]{1,9})([smhdw])")
_PARTS = re.compile(rf"(?:{_PART.pattern})+")


def parse_duration(text: str) -> int:
    """Parse a duration, such as ``45s``, ``1h30m``, ``7d`` or ``2w``; a number by itself counts seconds.

    :returns: the duration in seconds
    :raises UsageError: if it isn't one, or isn't longer than zero
    """
    spelled = f"{text}s" if text.isdecimal() else text
    parts = _PART.findall(spelled) if _PARTS.fullmatch(spelled) else []
    seconds = sum(int(number) * _SECONDS[unit] for number, unit in parts)
    if not seconds:
        raise UsageError(f"a duration must be a number with a unit (s, m, h, d, w), such as 1h30m or 7d, not {text!r}")
    return seconds
