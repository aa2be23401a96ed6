"""Store objects: upload them, or copy them inside the cluster, directly or through a storlet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import Action, Hint, IdentityError, NotFoundError, ServiceError, StorletShellError
from storlet_shell.results import Response
from storlet_shell.store.expectation import Expectation
from storlet_shell.store.failures import explained, send_run
from storlet_shell.store.functions import check_parameters
from storlet_shell.store.metadata import exists, head
from storlet_shell.store.requests import NO_HEADERS, copy_request, put_request
from storlet_shell.store.runs import check_copy, check_extra_resources, check_storlets_run, ran, send_copy
from storlet_shell.store.segments import Replacing
from storlet_shell.values import Location, ObjectPath
from storlet_shell.wire import headers as wire

if TYPE_CHECKING:
    from storlet_shell.values import ByteRange, Invocation
    from storlet_shell.wire.bodies import Body
    from storlet_shell.wire.client import Client
    from storlet_shell.wire.requests import Request
    from storlet_shell.wire.transport import Reply

_ANYTHING = Expectation()


@typed_equality
class Stored(NamedTuple):
    """An object that has been stored.

    :param status: the HTTP status
    :param headers: the response headers
    :param ran: the storlet that ran and where, for people; empty without a storlet
    :param seconds: the response time; None if unknown
    """

    path: ObjectPath
    status: int
    headers: Mapping[str, str]
    ran: str = ""
    seconds: float | None = None

    @property
    def etag(self) -> str:
        """The object's ETag without quotes; empty without one."""
        return self.headers.get(wire.ETAG, "").strip('"')

    @property
    def transaction_id(self) -> str:
        """The request's ``X-Trans-Id``; empty without one."""
        return self.headers.get(wire.TRANSACTION_ID, "")

    def response(self, verb: str = "stored") -> Response:
        """Return it as a command's result.

        :param verb: past participle of what was done, for people
        """
        return Response(
            self.status, self.headers, subject=str(self.path), verb=verb, ran=self.ran, seconds=self.seconds
        )


def put(
    client: Client,
    path: ObjectPath,
    body: Body,
    run: Invocation | None = None,
    *,
    content_type: str | None = None,
    headers: Mapping[str, str] = NO_HEADERS,
    expected: Expectation = _ANYTHING,
) -> Stored:
    """Store a body as an object, or the result of a storlet that runs over it on the proxy server.

    Segments of a replaced object are deleted, unless something else may need them.

    :param content_type: the object's content type; None to guess it from the name
    :param headers: further request headers
    :param expected: the expected size of the object
    :raises UsageError: if the storlet is a function, and a parameter is unknown, missing, or unfit
    :raises NotFoundError: if the container, the storlet or an extra resource doesn't exist
    :raises StorletFailedError: if the storlet fails; nothing is stored then
    :raises IncompleteBodyError: if the object hasn't the expected size
    """
    request = put_request(path, body.label, run, content_type=content_type, headers=headers)
    if run:
        check_storlets_run(client)
        check_parameters(client, run)
        check_extra_resources(client, run)
    with explained(client, request, run):
        stored = replace(client, request, body, Replacing())
    check_length(client, path, expected)
    return stored


def replace(client: Client, request: Request, body: Body, replacing: Replacing) -> Stored:
    """Send the PUT of an object, and delete the segments of an object that it replaces.

    :raises LocalFileError: if the local file changes meanwhile
    :raises ServiceError: if the server stored other bytes than were sent
    """
    path = ObjectPath(request.container, request.name)
    with replacing.replaced(client, path), _shown(client, request, body):
        reply = store(client, request, body, is_changed=wire.RUN_STORLET in request.headers)
    _warn_of(client, replacing)
    return stored_by(request, path, reply)


def stored_by(request: Request, path: ObjectPath, reply: Reply) -> Stored:
    """Return the object that a request has stored."""
    return Stored(path, reply.status, reply.headers, ran(request, reply), reply.seconds)


def store(client: Client, request: Request, body: Body, *, is_changed: bool = False) -> Reply:
    """Send a PUT, check that the server stored what was sent, and return the response.

    :param is_changed: whether a storlet changes the body, so that the stored bytes differ
    :raises LocalFileError: if the local file changes meanwhile; nothing is stored then
    :raises ServiceError: if the server stored other bytes
    """
    reply = send_run(client, request, body) if wire.RUN_STORLET in request.headers else client.send(request, body)
    reply.read()
    etag = reply.headers.get(wire.ETAG, "").strip('"')
    if etag and etag != body.md5 and not is_changed:
        raise ServiceError(
            f"{request.subject}: the server stored other bytes than were sent: MD5 {etag}, not {body.md5}",
            transaction_id=reply.transaction_id,
        )
    return reply


