"""``mkdir``: create a container."""

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
    "Create a container; an existing one is left as it is.",
    Arg("container", type=ContainerName.parse, kind=Kind.CONTAINER, metavar="CONTAINER"),
    Arg(
        "--policy",
        metavar="NAME",
        help="storage policy of its objects; info lists the policies (default: the cluster's)",
    ),
    METADATA,
    DRY_RUN,
    examples=(
        "mkdir weather",
        "mkdir archive -m owner=me  # with metadata",
        "mkdir archive --dry-run  # show the request",
    ),
)
def mkdir(
    session: Session,
    container: ContainerName,
    policy: str | None = None,
    metadata: list[Metadatum] | None = None,
    dry_run: bool = False,
) -> Result:
    """Create a container; an existing one is left as it is, except for its metadata.

    :raises StorletShellError: when the storage policy doesn't exist, or the container has another one
    """
    fields = dict(metadata or ())
    if dry_run:
        return plan(session.client, containers.make_request(container.name, policy=policy, metadata=fields))
    is_new = containers.make(session.client, container.name, policy=policy, metadata=fields)
    message = f"container {container}: " + ("created" if is_new else "exists already")
    return Done(message, {"container": container.name, "created": is_new})
