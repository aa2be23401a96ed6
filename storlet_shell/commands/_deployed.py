"""What is deployed: the storlets with their descriptions, and who needs which dependency."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from storlet_shell.commands.ls import list_entries
from storlet_shell.errors import NotFoundError, StorletShellError
from storlet_shell.session import Session
from storlet_shell.values import Location
from storlet_shell.wire import headers as wire
from storlet_shell.wire.requests import Request


class Deployed(NamedTuple):
    """A deployed storlet.

    :param date: when it was deployed, in ISO's form, UTC
    """

    name: str
    date: str
    description: wire.StorletDescription


def deployed_storlets(session: Session, container: str) -> Iterator[Deployed]:
    """Yield the storlets of a container.

    :raises NotFoundError: when the container is not there
    """
    for entry in list_entries(session, Location(container)):
        reply = session.client.find(Request("HEAD", container, entry["name"]))
        if reply is not None:  # it was not undeployed since it was listed
            reply.close()
            yield Deployed(entry["name"], date_of(entry), wire.decode_storlet(reply.headers))


def date_of(entry: dict[str, Any]) -> str:
    """Return when a listed object was stored, in ISO's form, to the second."""
    return str(entry["last_modified"] or "").split(".")[0]


def not_deployed(session: Session, name: str, container: str = "", *, transaction_id: str = "") -> NotFoundError:
    """Say that a storlet is not deployed, and which one may be meant.

    :param container: where it was looked for, if that is not where storlets run from
    """
    hint = storlet_meant(session, name, container) or "; see: storlets" + (f" -c {container}" if container else "")
    return NotFoundError(f"storlet {name} is not deployed{hint}", transaction_id=transaction_id)


def storlet_meant(session: Session, name: str, container: str = "") -> str:
    """Return a hint at the storlet that is meant by a name, by one look at those there are; nothing without one.

    That is one with the same letters before the first dot or hyphen, or with similar ones.
    """
    try:
        reply = session.client.send(Request("GET", container or session.client.storlet_container))
        names = reply.read().decode("utf-8", "replace").splitlines()
    except StorletShellError:  # this must not hide what is wrong
        return ""
    import difflib  # for those who mistype

    stems = {_stem(each): each for each in reversed(names)}
    close = difflib.get_close_matches(_stem(name), stems, n=1)
    return f"; did you mean {stems[close[0]]}?" if close and name not in names else ""


def _stem(name: str) -> str:
    return re.split("[.-]", name)[0].lower()


def users_of_dependencies(session: Session) -> dict[str, list[str]]:
    """Return which storlets name a dependency, by its name; nothing when there is no container of storlets."""
    users: dict[str, list[str]] = {}
    try:
        for storlet in deployed_storlets(session, session.client.storlet_container):
            for name in storlet.description.dependencies:
                users.setdefault(name, []).append(storlet.name)
    except NotFoundError:
        return {}
    return users
