"""Objects and their segments, deleted one by one or many in one request."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from storlet_shell import headers as wire
from storlet_shell.bodies import bytes_body
from storlet_shell.errors import IdentityError, ServiceError, StorletShellError
from storlet_shell.quoting import quoted
from storlet_shell.statuses import BULK_DELETE, WITH_SEGMENTS
from storlet_shell.values import ObjectPath, Request

if TYPE_CHECKING:
    from storlet_shell.client import Client
    from storlet_shell.transport import Reply

_JSON = {"Accept": "application/json"}


def deletion(container: str, name: str, version: str = "", *, with_segments: bool = False) -> Request:
    """Return the request that deletes a container, an object, or an older version of one."""
    query = ((("version-id", version),) if version else ()) + ((WITH_SEGMENTS,) if with_segments else ())
    return Request("DELETE", container, name, query=query, headers=_JSON if with_segments else {})


def delete(client: Client, request: Request) -> None:
    """Send a deletion.

    :raises StorletShellError: when something is left: a segment, say
    """
    reply = client.send(request)
    if WITH_SEGMENTS in request.query:
        failures = _failures(request, reply)
        if failures:
            raise failures[0]
    else:
        reply.read()


def delete_many(client: Client, container: str, names: Iterable[str]) -> list[StorletShellError]:
    """Delete many objects of a container in one request, and return what failed; what is not there counts as deleted.

    :raises StorletShellError: when the request itself fails
    """
    lines, failures = "", list[StorletShellError]()
    for name in names:
        try:
            lines += f"/{quoted(container, '')}/{quoted(name)}\n"
        except StorletShellError as error:
            failures.append(error)
    headers = {**_JSON, wire.CONTENT_TYPE: "text/plain"}
    request = Request("POST", query=(BULK_DELETE,), headers=headers)
    return failures + _failures(request, client.send(request, bytes_body(lines.encode())))


def _failures(request: Request, reply: Reply) -> list[StorletShellError]:
    """Read which deletions failed: the answer begins with 200 before they are tried (swift ``bulk.py``)."""
    try:
        told: dict[str, Any] = json.loads(reply.read())
        errors, status = [(unquote(name), str(why)) for name, why in told["Errors"]], str(told["Response Status"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ServiceError(
            f"{request.subject}: the server does not say what it deleted", transaction_id=reply.transaction_id
        ) from None
    if not errors and not status.startswith(("200", "404")):
        said = str(told.get("Response Body", "")) or status
        raise ServiceError(f"{request.subject}: {said}", transaction_id=reply.transaction_id)
    return [_failure(name, why) for name, why in errors]


def _failure(name: str, why: str) -> StorletShellError:
    container, _, rest = name.removeprefix("/").partition("/")
    kind = IdentityError if why.startswith(("401", "403")) else ServiceError if why[:1] == "5" else StorletShellError
    return kind(f"{ObjectPath(container, rest)}: can't be deleted: {why}")