@contextmanager
def _shown(client: Client, request: Request, body: Body) -> Iterator[None]:
    """Show the progress of a request with a body."""
    with client.observer.progress(request.subject, body.length) as progress:
        body.observers.append(lambda chunk: progress.advance(len(chunk)))
        yield


def _warn_of(client: Client, replacing: Replacing) -> None:
    for note in replacing.take_notes():
        client.observer.warn(*note)


@contextmanager
def warning_of(client: Client, replacing: Replacing | None) -> Iterator[Replacing]:
    """Replace one of many objects, or a single one, about whose segments the observer is warned in the end.

    :param replacing: that of many objects, which keeps its notes; None for a single one
    """
    single = replacing or Replacing()
    yield single
    if replacing is None:
        _warn_of(client, single)


def check_length(client: Client, path: ObjectPath, expected: Expectation) -> None:
    """Check the size of a stored object; sends a request only if a size is expected.

    :raises IncompleteBodyError: if the size differs; the object stays stored
    """
    if not expected.is_empty:
        info = head(client, path)
        expected.check(f"{path} was stored, but", info.size, None, info.transaction_id)


def copy(
    client: Client,
    source: ObjectPath,
    target: ObjectPath,
    run: Invocation | None = None,
    *,
    headers: Mapping[str, str] = NO_HEADERS,
    range: ByteRange | None = None,
    account: str | None = None,
    verb: str | None = None,
    expected: Expectation = _ANYTHING,
    replacing: Replacing | None = None,
) -> Stored:
    """Copy an object inside the cluster, directly or through a storlet.

    With a storlet, the source and its extra resources are looked up first: if one is missing, upstream's middleware
    stores the error page, or feeds it to the storlet. Segments of a replaced object are deleted, unless something else
    may need them.

    :param range: copy only these bytes of the source; None for all
    :param account: the account that holds the source; None for the same account
    :param verb: ``PUT`` or ``COPY``; None for COPY unless only PUT will do
    :param expected: the expected size of the new object
    :param replacing: deletes the segments of a replaced object, and keeps its notes; None to warn the observer of them
    :raises UsageError: if the arguments conflict; or if the storlet is a function, and a parameter is unknown, missing,
        or unfit
    :raises NotFoundError: if the source, the target's container, the storlet or an extra resource doesn't exist
    :raises StorletFailedError: if the storlet fails; nothing is stored then
    :raises IncompleteBodyError: if the new object hasn't the expected size
    """
    request = copy_request(source, target, run, headers=headers, range=range, account=account, verb=verb)
    if run:
        check_parameters(client, run)
        _check_source(client, source, run, range)
        check_extra_resources(client, run)
    with (
        warning_of(client, replacing) as segments,
        segments.replaced(client, target),
        explained(client, request, run),
        named(client, source, target, account),
    ):
        reply = client.send(request) if run is None else send_copy(client, request, run, source, target)
        reply.read()
    check_length(client, target, expected)
    return stored_by(request, target, reply)


def _check_source(client: Client, source: ObjectPath, run: Invocation, range: ByteRange | None) -> None:
    """Check the source of a run.

    :raises NotFoundError: if it doesn't exist
    :raises StorletShellError: if the range is outside the object, or an object server would return it unchanged
    """
    info = head(client, source)
    length = info.size or 0
    if range and range.within(length) is None and not range.is_suffix:
        raise StorletShellError(f"{source}: the range {range} is outside the object, which has {length} bytes")
    check_copy(client, source, run, info)


@contextmanager
def named(client: Client, source: ObjectPath, target: ObjectPath, account: str | None) -> Iterator[None]:
    """Name the subject of a failed copy: a 404 may be about the source or the target's container."""
    try:
        yield
    except IdentityError as error:
        if account is None:
            raise
        message = f"{target}: permission denied to write it, or to read {source} of account {account}"
        raise IdentityError(message, transaction_id=error.transaction_id) from error
    except NotFoundError as error:
        if not exists(client, Location(target.container)):
            hint = Hint(Action.MAKE_CONTAINER, (target.container,))
            missing = NotFoundError("container {subject} doesn't exist", subject=target.container, hint=hint)
        elif account is not None:
            missing = NotFoundError("not found (HTTP 404)", subject=f"{source} of account {account}")
        elif not exists(client, source):
            missing = NotFoundError("not found (HTTP 404)", subject=str(source))
        else:
            raise
        missing.status, missing.transaction_id = error.status, error.transaction_id
        raise missing from error
