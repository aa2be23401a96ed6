"""Deployed dependencies: files that storlets need in addition to their own code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from storlet_shell.deployments.deployed import date_of, users_of_dependencies
from storlet_shell.equality import typed_equality
from storlet_shell.errors import Action, Hint, NotFoundError, StorletShellError
from storlet_shell.results.fields import header_time
from storlet_shell.store.deletion import delete_object, delete_request
from storlet_shell.store.listing import list_entries
from storlet_shell.store.metadata import Info, find
from storlet_shell.values import Location, ObjectPath
from storlet_shell.wire import headers as wire

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client
    from storlet_shell.wire.requests import Request


@typed_equality
class DeployedDependency(NamedTuple):
    """A dependency in the cluster.

    :param bytes: None if the server doesn't say
    :param permissions: the file mode that engines set
    :param version: derived from its content; empty if another client uploaded it
    :param date: when it was stored, in ISO 8601, UTC; empty if the server doesn't say
    :param needed_by: the names of the storlets that need it
    :param packages: the versions of the packages in it, by their names; empty if it isn't an archive of packages
    """

    name: str
    bytes: int | None
    permissions: int
    version: str
    etag: str
    date: str
    needed_by: tuple[str, ...]
    packages: Mapping[str, str]


def list_dependencies(client: Client) -> Iterator[DeployedDependency]:
    """Yield the dependencies by name; the listing has been read when this returns.

    :raises NotFoundError: if the account isn't enabled for storlets
    """
    container = client.dependency_container
    entries = list(list_entries(client, Location(container)))

    def dependencies() -> Iterator[DeployedDependency]:
        users = users_of_dependencies(client) if entries else {}
        for entry in entries:
            info = find(client, ObjectPath(container, entry["name"]))
            if info is not None:  # not deleted since it was listed
                needed_by = users.get(entry["name"], [])
                yield _described(info, entry["bytes"], date_of(entry), needed_by)

    return dependencies()


def find_dependency(client: Client, name: str) -> DeployedDependency:
    """Describe one dependency.

    :raises NotFoundError: if it doesn't exist
    """
    info = _look_up(client, name)
    date = header_time(info.headers.get(wire.LAST_MODIFIED)) or ""
    return _described(info, info.size, date, users_of_dependencies(client).get(name, []))


def _described(info: Info, size: int | None, date: str, needed_by: list[str]) -> DeployedDependency:
    permissions, version = wire.decode_permissions(info.headers), info.headers.get(wire.DEPENDENCY_VERSION, "")
    name = info.location.prefix
    packages = wire.decode_packages(info.headers)
    return DeployedDependency(name, size, permissions, version, info.etag, date, tuple(needed_by), packages)


def _look_up(client: Client, name: str) -> Info:
    container = client.dependency_container
    info = find(client, ObjectPath(container, name))
    if info is None:
        text, hint = f"dependency {{subject}} isn't in container {container}", Hint(Action.SEE_DEPENDENCIES)
        raise NotFoundError(text, subject=name, hint=hint)
    return info


@typed_equality
class Removal(NamedTuple):
    """Dependencies that can be deleted.

    :param infos: the metadata of each
    """

    names: tuple[str, ...]
    infos: tuple[Info, ...]


def removal_requests(client: Client, names: Sequence[str]) -> list[Request]:
    """Return the requests that delete dependencies."""
    return [delete_request(client.dependency_container, name) for name in names]


def remove_dependencies(client: Client, names: Sequence[str], *, force: bool = False) -> None:
    """Delete dependencies: all of them, or none if one doesn't exist or is needed.

    :param force: delete dependencies even if a storlet needs them
    :raises NotFoundError: if one doesn't exist
    :raises StorletShellError: if a storlet needs one
    """
    remove(client, plan_removal(client, names, force=force))


def plan_removal(client: Client, names: Sequence[str], *, force: bool = False) -> Removal:
    """Check that dependencies can be deleted; parameters and errors are those of :func:`remove_dependencies`."""
    if not force:
        _check_unneeded(client, names)
    return Removal(tuple(names), tuple(_look_up(client, name) for name in names))


def _check_unneeded(client: Client, names: Sequence[str]) -> None:
    users = users_of_dependencies(client)
    for name in names:
        if needed_by := users.get(name):
            verb = "need" if needed_by[1:] else "needs"
            text = f"{', '.join(needed_by)} {verb} dependency {{subject}}, so nothing was deleted"
            raise StorletShellError(text, subject=name, hint=Hint(Action.FORCE))


def remove(client: Client, removal: Removal) -> None:
    """Delete dependencies one after the other; after a failure, report those already deleted.

    :raises StorletShellError: if one can't be deleted
    """
    for number, (name, info) in enumerate(zip(removal.names, removal.infos, strict=True)):
        try:
            for note in delete_object(client, ObjectPath(client.dependency_container, name), info=info):
                client.observer.warn(*note)
        except StorletShellError:
            if number:
                client.observer.warn(f"already deleted: {', '.join(removal.names[:number])}")
            raise
