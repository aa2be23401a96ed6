"""``storlets``: the deployed storlets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storlet_shell import errors
from storlet_shell.deployments.deployed import (
    described_parameters,
    standard_states,
    table_of_standard_storlets,
    table_of_storlets,
)
from storlet_shell.deployments.description import StorletFacts, describe_storlet, find_grants
from storlet_shell.errors import Hint, IdentityError, advise
from storlet_shell.results import Field, Report, Result
from storlet_shell.results.fields import dashed, facts, utc_time, versions
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg, Kind
from storlet_shell.spec.command import Action, group
from storlet_shell.values import ContainerName, StorletName

if TYPE_CHECKING:
    from storlet_shell.deployments.logs import Record
    from storlet_shell.results.schemas.logs import RunSummary
    from storlet_shell.results.schemas.storlets import FunctionSignature, Grantee, StorletDetails
    from storlet_shell.store.functions import Function

_CONTAINER = Arg(
    "-c",
    "--container",
    type=ContainerName.parse,
    kind=Kind.CONTAINER,
    metavar="CONTAINER",
    help="container of the storlets (default: the cluster's)",
)


def list_storlets(session: Session, container: ContainerName | None = None) -> Result:
    """List the deployed storlets with their language, main class, dependencies and date.

    :raises NotFoundError: when the container doesn't exist, because the account isn't enabled for storlets
    """
    name = container.name if container else session.client.storlet_container
    empty = advise(f"container {name}: no storlets", Hint(errors.Action.DEPLOY_ONE), session.surroundings.spell)
    return table_of_storlets(session.client, name, empty=empty)


def list_standard(session: Session, container: ContainerName | None = None) -> Result:
    """List the standard storlets with their parameters, and whether each is deployed and current.

    Deploy one with ``deploy std:NAME``.
    """
    try:
        states = standard_states(session.client, container.name if container else None)
    except IdentityError as error:
        reason = session.surroundings.line_of(error)
        session.surroundings.warn(f"warning: it isn't known which of them are deployed: {reason}")
        return table_of_standard_storlets(None)
    return table_of_standard_storlets(states)


def show(
    session: Session, storlet: StorletName, grants: bool = False, container: ContainerName | None = None
) -> Result:
    """Show everything about one storlet: its dependencies, if they are deployed, who may run it, and its last run.

    The last run is known only if the cluster keeps logs. Users of this account may always run the storlet; --grants
    also finds the users who may run it over single containers, which reads the ACL of every container.

    :raises NotFoundError: when the storlet isn't deployed
    """
    details = _details(describe_storlet(session.client, storlet, container.name if container else None))
    if grants:
        grants_found = find_grants(session.client, storlet)
        details["granted"] = [{"user": user, "container": name.name} for user, name in grants_found]
    return Report(details, dict(facts(details, _FIELDS)))


storlets = group(
    "storlets",
    "List the deployed storlets or the standard ones, or show one.",
    Action(
        "list",
        "List the deployed storlets.",
        _CONTAINER,
        run=list_storlets,
        default=True,
        examples=["storlets  # list what is deployed"],
    ),
    Action(
        "show",
        "Show everything about one storlet.",
        Arg("storlet", type=StorletName.parse, kind=Kind.STORLET, metavar="STORLET"),
        Arg("--grants", action="store_true", help="also find who may run it over which containers"),
        _CONTAINER,
        run=show,
        examples=[
            "storlets show warm.py  # everything about one storlet",
            "storlets show warm.py --grants  # and who may run it over single containers",
        ],
    ),
    Action(
        "std",
        "List the standard storlets; deploy one with: deploy std:NAME.",
        _CONTAINER,
        run=list_standard,
        examples=["storlets std  # list the standard storlets"],
    ),
    category="Storlets",
)


def _details(storlet: StorletFacts) -> StorletDetails:
    description = storlet.description
    return {
        "name": storlet.name,
        "container": storlet.container,
        "language": description.language,
        "language_version": description.language_version or None,
        "main": description.main,
        "function": storlet.function and _function(storlet.function),
        "bytes": storlet.bytes,
        "last_modified": storlet.date or None,
        "etag": storlet.etag,
        "interface_version": storlet.interface_version or None,
        "dependencies": list(description.dependencies),
        "missing_dependencies": list(storlet.missing_dependencies),
        "packages": dict(storlet.packages),
        "metadata": dict(storlet.metadata),
        "readers": list(storlet.readers),
        "last_run": storlet.last_run and _run(storlet.last_run),
        "granted": None,
    }


def _function(function: Function) -> FunctionSignature:
    signature = function.signature
    return {
        "name": signature.function,
        "text": str(signature),
        "input": signature.input,
        "result": signature.result or None,
        "parameters": described_parameters(signature),
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
    Field("function", spell=lambda function: function["text"] if function else ""),
    Field("bytes"),
    Field("last_modified", "modified"),
    Field("etag", "MD5"),
    Field("interface_version"),
    Field("dependencies", spell=dashed),
    Field("missing_dependencies", spell=dashed),
    Field("packages", spell=versions),
    Field("metadata", spell=dashed),
    Field("readers", "may be run by", lambda readers: ", ".join(["the account's own users", *readers])),
    Field("last_run", spell=_spelled_run),
    Field("granted", spell=_spelled_grants),
)
"""What people read, in this order."""
