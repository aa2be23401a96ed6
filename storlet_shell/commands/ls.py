"""``ls``: the containers of the account, or the objects of a container."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from storlet_shell.errors import ServiceError
from storlet_shell.registry import Arg, Kind, command
from storlet_shell.results import Result, Table
from storlet_shell.session import Session
from storlet_shell.values import Location, Request


@command(
    "ls",
    "List containers, or the objects of a container.",
    Arg(
        "location",
        nargs="?",
        type=Location.parse,
        kind=Kind.OBJECT,
        metavar="CONTAINER[/PREFIX]",
        help="nothing lists the containers; a prefix lists the objects whose names start with it",
    ),
    Arg("-l", "--long", action="store_true", help="show sizes and dates, and a total at the end"),
    Arg("--delimiter", metavar="CHARACTER", help="fold the names that go on after this character into one line"),
)
def ls(session: Session, location: Location | None = None, long: bool = False, delimiter: str | None = None) -> Result:
    """List containers, or the objects of a container.

    Any number of names is listed in constant memory, as the server sends them.

    :raises NotFoundError: when the container is not there
    """
    where = location or Location()
    entries = list_entries(session, where, delimiter)
    first = next(entries, None)  # asks for the first page, so that an error is raised here and not while it is shown
    rows = _rows(first, entries)
    if not long:
        return Table(("name",), ((entry["name"],) for entry in rows))
    if not where.container:
        return _totalled(("objects", "bytes", "name"), rows, ("count", "bytes", "name"), 1)
    return _totalled(("bytes", "last_modified", "name"), rows, ("bytes", "last_modified", "name"), 0)


def list_entries(
    session: Session, where: Location, delimiter: str | None = None, *, versions: bool = False
) -> Iterator[dict[str, Any]]:
    """Yield what a listing says of each name, page by page; a folded name is given as ``name`` as well.

    :param versions: list each version of an object, with its ``version_id``, where the container keeps them
    :raises NotFoundError: when the container is not there
    """
    marker = version = ""
    while page := _page(session, where, delimiter, marker, version if versions else None):
        for entry in page:
            yield {"name": entry.get("subdir"), "bytes": None, "last_modified": None, **entry}
        last = page[-1].get("subdir") or page[-1]["name"], page[-1].get("version_id") or ""
        if last == (marker, version):
            raise ServiceError(f"{where}: the server repeats its listing")
        marker, version = last


def _page(
    session: Session, where: Location, delimiter: str | None, marker: str, version: str | None
) -> list[dict[str, Any]]:
    """Ask for the names after a marker, as many as the server gives at a time; none are left when none come.

    :param version: the marker among the versions of one name; None to list the present ones only
    """
    query = [("format", "json")]
    query += [("prefix", where.prefix)] if where.prefix else []
    query += [("delimiter", delimiter)] if delimiter else []
    query += [("marker", marker)] if marker else []
    query += [("versions", "")] if version is not None else []
    query += [("version_marker", version)] if version else []
    reply = session.client.send(Request("GET", where.container, query=tuple(query)))
    try:
        page = json.loads(reply.read() or b"[]")
        if isinstance(page, list) and all(entry.get("subdir") or entry["name"] for entry in page):
            return page
    except (ValueError, AttributeError, KeyError, TypeError):
        pass
    raise ServiceError(f"{where}: the server's answer is no listing", transaction_id=reply.transaction_id)


def _rows(first: dict[str, Any] | None, rest: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    if first is not None:
        yield first
        yield from rest


def _totalled(
    columns: tuple[str, ...], entries: Iterator[dict[str, Any]], keys: tuple[str, ...], size_column: int
) -> Table:
    seen = {"count": 0, "bytes": 0}

    def rows() -> Iterator[tuple[Any, ...]]:
        for entry in entries:
            row = tuple(entry.get(key) for key in keys)
            seen["count"] += 1
            seen["bytes"] += row[size_column] or 0
            yield row

    total: Callable[[], str] = lambda: f"{seen['count']} names, {seen['bytes']} bytes"  # noqa: E731  beside its use
    return Table(columns, rows(), total)
