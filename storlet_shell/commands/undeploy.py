"""``undeploy``: delete a deployed storlet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storlet_shell.commands.arguments import DRY_RUN, YES
from storlet_shell.deployments.undeploy import carry_out, look_up, plan_undeployment, warn_of_kept
from storlet_shell.results import Done, Result
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg, Kind
from storlet_shell.spec.command import command
from storlet_shell.store.requests import plan
from storlet_shell.values import ContainerName, StorletName

if TYPE_CHECKING:
    from storlet_shell.results.schemas.deployments import Undeployment


@command(
    "undeploy",
    "Delete a deployed storlet.",
    Arg("storlet", type=StorletName.parse, kind=Kind.STORLET, metavar="STORLET"),
    Arg(
        "-c",
        "--container",
        type=ContainerName.parse,
        kind=Kind.CONTAINER,
        metavar="CONTAINER",
        help="container of the storlet (default: the cluster's)",
    ),
    Arg(
        "--with-dependencies", action="store_true", help="also delete its dependencies, if no other storlet needs them"
    ),
    YES,
    DRY_RUN,
    category="Storlets",
    examples=(
        "undeploy warm.py --dry-run  # show what would be deleted",
        "undeploy upper.py -y  # without asking",
        "undeploy warm.py --with-dependencies -y",
    ),
)
def undeploy(
    session: Session,
    storlet: StorletName,
    container: ContainerName | None = None,
    with_dependencies: bool = False,
    yes: bool = False,
    dry_run: bool = False,
) -> Result:
    """Delete a deployed storlet; its dependencies are kept unless you give --with-dependencies.

    :raises NotFoundError: when it isn't deployed
    :raises RefusedError: when the answer is no
    """
    client, place = session.client, container.name if container else None
    undeployment = plan_undeployment(client, storlet, place, with_dependencies=with_dependencies)
    if dry_run:
        warn_of_kept(client, undeployment)
        return plan(client, *undeployment.requests(client))
    if not (yes or with_dependencies) and session.surroundings.is_watched():
        look_up(client, storlet, place)  # before asking for confirmation
    alone = list(undeployment.dependencies)
    label = f"{storlet} with {', '.join(alone)}" if alone else str(storlet)
    session.confirm(f"Undeploy {label}?", yes=yes)
    carry_out(client, undeployment)
    values: Undeployment = {
        "storlet": storlet.name,
        "container": place or client.storlet_container,
        "dependencies": alone,
        "kept": dict(undeployment.kept),
    }
    return Done(f"undeployed {label}", values)
