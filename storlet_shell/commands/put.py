"""``put``: upload a local file as an object, through a storlet if one is named."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from storlet_shell.commands.arguments import (
    DRY_RUN,
    EXPECT_BYTES,
    HEADER,
    INVOCATION,
    make_invocation,
    object_option,
    object_position,
    only_one,
)
from storlet_shell.commands.arguments.headers import Header, own_headers
from storlet_shell.errors import UsageError
from storlet_shell.results import Result
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg, Kind
from storlet_shell.spec.command import command
from storlet_shell.store import objects
from storlet_shell.store.expectation import Expectation
from storlet_shell.store.functions import check_parameters
from storlet_shell.store.requests import plan, put_request
from storlet_shell.transfers.targets import object_for
from storlet_shell.values import Location, ObjectPath, expand
from storlet_shell.wire.bodies import Body, file_body, stream_body


@command(
    "put",
    "Upload a local file as an object, through a storlet if one is named.",
    Arg("file", nargs="?", kind=Kind.FILE, metavar="FILE", help="local file; - means standard input"),
    object_position("path"),
    Arg("--input", kind=Kind.FILE, metavar="FILE", help="same as FILE"),
    object_option("--output", "same as CONTAINER/OBJECT"),
    *INVOCATION,
    Arg("--content-type", metavar="TYPE", help="content type of the object (default: guessed from its name)"),
    EXPECT_BYTES,
    HEADER,
    DRY_RUN,
    examples=(
        "put today.csv weather/today.csv  # an exact copy",
        "put today.csv weather/warm.csv --storlet warm.py -p least=20  # store what the storlet writes",
        "put - weather/note.txt < note.txt  # from standard input",
        "put today.csv weather/today.csv --dry-run  # show the request",
    ),
)
def put(
    session: Session,
    file: str | None = None,
    path: ObjectPath | None = None,
    input: str | None = None,
    output: ObjectPath | None = None,
    content_type: str | None = None,
    expect_bytes: int | None = None,
    headers: list[Header] | None = None,
    dry_run: bool = False,
    **invocation: Any,
) -> Result:
    """Upload a local file as an object, through a storlet if one is named.

    The storlet runs on the proxy server, over the bytes as they arrive; its output is stored. The upstream engine also
    stores what a storlet wrote before it failed: if you know the length of the result, give --expect-bytes.

    :raises NotFoundError: when the file, the container or the storlet doesn't exist
    :raises StorletFailedError: when the storlet fails; nothing is stored then
    :raises IncompleteBodyError: when the object has another length than expected
    """
    source: str = only_one(input, file, "the local file (FILE or --input)")
    target: ObjectPath = only_one(output, path, "the object (CONTAINER/OBJECT or --output)")
    if source != "-":
        target = object_for(expand(source), Location(*target))
    run = make_invocation(session, **{"storlet": None, **invocation})
    fields, client = own_headers(headers, run), session.client
    with _open(session, source) as body:
        if dry_run:
            if run is not None:
                check_parameters(client, run)
            return plan(client, put_request(target, body.label, run, content_type=content_type, headers=fields))
        expected = Expectation(expect_bytes)
        stored = objects.put(client, target, body, run, content_type=content_type, headers=fields, expected=expected)
    return stored.response()


def _open(session: Session, source: str) -> AbstractContextManager[Body]:
    if source != "-":
        return file_body(source)
    if session.surroundings.stdin is None:
        raise UsageError("-: standard input isn't available here; name a file")
    return nullcontext(stream_body(session.surroundings.stdin))
