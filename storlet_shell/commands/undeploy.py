"""``undeploy``: a storlet that is to run no more."""

from __future__ import annotations

from storlet_shell.commands.arguments import DRY_RUN, YES
from storlet_shell.deployments.undeploy import carry_out, look_up, plan_undeployment, warn_of_kept
from storlet_shell.results import Done, Result
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg, Kind
from storlet_shell.spec.command import command
from storlet_shell.store.requests import plan
from storlet_shell.values import ContainerName, StorletName


@command(
    "undeploy",
    "Delete a deployed storlet.",
    Arg("storlet", type=StorletName.parse, kind=Kind.STORLET, metavar="STORLET"),
    Arg("-c", "--container", type=ContainerName.parse, kind=Kind.CONTAINER, help="another container of storlets"),
    Arg("--with-dependencies", action="store_true", help="delete its dependencies too, if no other storlet names them"),
    YES,
    DRY_RUN,
    category="Storlets",
)
def undeploy(
    session: Session,
    storlet: StorletName,
    container: ContainerName | None = None,
    with_dependencies: bool = False,
    yes: bool = False,
    dry_run: bool = False,
) -> Result:
    """Delete a deployed storlet; its dependencies stay unless --with-dependencies is given.

    :raises NotFoundError: when it is not deployed
    :raises RefusedError: when the answer is no
    """
    client, place = session.client, container.name if container else None
    undeployment = plan_undeployment(client, storlet, place, with_dependencies=with_dependencies)
    if dry_run:
        warn_of_kept(client, undeployment)
        return plan(client, *undeployment.requests(client))
    if not (yes or with_dependencies) and session.surroundings.is_watched():
        look_up(client, storlet, place)  # before anybody is asked about what is not there
    alone = list(undeployment.dependencies)
    label = f"{storlet} with {', '.join(alone)}" if alone else str(storlet)
    session.confirm(f"Undeploy {label}?", yes=yes)
    carry_out(client, undeployment)
    facts = {"undeployed": storlet.name}
    more = {"dependencies": alone, "kept": dict(undeployment.kept)} if with_dependencies else {}
    return Done(f"undeployed {label}", {**facts, **more})
