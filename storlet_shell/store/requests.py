"""The requests for objects, plain or through a storlet: what is sent, and what ``--dry-run`` shows."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from storlet_shell.errors import Action, Hint, StorletShellError, UsageError
from storlet_shell.results import Planned
from storlet_shell.wire import headers as wire
from storlet_shell.wire.media import type_of
from storlet_shell.wire.requests import Request

if TYPE_CHECKING:
    from storlet_shell.values import ByteRange, Invocation, ObjectPath
    from storlet_shell.wire.client import Client

NO_HEADERS: Mapping[str, str] = MappingProxyType({})


def plan(client: Client, *requests: Request, problem: StorletShellError | None = None) -> Planned:
    """Show requests instead of sending them; only the login is made, since it tells where they would go.

    :param problem: what could not be planned, as one error
    """
    return Planned(
        tuple(
            {
                "method": request.method,
                "url": client.url(request),
                "headers": wire.without_keys({wire.AUTH_TOKEN: "…", **request.headers}),
                "body": request.body or None,
            }
            for request in requests
        ),
        problem,
    )


def read_request(
    source: ObjectPath,
    run: Invocation | None = None,
    headers: Mapping[str, str] = NO_HEADERS,
    *,
    range: ByteRange | None = None,
) -> Request:
    """Return the GET of an object, or the one that runs a storlet over it, where the invocation says.

    :param range: the bytes that a plain GET asks for; those of a run are the invocation's
    """
    feed = wire.encode_range(range) if run is None else wire.encode_invocation(run)
    return Request("GET", *source, headers={"Accept-Encoding": "identity", **feed, **headers})


def put_request(
    path: ObjectPath,
    label: str,
    run: Invocation | None = None,
    *,
    content_type: str | None = None,
    headers: Mapping[str, str] = NO_HEADERS,
) -> Request:
    """Return the PUT that stores a body, or what a storlet makes of it.

    :param label: the body, in words
    :param content_type: the object's; None to guess it from the name
    """
    fields = {wire.CONTENT_TYPE: content_type or type_of(path.name) or wire.BINARY}
    fields.update(wire.encode_invocation(run) if run else {})
    return Request("PUT", *path, headers={**fields, **headers}, body=label)


def copy_request(
    source: ObjectPath,
    target: ObjectPath,
    run: Invocation | None = None,
    *,
    headers: Mapping[str, str] = NO_HEADERS,
    range: ByteRange | None = None,
    account: str | None = None,
    verb: str | None = None,
) -> Request:
    """Return the request that copies an object, through a storlet or as it is.

    A storlet runs on the proxy server unless the invocation says otherwise. A range is a plain ``Range``, with a
    storlet too: of a copy on the proxy, the middleware ignores ``X-Storlet-Range`` (storlets ``handlers/proxy.py:
    base_handle_copy_request``).

    :param account: the account that holds the source, if it is another one
    :param verb: ``PUT`` or ``COPY``; None for a COPY if that can do it
    :raises UsageError: when these do not go together
    """
    check_range(run, range)
    if account is not None:
        _check_account(account, run, verb)
        verb = "PUT"
    fields = wire.encode_range(range)
    if run:
        fields.update(wire.encode_invocation(run._replace(on_proxy=run.on_proxy is not False)))
    if verb == "PUT":
        return Request("PUT", *target, headers={**wire.encode_origin(source, account), **fields, **headers})
    return Request("COPY", *source, headers={**wire.encode_destination(target), **fields, **headers})


def check_range(run: Invocation | None, range: ByteRange | None) -> None:
    """Check that a range is run where it is right: on a node some forms fail, and some are ignored.

    :raises UsageError: when it is to be run on the object's own server
    """
    if run and range and run.on_proxy is False:
        raise UsageError("a storlet runs over a range on the proxy server", hint=Hint(Action.DROP_ON_NODE))


def _check_account(account: str, run: Invocation | None, verb: str | None) -> None:
    if not account or "/" in account:
        raise UsageError(f"--from-account takes an account's name, as AUTH_… in a storage URL: {account!r}")
    if run:
        raise UsageError("the storlets middleware copies within one account only; drop --from-account or --storlet")
    if verb == "COPY":
        raise UsageError("a COPY is of the own account; --from-account wants --verb PUT, or none")
