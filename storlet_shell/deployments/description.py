"""Everything that can be learned about one deployed storlet."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from storlet_shell.deployments.access import read_entries, users_of
from storlet_shell.deployments.logs import Record, read_records
from storlet_shell.equality import typed_equality
from storlet_shell.errors import StorletShellError
from storlet_shell.results.fields import header_time
from storlet_shell.store.failures import not_deployed, storlet_log
from storlet_shell.store.functions import Function, look_up_again
from storlet_shell.store.listing import list_entries
from storlet_shell.store.metadata import find
from storlet_shell.values import ContainerName, Location, ObjectPath, StorletName
from storlet_shell.wire import headers as wire
from storlet_shell.wire.header_dict import HeaderDict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from storlet_shell.wire.client import Client

_DESCRIBED = "Storlet-"
"""Prefix of the metadata that describe a storlet."""


@typed_equality
class StorletFacts(NamedTuple):
    """A deployed storlet and its surroundings.

    :param bytes: the size of its code; None if the server doesn't say
    :param date: when it was deployed, in ISO 8601, UTC; empty if the server doesn't say
    :param function: the function that it was made from; None for any other storlet, or if its code can't be read
    :param missing_dependencies: dependencies that it names and that don't exist
    :param packages: the versions of the packages in its dependencies, by their names
    :param metadata: the object's metadata, without the description
    :param readers: the entries of its container's read ACL, all of which may run it
    :param last_run: the last run in the log; None if the cluster's log doesn't tell runs apart
    """

    name: str
    container: str
    description: wire.StorletDescription
    function: Function | None
    bytes: int | None
    date: str
    etag: str
    interface_version: str
    missing_dependencies: tuple[str, ...]
    packages: Mapping[str, str]
    metadata: Mapping[str, str]
    readers: tuple[str, ...]
    last_run: Record | None


def describe_storlet(client: Client, storlet: StorletName, container: str | None = None) -> StorletFacts:
    """Collect everything about a deployed storlet.

    :param container: None for the cluster's own container of storlets
    :raises NotFoundError: if it isn't deployed
    """
    container = container or client.storlet_container
    info = find(client, ObjectPath(container, storlet.name))
    if info is None:
        raise not_deployed(client, storlet.name, container)
    headers, description = info.headers, wire.decode_storlet(info.headers)
    metadata = wire.decode_metadata(headers)
    function = look_up_again(client, storlet, container) if description.is_function else None
    dependencies = {
        name: find(client, ObjectPath(client.dependency_container, name)) for name in description.dependencies
    }
    return StorletFacts(
        name=storlet.name,
        container=container,
        description=description,
        function=function,
        bytes=info.size,
        date=header_time(headers.get(wire.LAST_MODIFIED)) or "",
        etag=info.etag,
        interface_version=headers.get(wire.INTERFACE_VERSION, ""),
        missing_dependencies=tuple(name for name, dependency in dependencies.items() if dependency is None),
        packages={
            name: version
            for dependency in dependencies.values()
            if dependency is not None
            for name, version in wire.decode_packages(dependency.headers).items()
        },
        metadata=HeaderDict(entry for entry in metadata.items() if not entry[0].title().startswith(_DESCRIBED)),
        readers=_readers(client, container),
        last_run=_last_run(client, storlet),
    )


def _readers(client: Client, container: str) -> tuple[str, ...]:
    """Return who else may run it: whoever may read it (storlets ``handlers/proxy.py: verify_access_to_storlet``)."""
    info = find(client, Location(container))
    return read_entries(info.headers.get(wire.CONTAINER_READ, "")) if info else ()


def _last_run(client: Client, storlet: StorletName) -> Record | None:
    """Return the last run in the log, if it can be read and tells runs apart."""
    try:
        text = storlet_log(client, storlet.name) if client.is_embedded else ""
    except StorletShellError:
        return None
    records = [record for record in read_records(text) if record.time is not None]
    return records[-1] if records else None


@typed_equality
class GrantOver(NamedTuple):
    """A user who may read a container through a storlet."""

    user: str
    container: ContainerName


def find_grants(client: Client, storlet: StorletName) -> list[GrantOver]:
    """Search all containers for users who may read them through a storlet.

    Source: storlets ``handlers/proxy.py: _build_acl_string``.
    """
    grants = []
    for entry in list_entries(client, Location()):
        info = find(client, Location(entry["name"]))
        acl = info.headers.get(wire.CONTAINER_READ, "") if info else ""
        grants += [GrantOver(user, ContainerName(entry["name"])) for user in users_of(acl, storlet.name)]
    return grants
