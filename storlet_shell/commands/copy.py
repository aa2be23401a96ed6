"""``copy``: an object to another, inside the cluster, or what a storlet makes of it."""

from __future__ import annotations

from typing import Any

from storlet_shell import headers as wire
from storlet_shell.commands._arguments import (
    DRY_RUN,
    INVOCATION,
    make_invocation,
    object_option,
    object_position,
    only_one,
)
from storlet_shell.commands._exchange import check_extra_resources, is_there, plan, ran
from storlet_shell.errors import NotFoundError, StorletFailedError
from storlet_shell.registry import command
from storlet_shell.results import Response, Result
from storlet_shell.session import Session
from storlet_shell.values import Invocation, ObjectPath, Request


@command(
    "copy",
    "Copy an object inside the cluster, through a storlet if one is named.",
    object_position("source"),
    object_position("target"),
    object_option("--input", "the object to copy, as an option"),
    object_option("--output", "the object to make, as an option"),
    *INVOCATION,
    DRY_RUN,
)
def copy(
    session: Session,
    source: ObjectPath | None = None,
    target: ObjectPath | None = None,
    input: ObjectPath | None = None,
    output: ObjectPath | None = None,
    dry_run: bool = False,
    **invocation: Any,
) -> Result:
    """Copy an object inside the cluster, through a storlet if one is named.

    The storlet runs on the proxy server unless --on-node is given: on the object's own server, a storlet that fails
    leaves its error page as the new object. The source and each extra resource are looked up first for that reason too.

    :raises NotFoundError: when the source, the target's container, the storlet or an extra resource is not there
    :raises StorletFailedError: when the storlet fails; nothing is stored then
    """
    origin: ObjectPath = only_one(input, source, "the object to copy (CONTAINER/OBJECT or --input)")
    goal: ObjectPath = only_one(output, target, "the object to make (CONTAINER/OBJECT or --output)")
    run = make_invocation(session, **{"storlet": None, **invocation})
    request = _request(origin, goal, run)
    if dry_run:
        return plan(session, request)
    if run:
        session.client.send(Request("HEAD", origin.container, origin.name)).close()
        check_extra_resources(session, run)
    reply = _send(session, request, goal)
    reply.read()
    if run and wire.GENERATED_FROM not in reply.headers:
        raise StorletFailedError(
            f"{goal}: the server copied {origin} without {run.storlet}: it has no storlets middleware",
            transaction_id=reply.transaction_id,
        )
    through = f" through {run.storlet}" if run else ""
    return Response(
        reply.status,
        reply.headers,
        subject=str(goal),
        summary=f"{goal}: made of {origin}{through} (HTTP {reply.status})",
        ran=ran(request),
        seconds=reply.seconds,
    )


def _request(origin: ObjectPath, goal: ObjectPath, run: Invocation | None) -> Request:
    headers = wire.encode_destination(goal)
    if run:
        headers.update(wire.encode_invocation(run._replace(on_proxy=run.on_proxy is not False)))
    return Request("COPY", origin.container, origin.name, headers=headers)


def _send(session: Session, request: Request, goal: ObjectPath) -> Any:
    """Send the copy; a 404 may mean the source or the target's container, so look which."""
    try:
        return session.client.send(request)
    except NotFoundError as error:
        if is_there(session, Request("HEAD", request.container, request.name)) and not is_there(
            session, Request("HEAD", goal.container)
        ):
            raise NotFoundError(
                f"container {goal.container} is not there; make it with: mkdir {goal.container}",
                transaction_id=error.transaction_id,
            ) from error
        raise
