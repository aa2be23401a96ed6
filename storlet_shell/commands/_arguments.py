"""Arguments that several commands share, and the values that they make together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from storlet_shell import headers as wire
from storlet_shell.bodies import Body
from storlet_shell.errors import IncompleteBodyError, NotFoundError, UsageError
from storlet_shell.registry import Arg, Kind
from storlet_shell.results import Planned, Response
from storlet_shell.session import Session
from storlet_shell.values import ByteRange, Invocation, ObjectPath, Parameter, Request, StorletName

if TYPE_CHECKING:
    from storlet_shell.transport import Reply

DRY_RUN = Arg("--dry-run", action="store_true", help="show the request that would be sent, and send nothing")
YES = Arg("-y", "--yes", action="store_true", help="do not ask")
SAVE = Arg("--save", kind=Kind.FILE, metavar="FILE", help="write the body to this file, which appears at the clean end")

PARAMETERS = (
    Arg(
        "-p",
        dest="parameters",
        action="append",
        type=Parameter.parse,
        metavar="KEY=VALUE",
        help="a parameter of the storlet; may be repeated",
    ),
    Arg("-i", dest="mapping", kind=Kind.VARIABLE, metavar="NAME", help="a variable that holds a dict of parameters"),
)

INVOCATION = (
    Arg(
        "--storlet",
        type=StorletName.parse,
        kind=Kind.STORLET,
        metavar="NAME",
        help="run this storlet over the object; without it, the object goes as it is",
    ),
    *PARAMETERS,
    Arg("--range", type=ByteRange.parse, metavar="FIRST-LAST", help="feed only this range of bytes to the storlet"),
    Arg(
        "--extra",
        action="append",
        type=ObjectPath.parse,
        kind=Kind.OBJECT,
        metavar="path:/CONTAINER/OBJECT",
        help="a further input of a storlet that takes several; may be repeated",
    ),
    Arg("--on-proxy", dest="on_proxy", action="store_const", const=True, help="run on the proxy server"),
    Arg("--on-node", dest="on_proxy", action="store_const", const=False, help="run on the object's own server"),
    Arg("--generate-log", action="store_true", help="have the engine store the run's log in the log container"),
)


def make_invocation(
    session: Session,
    storlet: StorletName | None,
    parameters: list[Parameter] | None = None,
    mapping: str | None = None,
    range: ByteRange | None = None,
    extra: list[ObjectPath] | None = None,
    on_proxy: bool | None = None,
    generate_log: bool = False,
) -> Invocation | None:
    """Make one value of the arguments in :data:`INVOCATION`; None for a plain request.

    :raises UsageError: when there are arguments of an invocation but no storlet, or the variable holds no parameters
    """
    if storlet is None:
        if parameters or mapping or range or extra or on_proxy is not None or generate_log:
            raise UsageError("-p, -i, --range, --extra, --on-proxy, --on-node and --generate-log want a --storlet")
        return None
    merged = session.parameters(tuple(parameters or ()), mapping)
    return Invocation(storlet, merged, range, tuple(extra or ()), on_proxy, generate_log)


def only_one(option: Any, position: Any, name: str) -> Any:
    """Return what was given by option or by position.

    :raises UsageError: when it was given twice or not at all
    """
    if (option is None) == (position is None):
        raise UsageError(f"{name} must be given" + (" once" if option is not None else ""))
    return position if option is None else option


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


def respond(session: Session, reply: Reply, subject: ObjectPath, request: Request) -> Response:
    """Make a response of the answer to a request, whose body is what the user asked for."""
    length = reply.headers.get(wire.CONTENT_LENGTH)
    chunks = _watched(session, reply, request, int(length) if length else None)
    return Response(
        reply.status,
        reply.headers,
        chunks,
        subject=str(subject),
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


def _watched(session: Session, reply: Reply, request: Request, total: int | None) -> Iterator[bytes]:
    with session.surroundings.progress(request.subject, total) as progress:
        try:
            for chunk in reply.chunks():
                progress.advance(len(chunk))
                yield chunk
        except IncompleteBodyError as error:
            storlet = request.headers.get(wire.RUN_STORLET)
            if storlet:
                error.details = session.client.log_of_failure(storlet, reply.transaction_id)
            raise


def send_body(session: Session, request: Request, body: Body) -> Reply:
    """Send a request with a body, showing how far it is."""
    with ExitStack() as stack:
        progress = stack.enter_context(session.surroundings.progress(request.subject, body.length))
        body.observers.append(lambda chunk: progress.advance(len(chunk)))
        return session.client.send(request, body)


def is_there(session: Session, request: Request) -> bool:
    """Tell whether a HEAD finds what it names."""
    try:
        session.client.send(request).close()
    except NotFoundError:
        return False
    return True
