"""``storlets``: the deployed storlets."""

from __future__ import annotations

from typing import Any

from storlet_shell.deployments.deployed import table_of_storlets
from storlet_shell.deployments.description import StorletFacts, describe_storlet, find_grants
from storlet_shell.results import Report, Result
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg, Kind
from storlet_shell.spec.command import Action, group
from storlet_shell.values import ContainerName, StorletName

_CONTAINER = Arg(
    "-c",
    "--container",
    type=ContainerName.parse,
    kind=Kind.CONTAINER,
    metavar="CONTAINER",
    help="the container of the storlets (default: the cluster's)",
)


def list_storlets(session: Session, container: ContainerName | None = None) -> Result:
    """List the deployed storlets with their language, main class, dependencies and date.

    :raises NotFoundError: when the container doesn't exist, because the account isn't enabled for storlets
    """
    return table_of_storlets(session.client, container.name if container else None)


def show(
    session: Session, storlet: StorletName, grants: bool = False, container: ContainerName | None = None
) -> Result:
    """Show all about one storlet: its dependencies and whether they are deployed, who may run it, and its last run.

    The last run is known only if the cluster keeps logs. Users of this account may always run the storlet; --grants
    also finds the users who may run it over single containers, which reads the ACL of every container.

    :raises NotFoundError: when the storlet isn't deployed
    """
    facts = _facts(describe_storlet(session.client, storlet, container.name if container else None))
    if grants:
        facts["granted"] = [f"{user} over {name}" for user, name in find_grants(session.client, storlet)]
    return Report(facts)


storlets = group(
    "storlets",
    "List the deployed storlets, or show one.",
    Action("list", "List the deployed storlets.", _CONTAINER, run=list_storlets, default=True),
    Action(
        "show",
        "Show all about one storlet.",
        Arg("storlet", type=StorletName.parse, kind=Kind.STORLET, metavar="STORLET"),
        Arg("--grants", action="store_true", help="also find who may run it over which containers"),
        _CONTAINER,
        run=show,
    ),
    category="Storlets",
)


def _facts(storlet: StorletFacts) -> dict[str, Any]:
    description = storlet.description
    return {
        "name": storlet.name,
        "container": storlet.container,
        "language": description.language,
        "language_version": description.language_version or "the engine's own",
        "main": description.main,
        "bytes": storlet.bytes,
        "date": storlet.date,
        "etag": storlet.etag,
        "interface_version": storlet.interface_version,
        "dependencies": list(description.dependencies),
        "missing_dependencies": list(storlet.missing_dependencies),
        "metadata": storlet.metadata,
        "may_be_run_by": ["the account's own users", *storlet.readers],
        "last_run": storlet.last_run or "not known",
    }
