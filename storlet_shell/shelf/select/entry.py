"""The storlet's function."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO


def select(inputs: list[BinaryIO], plan: str = "") -> Iterator[bytes]:
    """Run a plan over an object.

    :param inputs: the object, and perhaps a plan that is too long for a parameter
    :param plan: the plan as JSON
    """
    text = plan or inputs[1].read().decode()
    yield text.encode()
