"""What is deployed: the storlets with their descriptions, and who needs which dependency."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import NotFoundError
from storlet_shell.results import Table
from storlet_shell.store.listing import list_entries
from storlet_shell.store.metadata import head
from storlet_shell.values import Location, ObjectPath
from storlet_shell.wire import headers as wire

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client


@typed_equality
class DeployedStorlet(NamedTuple):
    """A deployed storlet.

    :param date: when it was deployed, in ISO's form, UTC
    """

    name: str
    date: str
    description: wire.StorletDescription


def list_storlets(client: Client, container: str | None = None) -> Iterator[DeployedStorlet]:
    """Yield the storlets of a container, by name; the listing's first page has been read when this returns.

    :param container: None for the cluster's own container of storlets
    :raises NotFoundError: when the container is not there
    """
    storlets = _storlets(client, container or client.storlet_container)
    first = next(storlets, None)
    return chain([first] if first else [], storlets)


def table_of_storlets(client: Client, container: str | None = None) -> Table:
    """Return the storlets of a container as a table; its rows come as they are needed.

    :param container: None for the cluster's own container of storlets
    :raises NotFoundError: when the container is not there
    """
    columns = ("name", "language", "main", "dependencies", "date")
    return Table(columns, map(_row, list_storlets(client, container)))


def _row(storlet: DeployedStorlet) -> tuple[str, ...]:
    description = storlet.description
    names = ",".join(description.dependencies) or "-"
    return storlet.name, description.language, description.main, names, storlet.date


def _storlets(client: Client, container: str) -> Iterator[DeployedStorlet]:
    for entry in list_entries(client, Location(container)):
        try:
            info = head(client, ObjectPath(container, entry["name"]))
        except NotFoundError:  # undeployed since it was listed
            continue
        yield DeployedStorlet(entry["name"], date_of(entry), wire.decode_storlet(info.headers))


def date_of(entry: dict[str, Any]) -> str:
    """Return when a listed object was stored, in ISO's form, to the second."""
    return str(entry["last_modified"] or "").split(".")[0]


def users_of_dependencies(client: Client) -> dict[str, list[str]]:
    """Return which storlets name a dependency, by its name; nothing when there is no container of storlets."""
    users: dict[str, list[str]] = {}
    try:
        for storlet in list_storlets(client):
            for name in storlet.description.dependencies:
                users.setdefault(name, []).append(storlet.name)
    except NotFoundError:
        return {}
    return users
