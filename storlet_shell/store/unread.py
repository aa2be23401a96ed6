"""Refuse a run of several inputs whose storlet, by its source, can't read them all: the others would be dropped."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from storlet_shell.errors import Action, Hint, StorletShellError, UsageError
from storlet_shell.storlets.inputs import count_read
from storlet_shell.wire import headers as wire
from storlet_shell.wire.requests import Request

if TYPE_CHECKING:
    from storlet_shell.values import Invocation
    from storlet_shell.wire.client import Client

_LARGEST = 1 << 20


def check_inputs_are_read(client: Client, run: Invocation) -> None:
    """Check that a run's storlet can read all of its inputs.

    :raises UsageError: when its source shows that it can't, unless that is allowed
    """
    if run.extra:
        check_count(run, 1 + len(run.extra), most_inputs(client, run))


def check_count(run: Invocation, count: int, most: int | None) -> None:
    """Check that a storlet can read as many inputs as a run has.

    :param most: see :func:`most_inputs`
    :raises UsageError: when it can't
    """
    if most is not None and most < count:
        what = f"at most {most} of its inputs" if most else "none of its inputs"
        text = f"{{subject}} reads {what}, and a run has {count}: nothing was run"
        raise UsageError(text, subject=str(run.storlet), hint=Hint(Action.ALLOW_UNREAD))


def most_inputs(client: Client, run: Invocation) -> int | None:
    """Return how many inputs a deployed storlet can read at most; None if its source doesn't tell, or isn't asked.

    A jar's can't be judged; who may not read a storlet may still be allowed to run it.
    """
    if run.allow_unread or not run.storlet.name.endswith(".py"):
        return None
    try:
        reply = client.find(Request("GET", client.storlet_container, run.storlet.name))
    except StorletShellError:  # whatever it is, the run itself will say it, or not have it
        return None
    if reply is None or (wire.decode_length(reply.headers) or 0) > _LARGEST:
        return None
    main = wire.decode_storlet(reply.headers).main
    try:
        return count_read(ast.parse(reply.read()), main.partition(".")[2])
    except (SyntaxError, ValueError, RecursionError):
        return None
