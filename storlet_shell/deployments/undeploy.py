"""Undeploy a storlet, on demand with the dependencies that no other storlet needs."""

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
    """What is deleted to undeploy a storlet.

    :param container: where the storlet is; None for the cluster's own container of storlets
    :param dependencies: the names of those that go with it
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
    """Delete a deployed storlet, and return what was deleted.

    :param container: None for the cluster's own container of storlets
    :param with_dependencies: delete its dependencies too, if no other storlet names them
    :raises NotFoundError: when it is not deployed
    """
    undeployment = plan_undeployment(client, storlet, container, with_dependencies=with_dependencies)
    carry_out(client, undeployment)
    return undeployment


def plan_undeployment(
    client: Client, storlet: StorletName, container: str | None = None, *, with_dependencies: bool = False
) -> Undeployment:
    """Find out what is to be deleted; without dependencies, nothing is asked.

    :raises NotFoundError: when the storlet's dependencies are wanted, and it is not deployed
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
    """Return what a HEAD says of a deployed storlet.

    :raises NotFoundError: when it is not deployed; it names the one that may be meant
    """
    try:
        return head(client, ObjectPath(container or client.storlet_container, storlet.name))
    except NotFoundError as error:
        raise not_deployed(client, storlet.name, container or "", transaction_id=error.transaction_id) from error


def carry_out(client: Client, undeployment: Undeployment) -> None:
    """Delete the storlet and then its dependencies; those that stay are named, with why.

    :raises NotFoundError: when the storlet is not deployed
    :raises StorletShellError: when something can't be deleted; what is left is named
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
            client.observer.warn(f"undeployed {storlet}; these dependencies are left: {rest}")
            raise
    warn_of_kept(client, undeployment)


def _delete(client: Client, request: Request) -> None:
    for note in delete_object(client, ObjectPath(request.container, request.name)):
        client.observer.warn(*note)


def warn_of_kept(client: Client, undeployment: Undeployment) -> None:
    """Say which dependencies stay, and who needs them."""
    for name, users in undeployment.kept.items():
        client.observer.warn(f"dependency {name} stays: {', '.join(users)} {'need' if users[1:] else 'needs'} it")
