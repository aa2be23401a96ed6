"""``copy``: copy an object inside the cluster, through a storlet if one is named."""

from __future__ import annotations

from typing import Any

from storlet_shell.commands.arguments import (
    DRY_RUN,
    EXPECT_BYTES,
    HEADER,
    INVOCATION,
    RANGE,
    make_invocation,
    object_option,
    object_position,
    only_one,
)
from storlet_shell.commands.arguments.headers import Header, own_headers
from storlet_shell.results import Result
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg
from storlet_shell.spec.command import command
from storlet_shell.store import objects
from storlet_shell.store.expectation import Expectation
from storlet_shell.store.functions import check_parameters
from storlet_shell.store.requests import copy_request, plan
from storlet_shell.values import ByteRange, ObjectPath


@command(
    "copy",
    "Copy an object inside the cluster, through a storlet if one is named.",
    object_position("source"),
    object_position("target"),
    object_option("--input", "same as the first argument"),
    object_option("--output", "same as the second argument"),
    *INVOCATION,
    RANGE,
    Arg("--from-account", metavar="ACCOUNT", help="account of the source (default: your own)"),
    Arg("--verb", choices=("COPY", "PUT"), help="request to send; PUT if a proxy blocks COPY (default: COPY)"),
    EXPECT_BYTES,
    HEADER,
    DRY_RUN,
    examples=(
        "copy weather/today.csv archive/today.csv  # an exact copy",
        "copy weather/today.csv archive/warm.csv --storlet warm.py -p least=20  # store what the storlet writes",
        "copy weather/today.csv archive/head.csv --range 0-9  # the first ten bytes",
    ),
)
def copy(
    session: Session,
    source: ObjectPath | None = None,
    target: ObjectPath | None = None,
    input: ObjectPath | None = None,
    output: ObjectPath | None = None,
    range: ByteRange | None = None,
    from_account: str | None = None,
    verb: str | None = None,
    expect_bytes: int | None = None,
    headers: list[Header] | None = None,
    dry_run: bool = False,
    **invocation: Any,
) -> Result:
    """Copy an object inside the cluster, through a storlet if one is named.

    The storlet runs on the proxy server unless you give --on-node: if a storlet fails on the object's own server, its
    error page is stored as the new object. For the same reason, the source and each extra input are looked up first.

    :raises NotFoundError: when the source, the target's container, the storlet or an extra input doesn't exist
    :raises StorletFailedError: when the storlet fails; nothing is stored then
    :raises IncompleteBodyError: when the new object has another length than expected
    """
    origin: ObjectPath = only_one(input, source, "the object to copy (CONTAINER/OBJECT or --input)")
    goal: ObjectPath = only_one(output, target, "the object to create (CONTAINER/OBJECT or --output)")
    run = make_invocation(session, **{"storlet": None, **invocation})
    choices: dict[str, Any] = {
        "headers": own_headers(headers, run),
        "range": range,
        "account": from_account,
        "verb": verb,
    }
    if dry_run:
        if run is not None:
            check_parameters(session.client, run)
        return plan(session.client, copy_request(origin, goal, run, **choices))
    stored = objects.copy(session.client, origin, goal, run, **choices, expected=Expectation(expect_bytes))
    through = f" by {run.storlet}" if run else ""
    return stored.response(f"created from {origin}{through}")
