"""Build the requests for objects, plain or through a storlet, to be sent or shown in a dry run."""

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
    """Return requests to be shown instead of sent; this logs in, since the login determines their URLs.

    :param problem: an error about what couldn't be planned; None without one
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
    """Return the GET of an object, plain or through a storlet.

    :param range: the range of a plain GET; that of a run is part of the invocation
    """
    fields = wire.encode_range(range) if run is None else wire.encode_invocation(run)
    return Request("GET", *source, headers={"Accept-Encoding": "identity", **fields, **headers})


def put_request(
    path: ObjectPath,
    label: str,
    run: Invocation | None = None,
    *,
    content_type: str | None = None,
    headers: Mapping[str, str] = NO_HEADERS,
) -> Request:
    """Return the PUT that stores a body, plain or through a storlet.

    :param label: a description of the body
    :param content_type: the object's content type; None to guess it from the name
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
    """Return the request that copies an object, plain or through a storlet.

    The storlet runs on the proxy server unless the invocation says otherwise. A range is sent as a plain ``Range`` even
    with a storlet: for copies on the proxy, the middleware ignores ``X-Storlet-Range`` (storlets ``handlers/proxy.py:
    base_handle_copy_request``).

    :param account: the account that holds the source; None for the same account
    :param verb: ``PUT`` or ``COPY``; None for COPY unless only PUT will do
    :raises UsageError: if the arguments conflict
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
    """Check that a range is processed on the proxy server: on a node, some forms fail and some are ignored.

    :raises UsageError: if the run should take place on the object's own server
    """
    if run and range and run.on_proxy is False:
        text = "a storlet can run over a range only on the proxy server"
        raise UsageError(text, hint=Hint(Action.DROP_ON_NODE))


def _check_account(account: str, run: Invocation | None, verb: str | None) -> None:
    """Check a copy from another account.

    :raises UsageError: if the account's name is invalid, or with a storlet or the verb COPY
    """
    if not account or "/" in account:
        raise UsageError(f"the source account must be a name such as AUTH_… in a storage URL: {account!r}")
    if run:
        raise UsageError("a storlet can't read from another account: the storlets middleware doesn't support it")
    if verb == "COPY":
        raise UsageError("COPY can't read from another account; use PUT")
