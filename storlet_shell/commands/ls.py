"""``ls``: the containers of the account, or the objects of a container."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from storlet_shell.results import Result, Table
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg, Kind
from storlet_shell.spec.command import command
from storlet_shell.store.listing import list_entries
from storlet_shell.text import counted
from storlet_shell.values import Location


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
    place = location or Location()
    entries = list_entries(session.client, place, delimiter)
    first = next(entries, None)  # asks for the first page, so that an error is raised here and not while it is shown
    rows = _rows(first, entries)
    if not long:
        return Table(("name",), ((entry["name"],) for entry in rows))
    if not place.container:
        return _totalled(("objects", "bytes", "name"), rows, ("count", "bytes", "name"), 1)
    return _totalled(("bytes", "last_modified", "name"), rows, ("bytes", "last_modified", "name"), 0)


def _rows(first: dict[str, Any] | None, rest: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    if first is not None:
        yield first
        yield from rest


def _totalled(
    columns: tuple[str, ...], entries: Iterator[dict[str, Any]], keys: tuple[str, ...], size_column: int
) -> Table:
    totals = {"count": 0, "bytes": 0}

    def rows() -> Iterator[tuple[Any, ...]]:
        for entry in entries:
            row = tuple(entry.get(key) for key in keys)
            totals["count"] += 1
            totals["bytes"] += row[size_column] or 0
            yield row

    return Table(columns, rows(), lambda: f"{counted(totals['count'], 'name')}, {counted(totals['bytes'], 'byte')}")
