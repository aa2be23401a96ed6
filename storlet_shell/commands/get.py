"""``get``: an object, or what a storlet makes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storlet_shell.commands.arguments import (
    DRY_RUN,
    EXPECT_BYTES,
    EXPECT_LINES,
    HEADER,
    INVOCATION,
    RANGE,
    SAVE,
    check_range,
    make_invocation,
    object_option,
    object_position,
    only_one,
    own_headers,
)
from storlet_shell.errors import StorletShellError
from storlet_shell.results import Response, Result
from storlet_shell.results.saving import is_stdout
from storlet_shell.session import Session
from storlet_shell.spec.registry import command
from storlet_shell.store.exchange import check_extra_resources, explained, plan, respond
from storlet_shell.store.expectation import Expectation
from storlet_shell.store.runs import Answer, place, read_request, read_through
from storlet_shell.text import counted
from storlet_shell.values import ByteRange, Invocation, ObjectPath
from storlet_shell.wire import headers as wire
from storlet_shell.wire.requests import Request

if TYPE_CHECKING:
    from storlet_shell.wire.transport import Reply


@command(
    "get",
    "Download an object, through a storlet if one is named.",
    object_position("path"),
    object_option("--input", "the object, as an option"),
    *INVOCATION,
    RANGE,
    EXPECT_BYTES,
    EXPECT_LINES,
    HEADER,
    SAVE,
    DRY_RUN,
)
def get(
    session: Session,
    path: ObjectPath | None = None,
    input: ObjectPath | None = None,
    range: ByteRange | None = None,
    expect_bytes: int | None = None,
    expect_lines: int | None = None,
    headers: list[wire.Header] | None = None,
    save: str | None = None,
    dry_run: bool = False,
    **invocation: Any,
) -> Result:
    """Download an object, through a storlet if one is named.

    Without --save or -o, or with --save -, the body goes to standard output, byte for byte; a terminal gets a preview
    of what is not text, and a notebook the response as the cell's value.
    With --range a storlet is fed only that part of the object; it runs on the proxy server then.

    On upstream's engine the end of what a storlet makes looks the same after a failure. Where it is known how much must
    come, --expect-bytes or --expect-lines says so; a difference is an error, and --save saves nothing then.

    :raises NotFoundError: when the object, the storlet or an extra resource is not there
    :raises StorletFailedError: when the storlet fails
    :raises IncompleteBodyError: when the body has not as many bytes or lines as are expected
    """
    source: ObjectPath = only_one(input, path, "the object (CONTAINER/OBJECT or --input)")
    run = make_invocation(session, **{"storlet": None, **invocation})
    check_range(run, range)
    own = own_headers(headers, run)
    run = run and run._replace(range=range)
    if dry_run:
        return plan(session.client, _planned(session, source, run, range, own))
    check_extra_resources(session.client, run)
    request, reply = _send(session, source, run, range, own)
    if range:
        _check_range(reply, source, range, run)
        if run is None and expect_bytes is None:
            expect_bytes = wire.decode_range_length(reply.headers)
    response = respond(session.client, reply, request, run, Expectation(expect_bytes, expect_lines))
    if save is None:
        return response
    return _pour(session, response) if is_stdout(save) else _save(response, save)


def _request(source: ObjectPath, range: ByteRange | None, own: Mapping[str, str]) -> Request:
    headers = {"Accept-Encoding": "identity", **wire.encode_range(range), **own}
    return Request("GET", source.container, source.name, headers=headers)


def _planned(
    session: Session, source: ObjectPath, run: Invocation | None, range: ByteRange | None, own: Mapping[str, str]
) -> Request:
    if run is None:
        return _request(source, range, own)
    return read_request(source, place(session.client, source.container, run, session.surroundings.warn), own)


def _send(
    session: Session, source: ObjectPath, run: Invocation | None, range: ByteRange | None, own: Mapping[str, str]
) -> Answer:
    request = _request(source, range, own)
    with explained(session.client, request, run):
        if run is None:
            return Answer(request, session.client.send(request))
        return read_through(session.client, source, run, own, session.surroundings.warn)


def _check_range(reply: Reply, source: ObjectPath, range: ByteRange, run: Invocation | None) -> None:
    """Check that the answer is of the range that was asked for; an answer of the whole object looks as good.

    :raises StorletShellError: when it is not
    """
    told = reply.headers.get(wire.INPUT_RANGE if run else wire.CONTENT_RANGE, "")
    if not wire.is_of_range(told, range):
        reply.close()
        did = f"run {run.storlet} over" if run else "send"
        raise StorletShellError(
            f"{source}: the server did not {did} the range {range} alone", transaction_id=reply.transaction_id
        )


def _pour(session: Session, response: Response) -> Response:
    """Leave the body to the front end, which writes it to its standard output; the summary goes elsewhere."""

    def body() -> Iterator[bytes]:
        count = 0
        for chunk in response.iter_content():
            count += len(chunk)
            yield chunk
        session.surroundings.warn(f"standard output: {counted(count, 'byte')} from {response.subject}")

    poured = Response(
        response.status,
        response.headers,
        body(),
        subject=response.subject,
        close=response.close,
        ran=response.ran,
        seconds=response.seconds,
    )
    poured.is_for_output = True
    return poured


def _save(response: Response, target: str) -> Response:
    try:
        count = response.save(Path(target))
    finally:
        response.close()
    summary = f"{target}: {counted(count, 'byte')} from {response.subject}"
    return Response(
        response.status,
        response.headers,
        subject=response.subject,
        summary=summary,
        ran=response.ran,
        seconds=response.seconds,
    )
