"""``storlets``: what is deployed."""

from __future__ import annotations

from typing import Any

from storlet_shell.deployments.deployed import table_of_storlets
from storlet_shell.deployments.description import StorletFacts, describe_storlet, find_grants
from storlet_shell.errors import UsageError
from storlet_shell.results import Report, Result
from storlet_shell.session import Session
from storlet_shell.spec.registry import Arg, Kind, command
from storlet_shell.values import ContainerName, StorletName


@command(
    "storlets",
    "List the deployed storlets, or show one.",
    Arg("action", nargs="?", choices=("list", "show"), default="list", help="list by default"),
    Arg("storlet", nargs="?", type=StorletName.parse, kind=Kind.STORLET, metavar="STORLET", help="show: which one"),
    Arg("--grants", action="store_true", help="show: look through all containers for who may read them by it"),
    Arg("-c", "--container", type=ContainerName.parse, kind=Kind.CONTAINER, help="another container of storlets"),
    category="Storlets",
)
def storlets(
    session: Session,
    action: str = "list",
    storlet: StorletName | None = None,
    grants: bool = False,
    container: ContainerName | None = None,
) -> Result:
    """List the deployed storlets with their language, main class, dependencies and date.

    storlets show STORLET tells all that is known of one: also whether its dependencies are there, who besides the
    account's own users may run it, and when it ran last if the cluster's log tells.

    :raises NotFoundError: when it is not deployed, or the container is not there: the account is not enabled
    """
    where = container.name if container else None
    if action == "show":
        if storlet is None:
            raise UsageError("storlets show wants a storlet's name")
        facts = _facts(describe_storlet(session.client, storlet, where))
        if grants:
            facts["granted"] = [f"{user} over {name}" for user, name in find_grants(session.client, storlet)]
        return Report(facts)
    if storlet is not None or grants:
        raise UsageError("storlets list takes no name and no --grants; show one with: storlets show STORLET")
    return table_of_storlets(session.client, where)


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
