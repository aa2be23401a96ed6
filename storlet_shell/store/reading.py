"""Objects on their way out of the store, as they are or through a storlet; their bodies come as they are asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from storlet_shell.errors import IncompleteBodyError, ServiceError, StorletShellError
from storlet_shell.results import Response
from storlet_shell.store.expectation import Count, Expectation
from storlet_shell.store.failures import broken_run, explained
from storlet_shell.store.requests import NO_HEADERS, check_range, read_request
from storlet_shell.store.runs import Answer, check_extra_resources, place, ran, read_through
from storlet_shell.wire import headers as wire

if TYPE_CHECKING:
    from storlet_shell.values import ByteRange, Invocation, ObjectPath
    from storlet_shell.wire.client import Client
    from storlet_shell.wire.requests import Request
    from storlet_shell.wire.transport import Reply

_ANYTHING = Expectation()


def get(
    client: Client,
    source: ObjectPath,
    run: Invocation | None = None,
    *,
    range: ByteRange | None = None,
    headers: Mapping[str, str] = NO_HEADERS,
    expected: Expectation = _ANYTHING,
) -> Response:
    """Return an object, or what a storlet makes of it; never the object if the storlet has not run.

    :param range: only these bytes of the object; a storlet is fed them alone
    :param headers: further headers of the request
    :param expected: how much the body must have; reading it fails when it has something else
    :raises NotFoundError: when the object, the storlet or an extra resource is not there
    :raises StorletFailedError: when the storlet fails
    :raises IncompleteBodyError: when the body's length is known, and is not what is expected
    """
    check_range(run, range)
    run = run and run._replace(range=range)
    check_extra_resources(client, run)
    request = read_request(source, run, headers, range=range)
    with explained(client, request, run):
        answer = Answer(request, client.send(request)) if run is None else read_through(client, source, run, headers)
    if range:
        _check_part(answer.reply, source, range, run)
        if run is None and expected.bytes is None:
            expected = expected._replace(bytes=wire.decode_range_length(answer.reply.headers))
    return respond(client, answer.reply, answer.request, run, expected)


def get_request(
    client: Client,
    source: ObjectPath,
    run: Invocation | None = None,
    *,
    range: ByteRange | None = None,
    headers: Mapping[str, str] = NO_HEADERS,
) -> Request:
    """Return the request that :func:`get` begins with; it asks where the storlet would run.

    :raises UnrunError: when that is to be the object's own server, which is known not to run storlets
    """
    check_range(run, range)
    if run is not None:
        run = place(client, source.container, run._replace(range=range))
    return read_request(source, run, headers, range=range)


def _check_part(reply: Reply, source: ObjectPath, range: ByteRange, run: Invocation | None) -> None:
    """Check that the answer is of the range that was asked for; an answer of the whole object looks as good.

    :raises StorletShellError: when it is not
    """
    part = reply.headers.get(wire.INPUT_RANGE if run else wire.CONTENT_RANGE, "")
    if not wire.is_of_range(part, range):
        reply.close()
        did = f"run {run.storlet} over" if run else "send"
        raise StorletShellError(
            f"{source}: the server did not {did} the range {range} alone", transaction_id=reply.transaction_id
        )


def respond(
    client: Client,
    reply: Reply,
    request: Request,
    run: Invocation | None = None,
    expected: Expectation = _ANYTHING,
) -> Response:
    """Make a response of the answer to a request, whose body is what the user asked for.

    :param run: the invocation that made the body
    :param expected: how much the body must have; reading it fails when it has something else
    :raises IncompleteBodyError: when its length is known, and is not what is expected
    """
    total = wire.decode_length(reply.headers)
    try:
        expected.check(request.subject, total, transaction=reply.transaction_id)
    except IncompleteBodyError:
        reply.close()
        raise
    return Response(
        reply.status,
        reply.headers,
        _watched(client, reply, request.subject, total, run, expected),
        subject=request.subject,
        close=reply.close,
        ran=ran(request, reply),
        seconds=reply.seconds,
    )


def _watched(
    client: Client, reply: Reply, label: str, total: int | None, run: Invocation | None, expected: Expectation
) -> Iterator[bytes]:
    count, digest = Count(), hashlib.md5(usedforsecurity=False)
    is_object = run is None and reply.status == 200
    with client.observer.progress(label, total) as progress:
        try:
            for chunk in reply.chunks():
                progress.advance(len(chunk))
                if is_object:
                    digest.update(chunk)
                if not expected.is_empty:
                    count.add(chunk)
                yield chunk
        except IncompleteBodyError as error:
            raise _broken(client, error, label, run) from error
    if is_object:
        check_received(label, reply, digest.hexdigest())
    expected.check(label, count.bytes, count.lines, reply.transaction_id)


def check_received(subject: str, reply: Reply, md5: str) -> None:
    """Check that the bytes of a whole object are those that its ETag stands for.

    :param md5: of what came
    :raises ServiceError: when they are others
    """
    etag = reply.headers.get(wire.ETAG, "").strip('"')
    if wire.is_md5_of_body(reply.headers) and etag and etag != md5:
        raise ServiceError(
            f"{subject}: what came is not what is stored: MD5 {md5}, not {etag}", transaction_id=reply.transaction_id
        )


def _broken(client: Client, error: IncompleteBodyError, label: str, run: Invocation | None) -> Exception:
    """Say what became of a body that ended early: a storlet's failure where a log proves it."""
    if run is None:
        return error.about(label)
    return broken_run(client, run.storlet.name, label, error)
