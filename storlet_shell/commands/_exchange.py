"""What commands do with requests and answers: check, plan, send with progress, respond."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

from storlet_shell import headers as wire
from storlet_shell.bodies import Body
from storlet_shell.errors import IncompleteBodyError, NotFoundError, ServiceError
from storlet_shell.results import Planned, Response
from storlet_shell.session import Session
from storlet_shell.values import Invocation, Request

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
                "headers": {wire.AUTH_TOKEN: "(hidden)", **request.headers},
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


def respond(session: Session, reply: Reply, request: Request, run: Invocation | None = None) -> Response:
    """Make a response of the answer to a request, whose body is what the user asked for.

    :param run: the invocation that made the body
    """
    length = reply.headers.get(wire.CONTENT_LENGTH)
    return Response(
        reply.status,
        reply.headers,
        _watched(session, reply, request.subject, int(length) if length else None, run),
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


def _watched(session: Session, reply: Reply, label: str, total: int | None, run: Invocation | None) -> Iterator[bytes]:
    with session.surroundings.progress(label, total) as progress:
        try:
            for chunk in reply.chunks():
                progress.advance(len(chunk))
                yield chunk
        except IncompleteBodyError as error:
            if run is None:
                raise IncompleteBodyError(f"{label}: {error.message}", transaction_id=error.transaction_id) from error
            from storlet_shell.excerpts import with_code  # for those whose storlet fails

            raise IncompleteBodyError(
                f"{run.storlet} over {label}: {error.message}, as when a storlet fails in the middle; "
                f"see: logs {run.storlet}",
                transaction_id=error.transaction_id,
                details=with_code(
                    session.client.log_of_failure(run.storlet.name, error.transaction_id), session.sources
                ),
            ) from error


def send_body(session: Session, request: Request, body: Body) -> Reply:
    """Send a request with a body, showing how far it is."""
    with ExitStack() as stack:
        progress = stack.enter_context(session.surroundings.progress(request.subject, body.length))
        body.observers.append(lambda chunk: progress.advance(len(chunk)))
        return session.client.send(request, body)


def check_stored(request: Request, reply: Reply, body: Body) -> None:
    """Check that what was stored is what was sent.

    :raises ServiceError: when it is not
    """
    etag = reply.headers.get(wire.ETAG, "").strip('"')
    if etag and etag != body.md5:
        raise ServiceError(
            f"{request.subject}: the server stored other bytes than were sent: MD5 {etag}, not {body.md5}",
            transaction_id=reply.transaction_id,
        )


def is_there(session: Session, request: Request) -> bool:
    """Tell whether a HEAD finds what it names."""
    try:
        session.client.send(request).close()
    except NotFoundError:
        return False
    return True
