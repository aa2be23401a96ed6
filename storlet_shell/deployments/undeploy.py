"""Undeploy a storlet, optionally with the dependencies that no other storlet needs."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from storlet_shell.deployments.deployed import users_of_dependencies
from storlet_shell.equality import typed_equality
from storlet_shell.errors import NotFoundError, StorletShellError
from storlet_shell.store.deletion import delete_object, delete_request
from storlet_shell.store.failures import not_deployed
from storlet_shell.store.metadata import Info, head
from storlet_shell.values import ObjectPath, StorletName
from storlet_shell.wire import headers as wire

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client
    from storlet_shell.wire.requests import Request


@typed_equality
class Undeployment(NamedTuple):
    """The deletions that undeploy a storlet.

    :param container: where the storlet is; None for the cluster's own container of storlets
    :param dependencies: the names of the dependencies that are deleted with it
    :param kept: the dependencies that stay, with the storlets that need them
    """

    storlet: StorletName
    container: str | None = None
    dependencies: tuple[str, ...] = ()
    kept: Mapping[str, list[str]] = MappingProxyType({})

    def requests(self, client: Client) -> list[Request]:
        """Return the deletions, in order."""
        storlet = delete_request(self.container or client.storlet_container, self.storlet.name)
        return [storlet, *(delete_request(client.dependency_container, name) for name in self.dependencies)]


def undeploy(
    client: Client, storlet: StorletName, container: str | None = None, *, with_dependencies: bool = False
) -> Undeployment:
    """Delete a deployed storlet; return what was deleted.

    :param container: None for the cluster's own container of storlets
    :param with_dependencies: also delete its dependencies that no other storlet needs
    :raises NotFoundError: if it isn't deployed
    """
    undeployment = plan_undeployment(client, storlet, container, with_dependencies=with_dependencies)
    carry_out(client, undeployment)
    return undeployment


def plan_undeployment(
    client: Client, storlet: StorletName, container: str | None = None, *, with_dependencies: bool = False
) -> Undeployment:
    """Find out what to delete; without dependencies, no request is sent.

    :raises NotFoundError: if it isn't deployed; checked only to delete dependencies
    """
    if not with_dependencies:
        return Undeployment(storlet, container)
    names = wire.decode_storlet(look_up(client, storlet, container).headers).dependencies
    users = users_of_dependencies(client) if names else {}
    is_own = container is None or container == client.storlet_container
    others = {name: [user for user in users.get(name, []) if not (is_own and user == storlet.name)] for name in names}
    alone = tuple(name for name in names if not others[name])
    return Undeployment(storlet, container, alone, {name: users for name, users in others.items() if users})


def look_up(client: Client, storlet: StorletName, container: str | None = None) -> Info:
    """Return the metadata of a deployed storlet.

    :raises NotFoundError: if it isn't deployed; suggests the closest name
    """
    try:
        return head(client, ObjectPath(container or client.storlet_container, storlet.name))
    except NotFoundError as error:
        raise not_deployed(client, storlet.name, container or "", transaction_id=error.transaction_id) from error


def carry_out(client: Client, undeployment: Undeployment) -> None:
    """Delete the storlet, then its dependencies; report the dependencies that stay, and why.

    :raises NotFoundError: if the storlet isn't deployed
    :raises StorletShellError: if something can't be deleted; what remains is reported
    """
    storlet, container = undeployment.storlet, undeployment.container
    request, *dependencies = undeployment.requests(client)
    try:
        _delete(client, request)
    except NotFoundError as error:
        raise not_deployed(client, storlet.name, container or "", transaction_id=error.transaction_id) from error
    for number, dependency in enumerate(dependencies):
        try:
            with suppress(NotFoundError):
                _delete(client, dependency)
        except StorletShellError:
            rest = ", ".join(request.name for request in dependencies[number:])
            client.observer.warn(f"undeployed {storlet}; these dependencies remain: {rest}")
            raise
    warn_of_kept(client, undeployment)


def _delete(client: Client, request: Request) -> None:
    for note in delete_object(client, ObjectPath(request.container, request.name)):
        client.observer.warn(*note)


def warn_of_kept(client: Client, undeployment: Undeployment) -> None:
    """Report which dependencies stay, and which storlets need them."""
    for name, users in undeployment.kept.items():
        client.observer.warn(f"dependency {name} stays: {', '.join(users)} {'need' if users[1:] else 'needs'} it")
