"""``copy``: an object to another, inside the cluster, or what a storlet makes of it."""

from __future__ import annotations

from typing import Any

from storlet_shell.commands.arguments import (
    DRY_RUN,
    EXPECT_BYTES,
    HEADER,
    INVOCATION,
    RANGE,
    check_range,
    make_invocation,
    object_option,
    object_position,
    only_one,
    own_headers,
)
from storlet_shell.errors import IdentityError, NotFoundError, StorletShellError, UsageError
from storlet_shell.results import Response, Result
from storlet_shell.session import Session
from storlet_shell.spec.registry import Arg, command
from storlet_shell.store.exchange import check_extra_resources, check_length, explained, is_there, plan, ran
from storlet_shell.store.expectation import Expectation
from storlet_shell.store.runs import check_copy, send_copy
from storlet_shell.store.segments import Replacing
from storlet_shell.values import ByteRange, Invocation, ObjectPath
from storlet_shell.wire import headers as wire
from storlet_shell.wire.requests import Request


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
    headers: list[wire.Header] | None = None,
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
    check_range(run, range)
    if from_account is not None:
        _check_account(from_account, run, verb)
        verb = "PUT"
    given = {**_headers(run, range), **own_headers(headers, run)}
    request = _request(origin, goal, given, from_account, verb)
    if dry_run:
        return plan(session.client, request)
    if run:
        _check_source(session, origin, run, range)
        check_extra_resources(session.client, run)
    replacing = Replacing()
    with replacing.replaced(session.client, goal), explained(session.client, request, run):
        reply = _send(session, request, run, origin, goal, from_account)
        reply.read()
    for note in replacing.take_notes():
        session.surroundings.warn(note)
    check_length(session.client, goal, Expectation(expect_bytes))
    through = f" through {run.storlet}" if run else ""
    return Response(
        reply.status,
        reply.headers,
        subject=str(goal),
        summary=f"{goal}: made of {origin}{through} (HTTP {reply.status})",
        ran=ran(request, reply),
        seconds=reply.seconds,
    )


def _check_account(account: str, run: Invocation | None, verb: str | None) -> None:
    if not account or "/" in account:
        raise UsageError(f"--from-account takes an account's name, as AUTH_… in a storage URL: {account!r}")
    if run:
        raise UsageError("the storlets middleware copies within one account only; drop --from-account or --storlet")
    if verb == "COPY":
        raise UsageError("a COPY is of the own account; --from-account wants --verb PUT, or none")


def _headers(run: Invocation | None, range: ByteRange | None) -> dict[str, str]:
    """Return the headers of a run, and of the range that the source is read by.

    That is a plain ``Range``, with a storlet too: of a copy on the proxy, the middleware ignores ``X-Storlet-Range``
    (storlets ``handlers/proxy.py: base_handle_copy_request``).
    """
    headers = wire.encode_range(range)
    if run:
        headers.update(wire.encode_invocation(run._replace(on_proxy=run.on_proxy is not False)))
    return headers


def _request(
    origin: ObjectPath, goal: ObjectPath, headers: dict[str, str], account: str | None, verb: str | None
) -> Request:
    if verb == "PUT":
        return Request("PUT", goal.container, goal.name, headers={**wire.encode_origin(origin, account), **headers})
    return Request("COPY", origin.container, origin.name, headers={**wire.encode_destination(goal), **headers})


def _check_source(session: Session, origin: ObjectPath, run: Invocation, range: ByteRange | None) -> None:
    """Look the source up, since upstream's middleware would store the answer that refuses it.

    :raises NotFoundError: when it is not there
    :raises StorletShellError: when the range lies outside of it, or an object server would return it as it is
    """
    found = session.client.send(Request("HEAD", origin.container, origin.name))
    found.close()
    length = wire.decode_length(found.headers) or 0
    if range and range.within(length) is None:
        raise StorletShellError(f"{origin}: the range {range} lies outside of the object, which has {length} bytes")
    check_copy(session.client, origin, run, found, session.surroundings.warn)


def _send(
    session: Session,
    request: Request,
    run: Invocation | None,
    origin: ObjectPath,
    goal: ObjectPath,
    account: str | None,
) -> Any:
    """Send the copy; a 404 may mean the source or the target's container, so look which."""
    try:
        if run is not None:
            return send_copy(session.client, request, run, origin, goal, session.surroundings.warn)
        return session.client.send(request)
    except IdentityError as error:
        if account is None:
            raise
        message = f"{goal}: this user may not write it, or not read {origin} of account {account}"
        raise IdentityError(message, transaction_id=error.transaction_id) from error
    except NotFoundError as error:
        if not is_there(session.client, Request("HEAD", goal.container)):
            message = f"container {goal.container} is not there; make it with: mkdir {goal.container}"
        elif account is not None:
            message = f"{origin} of account {account}: not found (HTTP 404)"
        elif not is_there(session.client, Request("HEAD", origin.container, origin.name)):
            message = f"{origin}: not found (HTTP 404)"
        else:
            raise
        raise NotFoundError(message, transaction_id=error.transaction_id) from error
