"""``upload``: text at hand (a cell, a heredoc, standard input) as an object."""

from __future__ import annotations

import mimetypes

from storlet_shell import headers as wire
from storlet_shell.bodies import Body, bytes_body, stream_body
from storlet_shell.commands._arguments import DRY_RUN
from storlet_shell.commands._exchange import plan
from storlet_shell.commands.put import upload as send_upload
from storlet_shell.errors import UsageError
from storlet_shell.registry import Arg, Kind, command
from storlet_shell.results import Result
from storlet_shell.session import Session
from storlet_shell.values import ObjectPath, Request


@command(
    "upload",
    "Upload the text that follows (a cell, a heredoc, standard input) as an object.",
    Arg("path", type=ObjectPath.parse_position, kind=Kind.OBJECT, metavar="CONTAINER/OBJECT"),
    Arg("--content-type", metavar="TYPE", help="the object's content type; guessed from its name otherwise"),
    DRY_RUN,
    aliases=("uploadfile",),
    body="content",
)
def upload(
    session: Session,
    path: ObjectPath,
    content_type: str | None = None,
    dry_run: bool = False,
    content: bytes | None = None,
) -> Result:
    """Upload the text that follows (a cell, a heredoc, standard input) as an object.

    :raises NotFoundError: when the container is not there
    :raises UsageError: when there is no text
    """
    body = _body(session, content)
    kind = content_type or mimetypes.guess_type(path.name)[0] or "text/plain; charset=utf-8"
    request = Request("PUT", path.container, path.name, headers={wire.CONTENT_TYPE: kind}, body=body.label)
    return plan(session, request) if dry_run else send_upload(session, request, body, verify=True)


def _body(session: Session, content: bytes | None) -> Body:
    if content is not None:
        return bytes_body(content)
    if session.surroundings.stdin is None:
        raise UsageError("there is nothing to upload; give it as a heredoc: upload CONTAINER/OBJECT <<EOF")
    return stream_body(session.surroundings.stdin)
