"""``storlets``: what is deployed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

from storlet_shell.deployments.access import read_entries, users_of
from storlet_shell.deployments.deployed import Deployed, deployed_storlets
from storlet_shell.errors import NotFoundError, StorletShellError, UsageError
from storlet_shell.results import Report, Result, Table
from storlet_shell.session import Session
from storlet_shell.spec.registry import Arg, Kind, command
from storlet_shell.store.exchange import is_there
from storlet_shell.store.listing import list_entries
from storlet_shell.values import ContainerName, Location, StorletName
from storlet_shell.wire import headers as wire
from storlet_shell.wire.header_dict import HeaderDict
from storlet_shell.wire.requests import Request

_DESCRIBED = "Storlet-"
"""What the names of the metadata begin with that describe a storlet."""


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
    where = container.name if container else session.client.storlet_container
    if action == "show":
        if storlet is None:
            raise UsageError("storlets show wants a storlet's name")
        granted = {"granted": _grants(session, storlet.name)} if grants else {}
        return Report({**_facts(session, where, storlet.name), **granted})
    if storlet is not None or grants:
        raise UsageError("storlets list takes no name and no --grants; show one with: storlets show STORLET")
    found = deployed_storlets(session.client, where)
    first = next(found, None)  # asks for the listing, so that an error is raised here and not while it is shown
    return Table(("name", "language", "main", "dependencies", "date"), _rows(first, found))


def _rows(first: Deployed | None, rest: Iterator[Deployed]) -> Iterator[tuple[Any, ...]]:
    for each in chain((first,) if first else (), rest):
        about = each.description
        yield each.name, about.language, about.main, ",".join(about.dependencies) or "-", each.date


def _facts(session: Session, container: str, name: str) -> dict[str, Any]:
    reply = session.client.find(Request("HEAD", container, name))
    if reply is None:
        raise NotFoundError(f"storlet {name} is not deployed; there are: storlets list")
    about = wire.decode_storlet(reply.headers)
    metadata = wire.decode_metadata(reply.headers)
    return {
        "name": name,
        "container": container,
        "language": about.language,
        "language_version": about.language_version or "the engine's own",
        "main": about.main,
        "bytes": wire.decode_length(reply.headers),
        "date": reply.headers.get(wire.LAST_MODIFIED, ""),
        "etag": reply.headers.get(wire.ETAG, "").strip('"'),
        "interface_version": reply.headers.get(wire.INTERFACE_VERSION, ""),
        "dependencies": list(about.dependencies),
        "missing_dependencies": [each for each in about.dependencies if not _is_deployed(session, each)],
        "metadata": HeaderDict(entry for entry in metadata.items() if not entry[0].title().startswith(_DESCRIBED)),
        "may_be_run_by": _readers(session, container),
        "last_run": _last_run(session, name),
    }


def _is_deployed(session: Session, dependency: str) -> bool:
    return is_there(session.client, Request("HEAD", session.client.dependency_container, dependency))


def _readers(session: Session, container: str) -> list[str]:
    """Return who may run it: whoever may read it (storlets ``handlers/proxy.py: verify_access_to_storlet``)."""
    reply = session.client.find(Request("HEAD", container))
    entries = read_entries(reply.headers.get(wire.CONTAINER_READ, "")) if reply else ()
    return ["the account's own users", *entries]


def _grants(session: Session, name: str) -> list[str]:
    """Return who may read which container through the storlet (storlets ``handlers/proxy.py: _build_acl_string``)."""
    found = []
    for container in list_entries(session.client, Location()):
        reply = session.client.find(Request("HEAD", container["name"]))
        for user in users_of(reply.headers.get(wire.CONTAINER_READ, ""), name) if reply else ():
            found.append(f"{user} over {ContainerName(container['name'])}")
    return found


def _last_run(session: Session, name: str) -> str:
    """Return the heading of the last run in the log, which says when it was and how it ended, if it can be had."""
    try:
        lines = session.client.storlet_log(name).splitlines() if session.client.is_embedded else []
    except StorletShellError:
        return "not known"
    headings = [line.removeprefix("--- ") for line in lines if line.startswith("--- ")]
    return headings[-1] if headings else "not known"
