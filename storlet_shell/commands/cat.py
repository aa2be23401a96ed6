"""``cat``: write objects to standard output, one after the other."""

from __future__ import annotations

from storlet_shell.results import Result
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg, Kind
from storlet_shell.spec.command import command
from storlet_shell.store.metadata import head
from storlet_shell.store.names.globs import expand, resolve
from storlet_shell.store.reading import get, get_all
from storlet_shell.values import Location, ObjectPath


@command(
    "cat",
    "Print one or more objects.",
    Arg(
        "objects",
        nargs="+",
        type=ObjectPath.parse_position,
        kind=Kind.OBJECT,
        metavar="CONTAINER/OBJECT",
        help="objects, or patterns such as 'weather/*.csv'",
    ),
    examples=(
        "cat weather/today.csv  # print an object",
        "cat weather/2026/monday.csv weather/2026/tuesday.csv  # print two",
        "cat 'weather/2026/*.csv'  # print all that match a pattern",
        "cat 'weather/2026/*.csv' | wc -l  # pipe them to another program",
    ),
)
def cat(session: Session, objects: list[ObjectPath]) -> Result:
    """Print one or more objects.

    Objects are written one after the other, byte for byte, in the order of the arguments; those that match a pattern
    (as in map) come in the order of the listing. All arguments are looked up before anything is written. To run a
    storlet, or to read only part of an object, use get.

    :raises NotFoundError: when an object doesn't exist, or nothing matches a pattern
    :raises IncompleteBodyError: when a body is cut short
    """
    words = [resolve(session.client, Location(*path)) for path in objects]
    if len(words) == 1 and isinstance(words[0], Location):
        return get(session.client, ObjectPath(*words[0]))
    for word in words:
        if isinstance(word, Location):
            head(session.client, word)
    return get_all(session.client, expand(session.client, words), " ".join(map(str, words)))
