"""``get``: an object, or what a storlet makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from storlet_shell.commands.arguments import (
    DRY_RUN,
    EXPECT_BYTES,
    EXPECT_LINES,
    HEADER,
    INVOCATION,
    RANGE,
    SAVE,
    make_invocation,
    object_option,
    object_position,
    only_one,
    own_headers,
)
from storlet_shell.results import Response, Result
from storlet_shell.results.saving import is_stdout
from storlet_shell.session import Session
from storlet_shell.spec.command import command
from storlet_shell.store import reading
from storlet_shell.store.expectation import Expectation
from storlet_shell.store.requests import plan
from storlet_shell.text import counted
from storlet_shell.values import ByteRange, ObjectPath
from storlet_shell.wire.headers import Header


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
    headers: list[Header] | None = None,
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
    fields = own_headers(headers, run)
    if dry_run:
        return plan(session.client, reading.get_request(session.client, source, run, range=range, headers=fields))
    expected = Expectation(expect_bytes, expect_lines)
    response = reading.get(session.client, source, run, range=range, headers=fields, expected=expected)
    if save is None:
        return response
    return _pour(session, response) if is_stdout(save) else _save(response, save)


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
