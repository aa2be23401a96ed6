"""``storlets``: what is deployed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storlet_shell.deployments.deployed import table_of_storlets
from storlet_shell.deployments.description import StorletFacts, describe_storlet, find_grants
from storlet_shell.errors import UsageError
from storlet_shell.results import Field, Report, Result
from storlet_shell.results.fields import dashed, facts, utc_time
from storlet_shell.session import Session
from storlet_shell.spec.registry import Arg, Kind, command
from storlet_shell.values import ContainerName, StorletName

if TYPE_CHECKING:
    from storlet_shell.deployments.logs import Record
    from storlet_shell.results.schemas import Grantee, RunSummary, StorletDetails


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
        details = _details(describe_storlet(session.client, storlet, where))
        if grants:
            details["granted"] = [
                {"user": user, "container": name.name} for user, name in find_grants(session.client, storlet)
            ]
        return Report(details, dict(facts(details, _FIELDS)))
    if storlet is not None or grants:
        raise UsageError("storlets list takes no name and no --grants; show one with: storlets show STORLET")
    return table_of_storlets(session.client, where)


def _details(storlet: StorletFacts) -> StorletDetails:
    description = storlet.description
    return {
        "name": storlet.name,
        "container": storlet.container,
        "language": description.language,
        "language_version": description.language_version or None,
        "main": description.main,
        "bytes": storlet.bytes,
        "last_modified": storlet.date or None,
        "etag": storlet.etag,
        "interface_version": storlet.interface_version or None,
        "dependencies": list(description.dependencies),
        "missing_dependencies": list(storlet.missing_dependencies),
        "metadata": dict(storlet.metadata),
        "readers": list(storlet.readers),
        "last_run": storlet.last_run and _run(storlet.last_run),
        "granted": None,
    }


def _run(record: Record) -> RunSummary:
    return {
        "time": utc_time(record.time),
        "transaction": record.transaction_id or None,
        "request": record.request or None,
        "succeeded": record.succeeded,
        "error": record.error or None,
        "seconds": record.seconds,
    }


def _spelled_run(run: RunSummary | None) -> str:
    if run is None:
        return "not known"
    end = f"{run['error'] or 'ok'} ({run['seconds']} s)"
    return f"{run['time']} {run['transaction'] or '-'} {run['request'] or '-'}: {end}"


def _spelled_grants(grants: list[Grantee] | None) -> str:
    return ", ".join(f"{grant['user']} over {grant['container']}" for grant in grants or ())


_FIELDS = (
    Field("name"),
    Field("container"),
    Field("language"),
    Field("language_version", spell=lambda version: version or "the engine's own"),
    Field("main"),
    Field("bytes"),
    Field("last_modified", "modified"),
    Field("etag", "MD5"),
    Field("interface_version"),
    Field("dependencies", spell=dashed),
    Field("missing_dependencies", spell=dashed),
    Field("metadata", spell=dashed),
    Field("readers", "may be run by", lambda readers: ", ".join(["the account's own users", *readers])),
    Field("last_run", spell=_spelled_run),
    Field("granted", spell=_spelled_grants),
)
"""What people read, in this order."""
