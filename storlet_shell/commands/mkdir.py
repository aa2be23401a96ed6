"""``mkdir``: a new container."""

from __future__ import annotations

from storlet_shell.commands._arguments import DRY_RUN
from storlet_shell.commands._exchange import plan
from storlet_shell.registry import Arg, Kind, command
from storlet_shell.results import Done, Result
from storlet_shell.session import Session
from storlet_shell.values import ContainerName, Request


@command(
    "mkdir",
    "Make a container; one that is there stays as it is.",
    Arg("container", type=ContainerName.parse, kind=Kind.CONTAINER, metavar="CONTAINER"),
    DRY_RUN,
)
def mkdir(session: Session, container: ContainerName, dry_run: bool = False) -> Result:
    """Make a container; one that is there stays as it is."""
    request = Request("PUT", container.name)
    if dry_run:
        return plan(session, request)
    reply = session.client.send(request)
    reply.read()
    made = reply.status == 201
    message = f"container {container}: " + ("made" if made else "was there already")
    return Done(message, {"container": container.name, "made": made})
