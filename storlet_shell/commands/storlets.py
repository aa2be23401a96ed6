"""``storlets``: what is deployed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from storlet_shell import headers as wire
from storlet_shell.commands.ls import list_entries
from storlet_shell.registry import Arg, Kind, command
from storlet_shell.results import Result, Table
from storlet_shell.session import Session
from storlet_shell.values import ContainerName, Location, Request


@command(
    "storlets",
    "List the deployed storlets.",
    Arg("-c", "--container", type=ContainerName.parse, kind=Kind.CONTAINER, help="another container of storlets"),
    category="Storlets",
)
def storlets(session: Session, container: ContainerName | None = None) -> Result:
    """List the deployed storlets with their language, main class, dependencies and date.

    :raises NotFoundError: when the container is not there: the account is not enabled for storlets
    """
    where = container.name if container else session.client.storlet_container
    entries = list(list_entries(session, Location(where)))
    return Table(("name", "language", "main", "dependencies", "date"), _rows(session, where, entries))


def _rows(session: Session, container: str, entries: list[dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
    for entry in entries:
        reply = session.client.find(Request("HEAD", container, entry["name"]))
        if reply is None:  # undeployed since it was listed
            continue
        reply.close()
        found = wire.decode_storlet(reply.headers)
        date = str(entry["last_modified"] or "").split(".")[0]
        yield entry["name"], found.language, found.main, ",".join(found.dependencies) or "-", date
