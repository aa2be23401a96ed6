"""``get``: an object, or what a storlet makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from storlet_shell import headers as wire
from storlet_shell.commands._arguments import (
    DRY_RUN,
    INVOCATION,
    SAVE,
    make_invocation,
    object_option,
    object_position,
    only_one,
)
from storlet_shell.commands._exchange import check_extra_resources, check_storlets_run, plan, respond
from storlet_shell.errors import StorletShellError
from storlet_shell.registry import command
from storlet_shell.results import Response, Result
from storlet_shell.session import Session
from storlet_shell.values import Invocation, ObjectPath, Request


@command(
    "get",
    "Download an object, through a storlet if one is named.",
    object_position("path"),
    object_option("--input", "the object, as an option"),
    *INVOCATION,
    SAVE,
    DRY_RUN,
)
def get(
    session: Session,
    path: ObjectPath | None = None,
    input: ObjectPath | None = None,
    save: str | None = None,
    dry_run: bool = False,
    **invocation: Any,
) -> Result:
    """Download an object, through a storlet if one is named.

    Without --save or -o the body goes to standard output, byte for byte; a terminal gets a preview of what is not text.

    :raises NotFoundError: when the object, the storlet or an extra resource is not there
    :raises StorletFailedError: when the storlet fails before it has sent anything
    """
    source: ObjectPath = only_one(input, path, "the object (CONTAINER/OBJECT or --input)")
    run = make_invocation(session, **{"storlet": None, **invocation})
    request = _request(source, run)
    if dry_run:
        return plan(session, request)
    check_extra_resources(session, run)
    reply = session.client.send(request)
    if run and wire.CONTENT_LENGTH in reply.headers:  # what a storlet makes has no length beforehand
        check_storlets_run(session)
    if run and run.on_proxy is None and run.range is None and _is_raw(reply.headers):
        reply.close()
        request = _request(source, run._replace(on_proxy=True))
        reply = session.client.send(request)
    if run and run.range and wire.INPUT_RANGE not in reply.headers:
        reply.close()
        raise StorletShellError(f"{source}: the server did not run {run.storlet} over the range {run.range} alone")
    response = respond(session, reply, request, run)
    return response if save is None else _save(response, save)


def _request(source: ObjectPath, run: Invocation | None) -> Request:
    headers = {"Accept-Encoding": "identity", **(wire.encode_invocation(run) if run else {})}
    return Request("GET", source.container, source.name, headers=headers)


def _is_raw(headers: Mapping[str, str]) -> bool:
    """Tell whether the storlet has not run: object servers return dynamic large and erasure-coded objects as they are.

    The middleware takes the length off what a storlet makes (storlets ``handlers/base.py: apply_storlet``).
    """
    return wire.DYNAMIC_MANIFEST in headers or wire.CONTENT_LENGTH in headers


def _save(response: Response, target: str) -> Response:
    try:
        count = response.save(Path(target))
    finally:
        response.close()
    summary = f"{target}: {count} bytes from {response.subject}"
    return Response(
        response.status,
        response.headers,
        subject=response.subject,
        summary=summary,
        ran=response.ran,
        seconds=response.seconds,
    )
