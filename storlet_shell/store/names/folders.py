"""Sum up the objects of containers, and of the folders that their names suggest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.store.listing import list_entries
from storlet_shell.store.trees import no_objects
from storlet_shell.values import Location

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client


@typed_equality
class Usage(NamedTuple):
    """The size of all objects below a location.

    :param bytes: as listed: all of a static large object, although its segments are in another container
    :param objects: the number of objects, without older versions
    """

    location: Location
    bytes: int
    objects: int


class _Folder:
    """A folder whose objects are being listed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.bytes = self.objects = 0


def usage(client: Client, location: Location, depth: int = 1) -> Iterator[Usage]:
    """Yield the usage of the containers or folders below a location, and then that of the location itself.

    A listing is sorted, so only the open folders are in memory.

    :param location: the account, a container, or a prefix of its objects' names
    :param depth: the number of levels below the location to yield: of an account, containers are the first one
    :raises NotFoundError: if the container doesn't exist, or no name starts with the prefix
    """
    return _of_container(client, location, depth) if location.container else _of_account(client, depth)


def _of_account(client: Client, depth: int) -> Iterator[Usage]:
    total = _Folder("")
    for entry in list_entries(client, Location()):
        container = Usage(Location(entry["name"]), entry["bytes"] or 0, entry.get("count") or 0)
        if depth > 1:
            *folders, container = _of_container(client, container.location, depth - 1)
            yield from folders
        total.bytes += container.bytes
        total.objects += container.objects
        if depth:
            yield container
    yield Usage(Location(), total.bytes, total.objects)


def _of_container(client: Client, location: Location, depth: int) -> Iterator[Usage]:
    start = location.prefix.rfind("/") + 1
    open_folders = [_Folder(location.prefix)]
    for entry in list_entries(client, location):
        name = str(entry["name"])
        while len(open_folders) > 1 and not name.startswith(open_folders[-1].name):
            yield _closed(location, open_folders)
        while len(open_folders) <= depth:
            end = name.find("/", len(open_folders[-1].name) if len(open_folders) > 1 else start) + 1
            if not end:
                break
            open_folders.append(_Folder(name[:end]))
        open_folders[-1].bytes += int(entry["bytes"] or 0)
        open_folders[-1].objects += 1
    while len(open_folders) > 1:
        yield _closed(location, open_folders)
    (whole,) = open_folders
    if location.prefix and not whole.objects:
        raise no_objects(location)
    yield Usage(location, whole.bytes, whole.objects)


def _closed(location: Location, open_folders: list[_Folder]) -> Usage:
    """Add the last folder to the one that it is in, and return its usage."""
    folder = open_folders.pop()
    open_folders[-1].bytes += folder.bytes
    open_folders[-1].objects += folder.objects
    return Usage(Location(location.container, folder.name), folder.bytes, folder.objects)
