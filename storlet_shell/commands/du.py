"""``du``: show how much is in containers and folders."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

from storlet_shell.commands.arguments import BYTES, parse_count
from storlet_shell.errors import UsageError
from storlet_shell.results import Field, Result, Table
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg, Kind
from storlet_shell.spec.command import command
from storlet_shell.store.names.folders import Usage, usage
from storlet_shell.values import Location


@command(
    "du",
    "Show the bytes and objects in containers and folders.",
    Arg(
        "locations",
        nargs="*",
        type=Location.parse,
        kind=Kind.OBJECT,
        metavar="CONTAINER[/PREFIX]",
        help="defaults to the account",
    ),
    Arg("-s", "--summarize", action="store_true", help="show only the total of each argument"),
    BYTES,
    Arg("--depth", type=parse_count, metavar="LEVELS", help="levels of folders to show (default: 1)"),
    examples=(
        "du  # the containers",
        "du weather  # a container and its folders",
        "du -s weather/2025/ weather/2026/  # one line for each",
    ),
)
def du(
    session: Session,
    locations: list[Location] | None = None,
    summarize: bool = False,
    bytes: bool = False,
    depth: int | None = None,
) -> Result:
    """Show the bytes and objects in containers and folders.

    Folders are the parts of names before a slash. The last line for each argument is its total, which includes the
    objects that are in no folder. A large object counts with its whole size, as in ls, and its segments count in their
    own container as well. Servers update the counts of containers with a delay; those of folders are of the listing.

    :raises NotFoundError: when a container doesn't exist, or no name starts with the prefix
    :raises UsageError: when --depth goes with -s
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
