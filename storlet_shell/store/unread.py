"""Refuse a run over several inputs if the storlet's source shows that it can't read them all."""

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
    """Check that the storlet of a run can read all of its inputs.

    :raises UsageError: if its source shows that it can't, unless that is allowed
    """
    if run.extra:
        check_count(run, 1 + len(run.extra), most_inputs(client, run))


def check_count(run: Invocation, count: int, maximum: int | None) -> None:
    """Check that a storlet can read all inputs of a run.

    :param count: the number of inputs
    :param maximum: see :func:`most_inputs`
    :raises UsageError: if it can't
    """
    if maximum is not None and maximum < count:
        inputs = f"at most {maximum} of its inputs" if maximum else "none of its inputs"
        text = f"{{subject}} reads {inputs}, but the run has {count}; nothing was run"
        raise UsageError(text, subject=str(run.storlet), hint=Hint(Action.ALLOW_UNREAD))


def most_inputs(client: Client, run: Invocation) -> int | None:
    """Return the maximum number of inputs that a deployed storlet can read; None if that is unknown or irrelevant.

    It is unknown for jars, and for users who may run a storlet but not read it.
    """
    if run.allow_unread or not run.storlet.name.endswith(".py"):
        return None
    try:
        reply = client.find(Request("GET", client.storlet_container, run.storlet.name))
    except StorletShellError:  # the run itself will report it if it matters
        return None
    if reply is None or (wire.decode_length(reply.headers) or 0) > _LARGEST:
        return None
    main = wire.decode_storlet(reply.headers).main
    try:
        return count_read(ast.parse(reply.read()), main.partition(".")[2])
    except (SyntaxError, ValueError, RecursionError):
        return None
