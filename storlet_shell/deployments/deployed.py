"""Deployed storlets, their descriptions, and the dependencies that they need."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import NotFoundError
from storlet_shell.results import Field, Table
from storlet_shell.results.fields import dashed, listed_time
from storlet_shell.store.listing import list_entries
from storlet_shell.store.metadata import head
from storlet_shell.values import Location, ObjectPath
from storlet_shell.wire import headers as wire

if TYPE_CHECKING:
    from storlet_shell.results.schemas import StorletSummary
    from storlet_shell.wire.client import Client


@typed_equality
class DeployedStorlet(NamedTuple):
    """A deployed storlet.

    :param date: when it was deployed, in ISO 8601, UTC; empty if the server doesn't say
    """

    name: str
    date: str
    description: wire.StorletDescription


def list_storlets(client: Client, container: str | None = None) -> Iterator[DeployedStorlet]:
    """Yield the storlets of a container by name; the first page of the listing has been read when this returns.

    :param container: None for the cluster's own container of storlets
    :raises NotFoundError: if the container doesn't exist
    """
    storlets = _storlets(client, container or client.storlet_container)
    first = next(storlets, None)
    return chain([first] if first else [], storlets)


def table_of_storlets(client: Client, container: str | None = None) -> Table:
    """Return the storlets of a container as a table whose rows are fetched on demand.

    :param container: None for the cluster's own container of storlets
    :raises NotFoundError: if the container doesn't exist
    """
    return Table(_FIELDS, (tuple(_summary(storlet).values()) for storlet in list_storlets(client, container)))


_FIELDS = (
    Field("name"),
    Field("language"),
    Field("main"),
    Field("dependencies", spell=dashed),
    Field("last_modified", "modified"),
)


def _summary(storlet: DeployedStorlet) -> StorletSummary:
    description = storlet.description
    return {
        "name": storlet.name,
        "language": description.language,
        "main": description.main,
        "dependencies": list(description.dependencies),
        "last_modified": storlet.date or None,
    }


def _storlets(client: Client, container: str) -> Iterator[DeployedStorlet]:
    for entry in list_entries(client, Location(container)):
        try:
            info = head(client, ObjectPath(container, entry["name"]))
        except NotFoundError:  # undeployed since it was listed
            continue
        yield DeployedStorlet(entry["name"], date_of(entry), wire.decode_storlet(info.headers))


def date_of(entry: dict[str, Any]) -> str:
    """Return when a listed object was stored, in ISO 8601, UTC, to the second; empty if the server doesn't say."""
    return listed_time(str(entry["last_modified"] or "").split(".")[0]) or ""


def users_of_dependencies(client: Client) -> dict[str, list[str]]:
    """Return the storlets that need each dependency, by its name; empty if the account isn't enabled for storlets."""
    users: dict[str, list[str]] = {}
    try:
        for storlet in list_storlets(client):
            for name in storlet.description.dependencies:
                users.setdefault(name, []).append(storlet.name)
    except NotFoundError:
        return {}
    return users
