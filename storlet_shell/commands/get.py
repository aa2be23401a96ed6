"""``get``: download an object, through a storlet if one is named."""

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
)
from storlet_shell.commands.arguments.headers import Header, own_headers
from storlet_shell.results import Response, Result
from storlet_shell.results.saving import is_stdout
from storlet_shell.session import Session
from storlet_shell.spec.command import command
from storlet_shell.store import reading
from storlet_shell.store.expectation import Expectation
from storlet_shell.store.requests import plan
from storlet_shell.text import counted
from storlet_shell.values import ByteRange, Invocation, ObjectPath
from storlet_shell.wire.headers import MODIFIED, USER_METADATA

_SOURCES_OWN = MODIFIED.removeprefix(USER_METADATA)
"""The date of the file that the source was uploaded from, which says nothing about a result."""


@command(
    "get",
    "Download an object, through a storlet if one is named.",
    object_position("path"),
    object_option("--input", "same as CONTAINER/OBJECT"),
    *INVOCATION,
    RANGE,
    EXPECT_BYTES,
    EXPECT_LINES,
    HEADER,
    SAVE,
    DRY_RUN,
    examples=(
        "get weather/today.csv  # show an object",
        "get weather/today.csv --storlet warm.py -p least=20  # show what a storlet makes of it",
        "get weather/today.csv --save today.csv  # write it to a file",
    ),
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

    Without --save or -o, or with --save -, the body goes to standard output, byte for byte; a terminal shows a preview
    of anything but text, and a notebook gets the response as the cell's value. With --range, a storlet reads only that
    part of the object; it runs on the proxy server then.

    On the upstream engine, a storlet that fails midway ends its output like one that succeeds. If you know the length
    of the result, give --expect-bytes or --expect-lines: any other length is an error, and --save writes nothing.

    :raises NotFoundError: when the object, the storlet or an extra input doesn't exist
    :raises StorletFailedError: when the storlet fails
    :raises IncompleteBodyError: when the body has another length than expected
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
    return _pour(session, response, run) if is_stdout(save) else _save(response, save, run)


def _pour(session: Session, response: Response, run: Invocation | None) -> Response:
    """Leave the body to the front end, which writes it to its standard output; the summary goes elsewhere."""

    def body() -> Iterator[bytes]:
        count = 0
        for chunk in response.iter_content():
            count += len(chunk)
            yield chunk
        session.surroundings.warn(_summary("standard output", count, response, run))

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


def _save(response: Response, target: str, run: Invocation | None) -> Response:
    try:
        count = response.save(Path(target))
    finally:
        response.close()
    return Response(
        response.status,
        response.headers,
        subject=response.subject,
        summary=_summary(target, count, response, run),
        ran=response.ran,
        seconds=response.seconds,
        facts={"file": target, "bytes": count},
    )


def _summary(target: str, count: int, response: Response, run: Invocation | None) -> str:
    """Summarize a body that has been written, in one line, with the metadata that a storlet set."""
    items = [f"{key}={value}" for key, value in response.metadata.items() if run and key.title() != _SOURCES_OWN]
    metadata = f"; metadata: {', '.join(items)}" if items else ""
    return f"{target}: {counted(count, 'byte')} from {response.subject}{metadata}"
