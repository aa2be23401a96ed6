"""``copy``: an object to another, inside the cluster, or what a storlet makes of it."""

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
    own_headers,
)
from storlet_shell.results import Result
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg
from storlet_shell.spec.command import command
from storlet_shell.store import objects
from storlet_shell.store.expectation import Expectation
from storlet_shell.store.requests import copy_request, plan
from storlet_shell.values import ByteRange, ObjectPath
from storlet_shell.wire.headers import Header


@command(
    "copy",
    "Copy an object inside the cluster, through a storlet if one is named.",
    object_position("source"),
    object_position("target"),
    object_option("--input", "the object to copy, as an option"),
    object_option("--output", "the object to make, as an option"),
    *INVOCATION,
    RANGE,
    Arg("--from-account", metavar="ACCOUNT", help="the account that holds the object to copy, if it is another one"),
    Arg("--verb", choices=("COPY", "PUT"), help="send a PUT where something before Swift lets no COPY through"),
    EXPECT_BYTES,
    HEADER,
    DRY_RUN,
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

    The storlet runs on the proxy server unless --on-node is given: on the object's own server, a storlet that fails
    leaves its error page as the new object. The source and each extra resource are looked up first for that reason too.

    :raises NotFoundError: when the source, the target's container, the storlet or an extra resource is not there
    :raises StorletFailedError: when the storlet fails; nothing is stored then
    :raises IncompleteBodyError: when the new object has not as many bytes as are expected
    """
    origin: ObjectPath = only_one(input, source, "the object to copy (CONTAINER/OBJECT or --input)")
    goal: ObjectPath = only_one(output, target, "the object to make (CONTAINER/OBJECT or --output)")
    run = make_invocation(session, **{"storlet": None, **invocation})
    choices: dict[str, Any] = {
        "headers": own_headers(headers, run),
        "range": range,
        "account": from_account,
        "verb": verb,
    }
    if dry_run:
        return plan(session.client, copy_request(origin, goal, run, **choices))
    stored = objects.copy(session.client, origin, goal, run, **choices, expected=Expectation(expect_bytes))
    through = f" through {run.storlet}" if run else ""
    return stored.response(f"made of {origin}{through}")
