"""What commands do with requests and answers: check, plan, send with progress, respond."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from storlet_shell.errors import (
    IncompleteBodyError,
    NotDeployedError,
    NotFoundError,
    ServiceError,
    StorletFailedError,
    StorletShellError,
)
from storlet_shell.results import Planned, Response
from storlet_shell.store import runs
from storlet_shell.store.expectation import Count, Expectation
from storlet_shell.wire import headers as wire
from storlet_shell.wire.requests import Request

if TYPE_CHECKING:
    from storlet_shell.values import Invocation, ObjectPath
    from storlet_shell.wire.bodies import Body
    from storlet_shell.wire.client import Client
    from storlet_shell.wire.transport import Reply


def check_extra_resources(client: Client, invocation: Invocation | None) -> None:
    """Check that each extra resource is there: the server feeds an error page to the storlet when one is not.

    Source: storlets ``handlers/proxy.py: _build_storlet_request``.

    The storlet, too, is looked at: one that surely reads its first input only would drop the others in silence.

    :raises NotFoundError: when one is not
    :raises UsageError: when the storlet can't read them all
    """
    if invocation is None or not invocation.extra:
        return
    for path in invocation.extra:
        client.send(Request("HEAD", path.container, path.name)).close()
    from storlet_shell.store.unread import check_inputs_are_read  # for those who have several inputs

    check_inputs_are_read(client, invocation)


def plan(client: Client, *requests: Request) -> Planned:
    """Show requests instead of sending them; only the login is made, since it tells where they would go."""
    return Planned(
        tuple(
            {
                "method": request.method,
                "url": client.url(request),
                "headers": wire.without_keys({wire.AUTH_TOKEN: "…", **request.headers}),
                "body": request.body,
            }
            for request in requests
        )
    )


def check_storlets_run(client: Client) -> None:
    """Check that the cluster runs storlets; warn of one that only seems to.

    :raises ServiceError: when it runs none
    """
    runs.check_storlets_run(client, client.observer.warn)


@contextmanager
def explained(client: Client, request: Request, run: Invocation | None) -> Iterator[None]:
    """Say more of a request that fails, by a look at what may be the reason.

    Which storlet may be meant by one that is not deployed; that an object's container is not there; and of a run with
    ``--generate-log`` that the option may be it: an upstream engine uploads the log without an object's name, and the
    run fails with that (storlets ``gateways/container/gateway.py: _upload_storlet_logs``).
    """
    try:
        yield
    except NotDeployedError as error:
        from storlet_shell.store.suggestions import not_deployed  # for those who mistype

        assert run is not None
        raise not_deployed(client, run.storlet.name, transaction_id=error.transaction_id) from error
    except NotFoundError as error:
        if request.method == "GET" and _is_missing(client, request.container):
            message = f"{error.message}; container {request.container} is not there, either"
            raise NotFoundError(message, transaction_id=error.transaction_id, details=error.details) from error
        raise
    except StorletFailedError as error:
        if run is None or not run.generate_log or client.is_embedded:
            raise
        raise StorletFailedError(
            f"{error.message}; upstream's engine can't store a log and fails such a run: try without --generate-log",
            transaction_id=error.transaction_id,
            details=error.details,
        ) from error


def _is_missing(client: Client, container: str) -> bool:
    """Tell whether a container is known not to be there."""
    try:
        return not is_there(client, Request("HEAD", container))
    except StorletShellError:
        return False


def respond(
    client: Client,
    reply: Reply,
    request: Request,
    run: Invocation | None = None,
    expected: Expectation | None = None,
) -> Response:
    """Make a response of the answer to a request, whose body is what the user asked for.

    :param run: the invocation that made the body
    :param expected: how much the body must have; reading it fails when it has something else
    :raises IncompleteBodyError: when its length is known, and is not what is expected
    """
    expected = expected or Expectation()
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


def ran(request: Request, reply: Reply) -> str:
    """Say which storlet has answered a request and where it ran; nothing of a plain request."""
    if wire.RUN_STORLET not in request.headers:
        return ""
    proxy = request.method == "PUT" or not {wire.RUN_ON_PROXY, wire.EXTRA_RESOURCES}.isdisjoint(request.headers)
    server = reply.headers.get(wire.RAN_ON, "proxy" if proxy else "object")
    return f"through {request.headers[wire.RUN_STORLET]} on the {server} server"


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
        return IncompleteBodyError(f"{label}: {error.message}", transaction_id=error.transaction_id)
    return client.broken_run(run.storlet.name, label, error)


@contextmanager
def shown(client: Client, request: Request, body: Body) -> Iterator[None]:
    """Show how far a request with a body is."""
    with client.observer.progress(request.subject, body.length) as progress:
        body.observers.append(lambda chunk: progress.advance(len(chunk)))
        yield


def check_length(client: Client, path: ObjectPath, expected: Expectation) -> None:
    """Check how many bytes an object has that was just stored; asks only when something is expected.

    :raises IncompleteBodyError: when it has another number of them; it stays as it is
    """
    if expected.is_empty:
        return
    reply = client.send(Request("HEAD", path.container, path.name))
    reply.close()
    expected.check(f"{path} is stored, but", wire.decode_length(reply.headers), None, reply.transaction_id)


def is_there(client: Client, request: Request) -> bool:
    """Tell whether a HEAD finds what it names."""
    try:
        client.send(request).close()
    except NotFoundError:
        return False
    return True
