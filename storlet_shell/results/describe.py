"""Short descriptions of values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from storlet_shell.results.reports import Result
from storlet_shell.results.response import Response

_LONGEST = 60


def describe(value: Any) -> str:
    """Describe the value of a variable in a few words."""
    if isinstance(value, Response):
        return f"{value.subject}: HTTP {value.status}, {value.headers.get('Content-Type', 'no content type')}"
    if isinstance(value, Result):
        return value.brief()
    if isinstance(value, Mapping):
        text = " ".join(f"{key}={item}" for key, item in value.items())
    else:
        text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
