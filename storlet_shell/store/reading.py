"""Read objects, directly or through a storlet; bodies are streamed on demand."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from storlet_shell.errors import IncompleteBodyError, ServiceError, StorletShellError
from storlet_shell.results import Response
from storlet_shell.store.expectation import Count, Expectation
from storlet_shell.store.failures import broken_run, explained
from storlet_shell.store.metadata import head
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
    """Return an object, or the result of a storlet that runs over it; never the object if the storlet didn't run.

    :param range: read only these bytes of the object; None for all
    :param headers: further request headers
    :param expected: the expected size; reading the body fails if it differs
    :raises NotFoundError: if the object, the storlet or an extra resource doesn't exist
    :raises StorletFailedError: if the storlet fails
    :raises IncompleteBodyError: if the length of the body is known, and isn't as expected
    """
    check_range(run, range)
    run = run and run._replace(range=range)
    check_extra_resources(client, run)
    request = read_request(source, run, headers, range=range)
    with explained(client, request, run):
        answer = Answer(request, client.send(request)) if run is None else read_through(client, source, run, headers)
    if range:
        _check_part(client, answer.reply, source, range, run)
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
    """Return the first request of :func:`get`; other requests may be sent to find out where the storlet would run.

    :raises UnrunError: if it should run on the object's own server, which is known not to run storlets
    """
    check_range(run, range)
    if run is not None:
        run = place(client, source.container, run._replace(range=range))
    return read_request(source, run, headers, range=range)


def _check_part(client: Client, reply: Reply, source: ObjectPath, range: ByteRange, run: Invocation | None) -> None:
    """Check that a response is for the requested range; one for the whole object looks the same otherwise.

    :raises StorletShellError: if it isn't
    """
    part = reply.headers.get(wire.INPUT_RANGE if run else wire.CONTENT_RANGE, "")
    is_whole = not part and range.is_suffix and _is_empty(client, reply, source, run)
    if not is_whole and not wire.is_of_range(part, range):
        reply.close()
        action = f"run {run.storlet} over" if run else "return"
        raise StorletShellError(
            f"{source}: the server didn't {action} just the range {range}", transaction_id=reply.transaction_id
        )


def _is_empty(client: Client, reply: Reply, source: ObjectPath, run: Invocation | None) -> bool:
    """Tell whether an object is empty: for its last bytes, Swift returns all of it (RFC 9110, 14.1.2)."""
    return (wire.decode_length(reply.headers) if run is None else head(client, source).size) == 0


def respond(
    client: Client,
    reply: Reply,
    request: Request,
    run: Invocation | None = None,
    expected: Expectation = _ANYTHING,
) -> Response:
    """Turn the reply to a request into a response for the user.

    :param run: the invocation that produced the body; None without a storlet
    :param expected: the expected size; reading the body fails if it differs
    :raises IncompleteBodyError: if the length of the body is known, and isn't as expected
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
    """Check that the received bytes of a whole object match its ETag.

    :param md5: the MD5 of the received bytes, in hexadecimal
    :raises ServiceError: if they don't match
    """
    etag = reply.headers.get(wire.ETAG, "").strip('"')
    if wire.is_md5_of_body(reply.headers) and etag and etag != md5:
        raise ServiceError(
            f"{subject}: received other bytes than are stored: MD5 {md5}, not {etag}",
            transaction_id=reply.transaction_id,
        )


def _broken(client: Client, error: IncompleteBodyError, label: str, run: Invocation | None) -> Exception:
    """Return the error for a body that was cut short: a storlet's failure if a log proves it."""
    if run is None:
        return error.about(label)
    return broken_run(client, run.storlet.name, label, error)
