"""``undeploy``: a storlet that is to run no more."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from storlet_shell.commands.arguments import DRY_RUN, YES
from storlet_shell.deployments.deployed import users_of_dependencies
from storlet_shell.errors import NotFoundError, StorletShellError
from storlet_shell.results import Done, Result
from storlet_shell.session import Session
from storlet_shell.spec.registry import Arg, Kind, command
from storlet_shell.store.deletion import delete_object
from storlet_shell.store.exchange import plan
from storlet_shell.store.failures import not_deployed
from storlet_shell.values import ContainerName, ObjectPath, StorletName
from storlet_shell.wire import headers as wire
from storlet_shell.wire.requests import Request

if TYPE_CHECKING:
    from storlet_shell.wire.transport import Reply


@command(
    "undeploy",
    "Delete a deployed storlet.",
    Arg("storlet", type=StorletName.parse, kind=Kind.STORLET, metavar="STORLET"),
    Arg("-c", "--container", type=ContainerName.parse, kind=Kind.CONTAINER, help="another container of storlets"),
    Arg("--with-dependencies", action="store_true", help="delete its dependencies too, if no other storlet names them"),
    YES,
    DRY_RUN,
    category="Storlets",
)
def undeploy(
    session: Session,
    storlet: StorletName,
    container: ContainerName | None = None,
    with_dependencies: bool = False,
    yes: bool = False,
    dry_run: bool = False,
) -> Result:
    """Delete a deployed storlet; its dependencies stay unless --with-dependencies is given.

    :raises NotFoundError: when it is not deployed
    :raises RefusedError: when the answer is no
    """
    where = container.name if container else session.client.storlet_container
    alone, kept = _sort(session, storlet, container) if with_dependencies else ([], {})
    dependencies = [Request("DELETE", session.client.dependency_container, name) for name in alone]
    request = Request("DELETE", where, storlet.name)
    if dry_run:
        _tell_kept(session, kept)
        return plan(session.client, request, *dependencies)
    if not (yes or with_dependencies) and session.surroundings.is_watched():
        _look_up(session, storlet, container)  # before anybody is asked about what is not there
    what = f"{storlet} with {', '.join(alone)}" if alone else str(storlet)
    session.confirm(f"Undeploy {what}?", yes=yes)
    try:
        _delete_object(session, request)
    except NotFoundError as error:
        raise _not_deployed(session, storlet, container, error) from error
    _delete(session, storlet, dependencies)
    _tell_kept(session, kept)
    facts = {"undeployed": storlet.name}
    return Done(f"undeployed {what}", {**facts, "dependencies": alone, "kept": kept} if with_dependencies else facts)


def _not_deployed(
    session: Session, storlet: StorletName, container: ContainerName | None, error: NotFoundError
) -> NotFoundError:
    place = container.name if container else ""
    return not_deployed(session.client, storlet.name, place, transaction_id=error.transaction_id)


def _look_up(session: Session, storlet: StorletName, container: ContainerName | None) -> Reply:
    where = container.name if container else session.client.storlet_container
    try:
        reply = session.client.send(Request("HEAD", where, storlet.name))
    except NotFoundError as error:
        raise _not_deployed(session, storlet, container, error) from error
    reply.close()
    return reply


def _sort(
    session: Session, storlet: StorletName, container: ContainerName | None
) -> tuple[list[str], dict[str, list[str]]]:
    """Return the dependencies that only this storlet names, and who else names the others."""
    reply = _look_up(session, storlet, container)
    needed = wire.decode_storlet(reply.headers).dependencies
    users = users_of_dependencies(session.client) if needed else {}
    is_own = container is None or container.name == session.client.storlet_container
    others = {name: [user for user in users.get(name, []) if not (is_own and user == storlet.name)] for name in needed}
    return [name for name in needed if not others[name]], {name: who for name, who in others.items() if who}


def _tell_kept(session: Session, kept: dict[str, list[str]]) -> None:
    for name, users in kept.items():
        session.surroundings.warn(f"dependency {name} stays: {', '.join(users)} {'need' if users[1:] else 'needs'} it")


def _delete_object(session: Session, request: Request) -> None:
    for note in delete_object(session.client, ObjectPath(request.container, request.name)):
        session.surroundings.warn(note)


def _delete(session: Session, storlet: StorletName, dependencies: list[Request]) -> None:
    for number, request in enumerate(dependencies):
        try:
            with suppress(NotFoundError):
                _delete_object(session, request)
        except StorletShellError:
            left = ", ".join(each.name for each in dependencies[number:])
            session.surroundings.warn(f"undeployed {storlet}; these dependencies are left: {left}")
            raise
