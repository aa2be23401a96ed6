"""``mkdir``: a new container."""

from __future__ import annotations

from storlet_shell.commands.arguments import DRY_RUN, METADATA
from storlet_shell.results import Done, Result
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg, Kind
from storlet_shell.spec.command import command
from storlet_shell.store import containers
from storlet_shell.store.requests import plan
from storlet_shell.values import ContainerName, Metadatum


@command(
    "mkdir",
    "Make a container; one that is there stays as it is.",
    Arg("container", type=ContainerName.parse, kind=Kind.CONTAINER, metavar="CONTAINER"),
    Arg("--policy", metavar="NAME", help="the storage policy of its objects; info lists those there are"),
    METADATA,
    DRY_RUN,
)
def mkdir(
    session: Session,
    container: ContainerName,
    policy: str | None = None,
    metadata: list[Metadatum] | None = None,
    dry_run: bool = False,
) -> Result:
    """Make a container; one that is there stays as it is, but for its metadata.

    :raises StorletShellError: when there is no such storage policy, or the container is there with another one
    """
    fields = dict(metadata or ())
    if dry_run:
        return plan(session.client, containers.make_request(container.name, policy=policy, metadata=fields))
    is_new = containers.make(session.client, container.name, policy=policy, metadata=fields)
    message = f"container {container}: " + ("made" if is_new else "was there already")
    return Done(message, {"container": container.name, "made": is_new})
