"""Read objects, directly or through a storlet; bodies are streamed on demand."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from storlet_shell.errors import IncompleteBodyError, ServiceError, StorletShellError
from storlet_shell.results import Response
from storlet_shell.results.response import JoinedResponse
from storlet_shell.store.expectation import Count, Expectation
from storlet_shell.store.failures import broken_run, explained, send_run
from storlet_shell.store.functions import Function, check_parameters, look_up_again, with_own_lines
from storlet_shell.store.metadata import head
from storlet_shell.store.requests import NO_HEADERS, check_range, read_request
from storlet_shell.store.runs import (
    Answer,
    check_extra_resources,
    check_storlets_run,
    discard,
    place,
    ran,
    read_through,
    send_anywhere,
    unprocessed,
)
from storlet_shell.values import Parameter
from storlet_shell.wire import headers as wire
from storlet_shell.wire.cluster import returned_as_is

if TYPE_CHECKING:
    from storlet_shell.values import ByteRange, Invocation, ObjectPath
    from storlet_shell.wire.client import Client
    from storlet_shell.wire.frames import Raised
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
    :raises UsageError: if the storlet is a function, and a parameter is unknown, missing, or unfit
    :raises NotFoundError: if the object, the storlet or an extra resource doesn't exist
    :raises StorletFailedError: if the storlet fails
    :raises IncompleteBodyError: if the length of the body is known, and isn't as expected
    """
    check_range(run, range)
    run = run and run._replace(range=range)
    function = None
    if run is not None:
        function = check_parameters(client, run)
        check_extra_resources(client, run)
    request = read_request(source, run, headers, range=range)
    with explained(client, request, run):
        if run is None:
            answer = Answer(request, client.send(request))
        else:
            answer = read_result(client, source, run, function, headers)
    if range:
        _check_part(client, answer.reply, source, range, run)
        if run is None and expected.bytes is None:
            expected = expected._replace(bytes=wire.decode_range_length(answer.reply.headers))
    return respond(client, answer.reply, answer.request, run, expected)


def get_all(client: Client, paths: Iterator[ObjectPath], subject: str) -> JoinedResponse:
    """Return objects as one response whose body is theirs, one after the other.

    The first object has been requested when this returns; each other is requested once the one before has been read.

    :param paths: at least one
    :param subject: describes them to users
    :raises NotFoundError: if the first object doesn't exist; reading the body fails if another doesn't
    """
    first = get(client, next(paths))
    names: list[str] = []
    current = [first]

    def bodies() -> Iterator[bytes]:
        while True:
            names.append(current[0].subject)
            yield from current[0].iter_content()
            path = next(paths, None)
            if path is None:
                return
            current[0] = get(client, path)

    headers = {wire.CONTENT_TYPE: first.headers.get(wire.CONTENT_TYPE, wire.BINARY)}
    joined = JoinedResponse(first.status, headers, bodies(), subject=subject, close=lambda: current[0].close())
    joined.objects = names
    return joined


def get_request(
    client: Client,
    source: ObjectPath,
    run: Invocation | None = None,
    *,
    range: ByteRange | None = None,
    headers: Mapping[str, str] = NO_HEADERS,
) -> Request:
    """Return the first request of :func:`get`; other requests may be sent to find out where the storlet would run.

    :raises UsageError: if the storlet is a function, and a parameter is unknown, missing, or unfit
    :raises UnrunError: if it should run on the object's own server, which is known not to run storlets
    """
    check_range(run, range)
    if run is not None:
        function = check_parameters(client, run)
        run = place_result(client, source.container, run._replace(range=range), function)
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


def read_result(
    client: Client,
    source: ObjectPath,
    run: Invocation,
    function: Function | None,
    headers: Mapping[str, str] = NO_HEADERS,
) -> Answer:
    """Run a storlet over an object and return its result, never the object itself.

    :param function: the function that the storlet was made from; None for any other storlet
    :param headers: further request headers
    :raises UnrunError: if it should run on the object's own server, which doesn't run storlets over it
    :raises ServiceError: if the cluster doesn't run storlets
    """
    if function is None:
        return read_through(client, source, run, headers)
    check_storlets_run(client)
    framed = _place(client, source.container, run)
    answer = send_anywhere(client, source, framed, lambda run: _send(client, source, run, headers))
    if answer is not None:
        return answer
    if look_up_again(client, run.storlet) is not None:
        raise unprocessed(source, run)
    return read_through(client, source, run, headers)  # it was replaced by another kind of storlet


def place_result(client: Client, container: str, run: Invocation, function: Function | None) -> Invocation:
    """Return an invocation as :func:`read_result` sends it first, for the objects of a container.

    :param function: the function that the storlet was made from; None for any other storlet
    :raises UnrunError: if the user chose the object's own server, which is known not to run storlets
    """
    return (place if function is None else _place)(client, container, run)


def _place(client: Client, container: str, run: Invocation) -> Invocation:
    """Return the run of a function with a nonce, and with the place where to try it first.

    The answer tells whether it ran. So it may run on any node, except where nodes have returned objects as they are.
    """
    from storlet_shell.wire import frames  # only functions need it

    framed = run._replace(parameters=(*run.parameters, Parameter(frames.PARAMETER, frames.make_nonce())))
    is_useless = run.on_proxy is None and client.cluster.knows(returned_as_is(container))
    return framed._replace(on_proxy=True) if is_useless else framed


def _send(client: Client, source: ObjectPath, run: Invocation, headers: Mapping[str, str]) -> Answer | None:
    """Send the run of a function; discard the response and return None if the function didn't write it.

    :param run: its last parameter is the nonce
    :raises UnrunError: if the user chose the object's own server, but only the proxy server runs the storlet
    """
    from storlet_shell.wire.frames import FramedReply, first_line

    request = read_request(source, run, headers)
    reply = send_run(client, request)
    chunks = reply.chunks()
    try:
        rest = _after(first_line(run.parameters[-1].value), chunks)
    except IncompleteBodyError as error:
        raise broken_run(client, run.storlet.name, str(source), error) from error
    except BaseException:
        reply.close()
        raise
    if rest is None:
        discard(client, source, run, reply)
        return None

    def failed(raised: Raised) -> StorletShellError:
        return _failure(client, run, source, raised, reply.transaction_id)

    return Answer(request, FramedReply(reply, rest, chunks, failed, _fault_of))


def _fault_of(metadata: Mapping[str, str]) -> str:
    """Return why a result's metadata can't be headers, as an engine says of those without frames; empty if they can."""
    from storlet_shell.storlets.contract import MetadataError, read_metadata  # only functions need it

    try:
        read_metadata(json.dumps(metadata).encode())
    except MetadataError as error:
        return str(error)
    return ""


def _after(line: bytes, chunks: Iterator[bytes]) -> bytes | None:
    """Return what a body's first chunks hold after its first line; None if it starts otherwise."""
    start = b""
    while len(start) < len(line):
        chunk = next(chunks, b"")
        start += chunk
        if not chunk or not start.startswith(line[: len(start)]):
            return None
    return start.removeprefix(line)


def _failure(
    client: Client, run: Invocation, source: ObjectPath, raised: Raised, transaction_id: str
) -> StorletShellError:
    """Return the error for a failure that a function reports."""
    from storlet_shell.wire.failures import Failure, with_cure

    name = run.storlet.name
    failure = Failure(
        with_cure(raised.error) or "it gives no reason", log=with_own_lines(client, name, raised.traceback)
    )
    return failure.error(name, str(source), transaction_id, None)
