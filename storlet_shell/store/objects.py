"""Objects on their way into the store: sent, or copied inside the cluster, as they are or through a storlet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import Action, Hint, IdentityError, NotFoundError, ServiceError, StorletShellError
from storlet_shell.results import Response
from storlet_shell.store.expectation import Expectation
from storlet_shell.store.failures import explained, send_run
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
    :param headers: those of the answer
    :param ran: the storlet that ran and where, in words; empty when none did
    :param seconds: how long the server took to answer
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
        """Return it as a result.

        :param verb: how it came to be, for people
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
    """Store a body as an object, or what a storlet makes of it, on the proxy server, as it arrives.

    Segments of an object that is replaced go, if nothing needs them.

    :param content_type: the object's; None to guess it from the name
    :param headers: further headers of the request
    :param expected: how many bytes the object must have
    :raises NotFoundError: when the container, the storlet or an extra resource is not there
    :raises StorletFailedError: when the storlet fails; nothing is stored then
    :raises IncompleteBodyError: when the object has not as many bytes as are expected
    """
    request = put_request(path, body.label, run, content_type=content_type, headers=headers)
    if run:
        check_storlets_run(client)
        check_extra_resources(client, run)
    with explained(client, request, run):
        stored = replace(client, request, body, Replacing())
    check_length(client, path, expected)
    return stored


def replace(client: Client, request: Request, body: Body, replacing: Replacing) -> Stored:
    """Send a PUT of an object in the place of another, whose segments go.

    :raises LocalFileError: when what is sent changes meanwhile
    :raises ServiceError: when the server stores other bytes than were sent
    """
    path = ObjectPath(request.container, request.name)
    with replacing.replaced(client, path), _shown(client, request, body):
        reply = store(client, request, body, is_changed=wire.RUN_STORLET in request.headers)
    _tell_of(client, replacing)
    return _stored(path, request, reply)


def _stored(path: ObjectPath, request: Request, reply: Reply) -> Stored:
    return Stored(path, reply.status, reply.headers, ran(request, reply), reply.seconds)


def store(client: Client, request: Request, body: Body, *, is_changed: bool = False) -> Reply:
    """Send a PUT and check that what is stored is what was sent; return the answer, which has been read.

    :param is_changed: whether the server stores something else than the body: what a storlet makes of it
    :raises LocalFileError: when the file that is sent changes meanwhile; nothing is stored then
    :raises ServiceError: when the server has stored other bytes
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
    """Show how far a request with a body is."""
    with client.observer.progress(request.subject, body.length) as progress:
        body.observers.append(lambda chunk: progress.advance(len(chunk)))
        yield


def _tell_of(client: Client, replacing: Replacing) -> None:
    for note in replacing.take_notes():
        client.observer.warn(*note)


def check_length(client: Client, path: ObjectPath, expected: Expectation) -> None:
    """Check how many bytes an object has that was just stored; asks only when something is expected.

    :raises IncompleteBodyError: when it has another number of them; it stays as it is
    """
    if not expected.is_empty:
        info = head(client, path)
        expected.check(f"{path} is stored, but", info.size, None, info.transaction_id)


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
) -> Stored:
    """Copy an object inside the cluster, through a storlet or as it is.

    For a storlet, the source and its extra resources are looked up first: upstream's middleware would store, or feed
    in, the answer that refuses them. Segments of an object that is replaced go, if nothing needs them.

    :param range: only these bytes of the source
    :param account: the account that holds the source, if it is another one
    :param verb: ``PUT`` or ``COPY``; None for a COPY if that can do it
    :param expected: how many bytes the new object must have
    :raises UsageError: when the arguments do not go together
    :raises NotFoundError: when the source, the target's container, the storlet or an extra resource is not there
    :raises StorletFailedError: when the storlet fails; nothing is stored then
    :raises IncompleteBodyError: when the new object has not as many bytes as are expected
    """
    request = copy_request(source, target, run, headers=headers, range=range, account=account, verb=verb)
    if run:
        _check_source(client, source, run, range)
        check_extra_resources(client, run)
    replacing = Replacing()
    with replacing.replaced(client, target), explained(client, request, run), _named(client, source, target, account):
        reply = client.send(request) if run is None else send_copy(client, request, run, source, target)
        reply.read()
    _tell_of(client, replacing)
    check_length(client, target, expected)
    return _stored(target, request, reply)


def _check_source(client: Client, source: ObjectPath, run: Invocation, range: ByteRange | None) -> None:
    """Look the source of a run up.

    :raises NotFoundError: when it is not there
    :raises StorletShellError: when the range lies outside of it, or an object server would return it as it is
    """
    info = head(client, source)
    length = info.size or 0
    if range and range.within(length) is None:
        raise StorletShellError(f"{source}: the range {range} lies outside of the object, which has {length} bytes")
    check_copy(client, source, run, info)


@contextmanager
def _named(client: Client, source: ObjectPath, target: ObjectPath, account: str | None) -> Iterator[None]:
    """Say what a failed copy's refusal is about: a 404 may mean the source or the target's container."""
    try:
        yield
    except IdentityError as error:
        if account is None:
            raise
        message = f"{target}: this user may not write it, or not read {source} of account {account}"
        raise IdentityError(message, transaction_id=error.transaction_id) from error
    except NotFoundError as error:
        if not exists(client, Location(target.container)):
            hint = Hint(Action.MAKE_CONTAINER, (target.container,))
            named = NotFoundError("container {subject} is not there", subject=target.container, hint=hint)
        elif account is not None:
            named = NotFoundError("not found (HTTP 404)", subject=f"{source} of account {account}")
        elif not exists(client, source):
            named = NotFoundError("not found (HTTP 404)", subject=str(source))
        else:
            raise
        named.status, named.transaction_id = error.status, error.transaction_id
        raise named from error
