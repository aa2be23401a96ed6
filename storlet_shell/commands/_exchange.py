"""What commands do with requests and answers: check, plan, send with progress, respond."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from storlet_shell import headers as wire
from storlet_shell.bodies import Body
from storlet_shell.commands._expectation import Count, Expectation
from storlet_shell.errors import (
    IncompleteBodyError,
    NotDeployedError,
    NotFoundError,
    ServiceError,
    StorletFailedError,
    StorletShellError,
)
from storlet_shell.results import Planned, Response
from storlet_shell.session import Session
from storlet_shell.values import Invocation, ObjectPath, Request

if TYPE_CHECKING:
    from storlet_shell.transport import Reply


def check_extra_resources(session: Session, invocation: Invocation | None) -> None:
    """Check that each extra resource is there: the server feeds an error page to the storlet when one is not.

    Source: storlets ``handlers/proxy.py: _build_storlet_request``.

    :raises NotFoundError: when one is not
    """
    for path in invocation.extra if invocation else ():
        session.client.send(Request("HEAD", path.container, path.name)).close()


def plan(session: Session, *requests: Request) -> Planned:
    """Show requests instead of sending them; only the login is made, since it tells where they would go."""
    return Planned(
        tuple(
            {
                "method": request.method,
                "url": session.client.url(request),
                "headers": wire.without_keys({wire.AUTH_TOKEN: "…", **request.headers}),
                "body": request.body,
            }
            for request in requests
        )
    )


def check_storlets_run(session: Session) -> None:
    """Check that the cluster runs storlets: one that does not stores and returns objects as they are, and says nothing.

    A cluster that hides what it can do (``expose_info = false``) is given the benefit of the doubt.

    :raises ServiceError: when it runs none
    """
    capabilities = session.client.capabilities()
    if capabilities and "storlet_handler" not in capabilities:
        raise ServiceError("this cluster runs no storlets: GET /info does not name their middleware")
    if capabilities.get("storlet_handler", {}).get("storlet_gateway_class") == "StubStorletGateway":
        session.surroundings.warn("warning: this cluster's storlets gateway is the stub, which runs nothing")


@contextmanager
def explained(session: Session, request: Request, run: Invocation | None) -> Iterator[None]:
    """Say more of a request that fails, by a look at what may be the reason.

    Which storlet may be meant by one that is not deployed; that an object's container is not there; and of a run with
    ``--generate-log`` that the option may be it: an upstream engine uploads the log without an object's name, and the
    run fails with that (storlets ``gateways/container/gateway.py: _upload_storlet_logs``).
    """
    try:
        yield
    except NotDeployedError as error:
        from storlet_shell.commands._deployed import not_deployed  # for those who mistype

        assert run is not None
        raise not_deployed(session, run.storlet.name, transaction_id=error.transaction_id) from error
    except NotFoundError as error:
        if request.method == "GET" and _is_missing(session, request.container):
            message = f"{error.message}; container {request.container} is not there, either"
            raise NotFoundError(message, transaction_id=error.transaction_id, details=error.details) from error
        raise
    except StorletFailedError as error:
        if run is None or not run.generate_log or session.client.is_embedded:
            raise
        raise StorletFailedError(
            f"{error.message}; upstream's engine can't store a log and fails such a run: try without --generate-log",
            transaction_id=error.transaction_id,
            details=error.details,
        ) from error


def _is_missing(session: Session, container: str) -> bool:
    """Tell whether a container is known not to be there."""
    try:
        return not is_there(session, Request("HEAD", container))
    except StorletShellError:
        return False


def respond(
    session: Session,
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
        _watched(session, reply, request.subject, total, run, expected),
        subject=request.subject,
        close=reply.close,
        ran=ran(request),
        seconds=reply.seconds,
    )


def ran(request: Request) -> str:
    """Say which storlet a request runs and where; nothing of a plain one."""
    if wire.RUN_STORLET not in request.headers:
        return ""
    proxy = request.method == "PUT" or not {wire.RUN_ON_PROXY, wire.EXTRA_RESOURCES}.isdisjoint(request.headers)
    return f"through {request.headers[wire.RUN_STORLET]} on {'the proxy server' if proxy else 'the object server'}"


def _watched(
    session: Session, reply: Reply, label: str, total: int | None, run: Invocation | None, expected: Expectation
) -> Iterator[bytes]:
    count = Count()
    with session.surroundings.progress(label, total) as progress:
        try:
            for chunk in reply.chunks():
                progress.advance(len(chunk))
                if not expected.is_empty:
                    count.add(chunk)
                yield chunk
        except IncompleteBodyError as error:
            raise _broken(session, error, label, run) from error
    expected.check(label, count.bytes, count.lines, reply.transaction_id)


def _broken(session: Session, error: IncompleteBodyError, label: str, run: Invocation | None) -> Exception:
    """Say what became of a body that ended early: a storlet's failure where a log proves it."""
    if run is None:
        return IncompleteBodyError(f"{label}: {error.message}", transaction_id=error.transaction_id)
    from storlet_shell.excerpts import with_code  # for those whose storlet fails

    reason, log = session.client.failed_run(run.storlet.name, error.transaction_id)
    details = with_code(log, session.sources)
    if reason:
        message = f"storlet {run.storlet} failed over {label}: {reason}; {error.message}"
        return StorletFailedError(message, transaction_id=error.transaction_id, details=details)
    message = f"{error.message}, as when a storlet fails in the middle; see: logs {run.storlet}"
    return IncompleteBodyError(
        f"{run.storlet} over {label}: {message}", transaction_id=error.transaction_id, details=details
    )


@contextmanager
def shown(session: Session, request: Request, body: Body) -> Iterator[None]:
    """Show how far a request with a body is."""
    with session.surroundings.progress(request.subject, body.length) as progress:
        body.observers.append(lambda chunk: progress.advance(len(chunk)))
        yield


def check_length(session: Session, path: ObjectPath, expected: Expectation) -> None:
    """Check how many bytes an object has that was just stored; asks only when something is expected.

    :raises IncompleteBodyError: when it has another number of them; it stays as it is
    """
    if expected.is_empty:
        return
    reply = session.client.send(Request("HEAD", path.container, path.name))
    reply.close()
    expected.check(f"{path} is stored, but", wire.decode_length(reply.headers), None, reply.transaction_id)


def is_there(session: Session, request: Request) -> bool:
    """Tell whether a HEAD finds what it names."""
    try:
        session.client.send(request).close()
    except NotFoundError:
        return False
    return True
