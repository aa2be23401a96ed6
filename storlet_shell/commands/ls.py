"""``ls``: list containers or objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from storlet_shell.errors import UsageError
from storlet_shell.results import Field, Result, Table
from storlet_shell.results.fields import listed_time
from storlet_shell.session import Session
from storlet_shell.spec.arguments import BYTES, Arg, Kind
from storlet_shell.spec.command import command
from storlet_shell.store.listing import list_entries
from storlet_shell.store.names.globs import matching, resolve
from storlet_shell.text import counted, size
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
        help="objects whose names start with PREFIX, or match a pattern such as '2026/*.csv' (omit to list containers)",
    ),
    Arg("-l", "--long", action="store_true", help="show sizes, dates, and a total"),
    BYTES,
    Arg("--delimiter", metavar="CHARACTER", help="fold names at this character: / lists folders"),
    examples=(
        "ls  # all containers",
        "ls weather/2026/  # objects whose names start with 2026/",
        "ls -l 'weather/**/*.csv'  # objects that match a pattern, with sizes and dates",
        "ls -l weather --delimiter /  # folders as one line each",
    ),
)
def ls(
    session: Session,
    location: Location | None = None,
    long: bool = False,
    bytes: bool = False,
    delimiter: str | None = None,
) -> Result:
    """List containers, or the objects of a container.

    Patterns are those of map: * stands for any characters but /, ** for folders, ? for one character, [a-z] and {a,b}
    for one of several. If any names start with exactly the pattern, those are listed instead.

    Names are shown as they arrive, so a listing of any length takes little memory.

    :raises NotFoundError: when the container doesn't exist, or nothing matches the pattern
    :raises UsageError: when a pattern goes with --delimiter
    """
    place = location or Location()
    entries = _entries(session, place, delimiter)
    first = next(entries, None)  # asks for the first page, so that an error is raised here and not while it is shown
    fields = _fields(long=long, of_objects=bool(place.container), is_exact=bytes)
    rows, total = _rows(first, entries, lambda count: _amount(count, table, is_exact=bytes), is_totalled=long)
    table = Table(fields, rows, total, empty=f"{place}: no objects" if place.container else "no containers")
    return table


def _entries(session: Session, place: Location, delimiter: str | None) -> Iterator[dict[str, Any]]:
    target = resolve(session.client, place, is_prefix=True)
    if isinstance(target, Location):
        return list_entries(session.client, target, delimiter)
    if delimiter is not None:
        raise UsageError(f"{target}: a pattern can't be combined with --delimiter")
    return matching(session.client, target)


def _amount(count: int, table: Table, *, is_exact: bool) -> str:
    """Spell the sum of the sizes: on a terminal, in a larger unit."""
    return size(count) if table.is_headed and not is_exact else counted(count, "byte")


def _fields(*, long: bool, of_objects: bool, is_exact: bool) -> tuple[Field, ...]:
    return (
        Field("objects", is_shown=long and not of_objects),
        Field("bytes", is_shown=long, is_size=not is_exact),
        Field("last_modified", is_shown=long and of_objects),
        Field("content_type", is_shown=False),
        Field("etag", is_shown=False),
        Field("name"),
    )


def _rows(
    first: dict[str, Any] | None,
    rest: Iterator[dict[str, Any]],
    spell_size: Callable[[int], str],
    *,
    is_totalled: bool,
) -> tuple[Iterator[tuple[Any, ...]], Callable[[], str] | None]:
    """Return a listing's rows, and what sums them up."""
    count = total = 0

    def rows() -> Iterator[tuple[Any, ...]]:
        nonlocal count, total
        for entry in chain([first] if first else [], rest):
            count += 1
            total += entry["bytes"] or 0
            yield (
                entry.get("count"),
                entry["bytes"],
                listed_time(entry["last_modified"]),
                entry.get("content_type"),
                entry.get("hash"),
                entry["name"],
            )

    return rows(), (lambda: f"{counted(count, 'name')}, {spell_size(total)}") if is_totalled else None
