"""Call the functions of standard storlets as the adapter does."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, BinaryIO

import pytest


def opened(data: bytes) -> BinaryIO:
    """Return an input like the adapter's."""
    source: Any = io.BytesIO(data)
    return io.BufferedReader(source)


def call(function: Callable[..., Any], data: bytes, **parameters: object) -> bytes:
    """Return all that a function yields over an object."""
    return b"".join(function(opened(data), **parameters))


def refusal(function: Callable[..., Any], data: bytes, **parameters: object) -> str:
    """Return the message with which a function refuses its input, which is one line."""
    with pytest.raises(ValueError, match=r"\A[^\n]+\Z") as caught:
        call(function, data, **parameters)
    return str(caught.value)
