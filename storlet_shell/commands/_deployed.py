"""What is deployed: the storlets with their descriptions, and who needs which dependency."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from storlet_shell import headers as wire
from storlet_shell.commands.ls import list_entries
from storlet_shell.errors import NotFoundError, StorletShellError
from storlet_shell.session import Session
from storlet_shell.values import Location, Request


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
    """Say that a storlet is not deployed, and which one may be meant, by one look at those there are.

    :param container: where it was looked for, if that is not where storlets run from
    """
    try:
        reply = session.client.send(Request("GET", container or session.client.storlet_container))
        close = _closest(name, reply.read().decode("utf-8", "replace").splitlines())
    except StorletShellError:  # this must not hide what is wrong
        close = ""
    hint = f"did you mean {close}?" if close else "see: storlets" + (f" -c {container}" if container else "")
    return NotFoundError(f"storlet {name} is not deployed; {hint}", transaction_id=transaction_id)


def _closest(name: str, names: Sequence[str]) -> str:
    """Return the name that is most like another: with the same letters before its first dot or hyphen, if one has."""
    import difflib  # for those who mistype

    same = re.compile(re.escape(re.split("[.-]", name)[0]) + r"(?![^.-])", re.IGNORECASE)
    alike = [each for each in names if same.match(each)] or difflib.get_close_matches(name, names, n=1)
    return alike[0] if alike else ""


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
