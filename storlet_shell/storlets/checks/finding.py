"""A problem in a storlet's source."""

from __future__ import annotations

from typing import NamedTuple

from storlet_shell.equality import typed_equality


@typed_equality
class Finding(NamedTuple):
    """A problem in a storlet's source.

    :param line: the line number, from 1
    :param is_fatal: whether the code certainly fails when it gets there, so that it is deployed only on demand
    """

    line: int
    text: str
    is_fatal: bool = False
