"""``put``: a local file as an object, or what a storlet makes of it."""

from __future__ import annotations

import mimetypes
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
    own_headers,
)
from storlet_shell.errors import UsageError
from storlet_shell.results import Response, Result
from storlet_shell.session import Session
from storlet_shell.spec.registry import Arg, Kind, command
from storlet_shell.store.exchange import (
    check_extra_resources,
    check_length,
    check_storlets_run,
    explained,
    plan,
    ran,
    shown,
)
from storlet_shell.store.expectation import Expectation
from storlet_shell.store.objects import store
from storlet_shell.store.segments import Replacing
from storlet_shell.values import ObjectPath
from storlet_shell.wire import headers as wire
from storlet_shell.wire.bodies import Body, file_body, stream_body
from storlet_shell.wire.requests import Request


@command(
    "put",
    "Upload a local file as an object, through a storlet if one is named.",
    Arg("file", nargs="?", kind=Kind.FILE, metavar="FILE", help="the local file; - is standard input"),
    object_position("path"),
    Arg("--input", kind=Kind.FILE, metavar="FILE", help="the local file, as an option"),
    object_option("--output", "the object, as an option"),
    *INVOCATION,
    Arg("--content-type", metavar="TYPE", help="the object's content type; guessed from its name otherwise"),
    EXPECT_BYTES,
    HEADER,
    DRY_RUN,
)
def put(
    session: Session,
    file: str | None = None,
    path: ObjectPath | None = None,
    input: str | None = None,
    output: ObjectPath | None = None,
    content_type: str | None = None,
    expect_bytes: int | None = None,
    headers: list[wire.Header] | None = None,
    dry_run: bool = False,
    **invocation: Any,
) -> Result:
    """Upload a local file as an object, through a storlet if one is named.

    The storlet runs on the proxy server, over the bytes as they arrive; what it writes is what is stored. Upstream's
    engine stores what a storlet wrote before it failed, too; --expect-bytes says how many bytes the object must have.

    :raises NotFoundError: when the file, the container or the storlet is not there
    :raises StorletFailedError: when the storlet fails; nothing is stored then
    :raises IncompleteBodyError: when the object has not as many bytes as are expected
    """
    source: str = only_one(input, file, "the local file (FILE or --input)")
    target: ObjectPath = only_one(output, path, "the object (CONTAINER/OBJECT or --output)")
    run = make_invocation(session, **{"storlet": None, **invocation})
    given = {wire.CONTENT_TYPE: content_type or mimetypes.guess_type(target.name)[0] or wire.BINARY}
    given.update(wire.encode_invocation(run) if run else {})
    given.update(own_headers(headers, run))
    with _open(session, source) as body:
        request = Request("PUT", target.container, target.name, headers=given, body=body.label)
        if dry_run:
            return plan(session.client, request)
        if run:
            check_storlets_run(session.client)
            check_extra_resources(session.client, run)
        with explained(session.client, request, run):
            response = upload(session, request, body, Replacing())
        check_length(session.client, target, Expectation(expect_bytes))
        return response


def _open(session: Session, source: str) -> AbstractContextManager[Body]:
    if source != "-":
        return file_body(source)
    if session.surroundings.stdin is None:
        raise UsageError("there is no standard input here; name a file")
    return nullcontext(stream_body(session.surroundings.stdin))


def upload(session: Session, request: Request, body: Body, replacing: Replacing) -> Response:
    """Store an object in the place of another, whose segments go.

    :raises LocalFileError: when what is sent changes meanwhile
    :raises ServiceError: when the server stores other bytes than were sent
    """
    client, path = session.client, ObjectPath(request.container, request.name)
    with replacing.replaced(client, path), shown(session.client, request, body):
        reply = store(client, request, body, is_changed=wire.RUN_STORLET in request.headers)
    for note in replacing.take_notes():
        session.surroundings.warn(note)
    return Response(
        reply.status,
        reply.headers,
        subject=request.subject,
        summary=f"{request.subject}: stored (HTTP {reply.status})",
        ran=ran(request, reply),
        seconds=reply.seconds,
    )
