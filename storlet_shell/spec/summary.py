"""What lists of commands show, so that a list imports no command."""

from __future__ import annotations

from typing import NamedTuple

from storlet_shell.equality import typed_equality


@typed_equality
class Summary(NamedTuple):
    """A command in a list.

    :param module: the module that defines it
    :param category: the heading under which it is listed
    :param summary: one sentence
    :param takes_body: whether it takes a cell, a heredoc or standard input
    """

    name: str
    module: str
    aliases: tuple[str, ...]
    category: str
    summary: str
    takes_body: bool = False
