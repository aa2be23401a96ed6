"""``du``: show how much is in containers and folders."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

from storlet_shell.commands.arguments import parse_count
from storlet_shell.errors import UsageError
from storlet_shell.results import Field, Result, Table
from storlet_shell.session import Session
from storlet_shell.spec.arguments import BYTES, Arg, Kind
from storlet_shell.spec.command import command
from storlet_shell.store.names.folders import Usage, usage
from storlet_shell.values import Location


@command(
    "du",
    "Show the size and object count of containers and folders.",
    Arg(
        "locations",
        nargs="*",
        type=Location.parse,
        kind=Kind.OBJECT,
        metavar="CONTAINER[/PREFIX]",
        help="container, or prefix of names (default: the account)",
    ),
    Arg("-s", "--summarize", action="store_true", help="show only the total of each argument"),
    BYTES,
    Arg("--depth", type=parse_count, metavar="LEVELS", help="levels of folders to show (default: 1)"),
    examples=(
        "du  # the containers",
        "du weather  # a container and its folders",
        "du -s weather/2025/ weather/2026/  # only the two totals",
    ),
)
def du(
    session: Session,
    locations: list[Location] | None = None,
    summarize: bool = False,
    bytes: bool = False,
    depth: int | None = None,
) -> Result:
    """Show the size and object count of containers and folders.

    Slashes in names make folders. The last line for each argument is its total, which includes objects outside of any
    folder. A large object counts with its full size, as in ls; its segments count again, in their own container. The
    server updates the totals of containers with a delay. Those of folders are summed up from the listing.

    :raises NotFoundError: when a container doesn't exist, or no name starts with the prefix
    :raises UsageError: when --depth is combined with -s
    """
    if summarize and depth is not None:
        raise UsageError("du: -s shows totals only, so --depth can't be combined with it")
    levels = 0 if summarize else 1 if depth is None else depth
    folders = chain.from_iterable([_started(session, location, levels) for location in locations or [Location()]])
    return Table((Field("bytes", is_size=not bytes), Field("objects"), Field("name")), map(_row, folders))


def _started(session: Session, location: Location, levels: int) -> Iterator[Usage]:
    """Return the usage of a location whose first folder is known, so that an error is raised before any is shown."""
    folders = usage(session.client, location, levels)
    return chain([next(folders)], folders)


def _row(folder: Usage) -> tuple[Any, ...]:
    container, prefix = folder.location
    name = f"{container}/{prefix}" if prefix else container or "/"
    return folder.bytes, folder.objects, name
