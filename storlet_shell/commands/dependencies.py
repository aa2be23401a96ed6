"""``dependencies``: the files that storlets need beside them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from storlet_shell.commands.arguments import DRY_RUN, YES
from storlet_shell.deployments.deployed import date_of, users_of_dependencies
from storlet_shell.errors import NotFoundError, StorletShellError, UsageError
from storlet_shell.results import Done, Report, Result, Table
from storlet_shell.session import Session
from storlet_shell.spec.registry import Arg, Kind, command
from storlet_shell.store.deletion import delete_object
from storlet_shell.store.exchange import plan
from storlet_shell.store.listing import list_entries
from storlet_shell.values import Location, ObjectPath, StorletName
from storlet_shell.wire import headers as wire
from storlet_shell.wire.requests import Request


@command(
    "dependencies",
    "List, show or delete what storlets need beside them.",
    Arg("action", nargs="?", choices=("list", "show", "rm"), default="list", help="list by default"),
    Arg("names", nargs="*", type=StorletName.parse, kind=Kind.DEPENDENCY, metavar="NAME"),
    Arg("--force", action="store_true", help="rm: also what a storlet still needs"),
    YES,
    DRY_RUN,
    category="Storlets",
)
def dependencies(
    session: Session,
    action: str = "list",
    names: list[StorletName] | None = None,
    force: bool = False,
    yes: bool = False,
    dry_run: bool = False,
) -> Result:
    """List, show or delete what storlets need beside them: modules, programs, libraries, data.

    They are uploaded by deploy -d. A storlet whose dependency is gone fails at every run, so one that a storlet still
    needs is not deleted unless --force is given.

    :raises NotFoundError: when one is not there, or the account is not enabled for storlets
    :raises RefusedError: when the answer is no
    """
    wanted = [name.name for name in names or ()]
    if action == "list":
        if wanted:
            raise UsageError("dependencies list takes no name; show one with: dependencies show NAME")
        return _list(session)
    if action == "show":
        if len(wanted) != 1:
            raise UsageError("dependencies show wants one name")
        return Report(_facts(session, wanted[0]))
    if not wanted:
        raise UsageError("dependencies rm wants a name, or several")
    return _remove(session, list(dict.fromkeys(wanted)), force=force, yes=yes, dry_run=dry_run)


def _list(session: Session) -> Table:
    where = session.client.dependency_container
    entries = list(list_entries(session.client, Location(where)))
    columns = ("name", "bytes", "permissions", "version", "needed_by", "date")
    return Table(columns, _rows(session, where, entries))


def _rows(session: Session, container: str, entries: list[dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
    users = users_of_dependencies(session.client) if entries else {}
    for entry in entries:
        reply = session.client.find(Request("HEAD", container, entry["name"]))
        if reply is None:  # deleted since it was listed
            continue
        needed_by = ",".join(users.get(entry["name"], ())) or "-"
        version = reply.headers.get(wire.DEPENDENCY_VERSION, "-")
        yield entry["name"], entry["bytes"], _permissions(reply.headers), version, needed_by, date_of(entry)


def _permissions(headers: Any) -> str:
    return f"{wire.decode_permissions(headers):04o}"


def _facts(session: Session, name: str) -> dict[str, Any]:
    client = session.client
    reply = _find(session, name)
    return {
        "name": name,
        "container": client.dependency_container,
        "bytes": wire.decode_length(reply.headers),
        "permissions": _permissions(reply.headers),
        "version": reply.headers.get(wire.DEPENDENCY_VERSION, ""),
        "date": reply.headers.get(wire.LAST_MODIFIED, ""),
        "etag": reply.headers.get(wire.ETAG, "").strip('"'),
        "needed_by": users_of_dependencies(session.client).get(name, []),
    }


def _find(session: Session, name: str) -> Any:
    where = session.client.dependency_container
    reply = session.client.find(Request("HEAD", where, name))
    if reply is None:
        raise NotFoundError(f"dependency {name} is not in {where}; see: dependencies")
    return reply


def _remove(session: Session, names: list[str], *, force: bool, yes: bool, dry_run: bool) -> Result:
    where = session.client.dependency_container
    if not (force or dry_run):
        _check_unneeded(session, names)
    requests = [Request("DELETE", where, name) for name in names]
    if dry_run:
        return plan(session.client, *requests)
    replies = [_find(session, name) for name in names]
    session.confirm(f"Delete {', '.join(names)}?", yes=yes)
    for number, (name, reply) in enumerate(zip(names, replies, strict=True)):
        try:
            for note in delete_object(session.client, ObjectPath(where, name), reply=reply):
                session.surroundings.warn(note)
        except StorletShellError:
            if number:
                session.surroundings.warn(f"deleted before that: {', '.join(names[:number])}")
            raise
    return Done(f"deleted {', '.join(names)} from {where}", {"deleted": names})


def _check_unneeded(session: Session, names: list[str]) -> None:
    users = users_of_dependencies(session.client)
    for name in names:
        if needed_by := users.get(name):
            verb = "need" if needed_by[1:] else "needs"
            raise StorletShellError(
                f"{', '.join(needed_by)} {verb} dependency {name}, so nothing was deleted (--force deletes it)"
            )
