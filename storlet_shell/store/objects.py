"""Objects on their way into the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storlet_shell.errors import ServiceError
from storlet_shell.wire import headers as wire
from storlet_shell.wire.bodies import Body
from storlet_shell.wire.requests import Request

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client
    from storlet_shell.wire.transport import Reply


def store(client: Client, request: Request, body: Body, *, is_changed: bool = False) -> Reply:
    """Send a PUT and check that what is stored is what was sent; return the answer, which has been read.

    :param is_changed: whether the server stores something else than the body: what a storlet makes of it
    :raises LocalFileError: when the file that is sent changes meanwhile; nothing is stored then
    :raises ServiceError: when the server has stored other bytes
    """
    reply = client.send(request, body)
    reply.read()
    etag = reply.headers.get(wire.ETAG, "").strip('"')
    if etag and etag != body.md5 and not is_changed:
        raise ServiceError(
            f"{request.subject}: the server stored other bytes than were sent: MD5 {etag}, not {body.md5}",
            transaction_id=reply.transaction_id,
        )
    return reply
