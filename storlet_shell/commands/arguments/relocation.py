"""Arguments of the commands that copy and move objects, and their results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from storlet_shell.errors import StorletShellError
from storlet_shell.results import Done, Field, Table
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg, Kind
from storlet_shell.store.metadata import head
from storlet_shell.store.parallel import Tally
from storlet_shell.text import counted
from storlet_shell.values import Location, ObjectPath

if TYPE_CHECKING:
    from storlet_shell.patterns import Pattern
    from storlet_shell.results.schemas.relocation import RelocatedObjects
    from storlet_shell.store.relocation.targets import Step
    from storlet_shell.wire.client import Client

SOURCES = Arg(
    "sources",
    nargs="+",
    type=Location.parse,
    kind=Kind.OBJECT,
    metavar="CONTAINER/OBJECT",
    help="objects, or patterns such as 'weather/*.csv'",
)
TARGET = Arg(
    "target",
    type=Location.parse,
    kind=Kind.OBJECT,
    metavar="TARGET",
    help="an object, a container, or a folder that ends in '/'",
)
LISTED = Arg("--dry-run", action="store_true", help="list sources and targets without changing anything")


def summary(action: str, words: Sequence[Location | Pattern], target: Location | ObjectPath, count: int) -> Done:
    """Return the result of copying or moving.

    :param action: past participle of what was done
    :param words: the sources
    :param count: the number of objects
    """
    sources = [str(word) for word in words]
    subject = sources[0] if len(words) == 1 and isinstance(words[0], Location) else counted(count, "object")
    values: RelocatedObjects = {"sources": sources, "target": str(target), "objects": count}
    return Done(f"{action} {subject} to {target}", values)


def planned(
    session: Session, steps: Iterable[Step], check: Callable[[Client, ObjectPath], None] | None = None
) -> Table:
    """Return the sources and targets that a line has, and why some can't be carried out.

    :param check: raises an error about a target; None if any target will do
    """
    tally = Tally()
    tally.spell = session.surroundings.spell

    def rows() -> Iterator[tuple[Any, ...]]:
        for source, target, size in steps:
            error = None
            try:
                size = head(session.client, source).size if size is None else size
                if check is not None:
                    check(session.client, target)
            except StorletShellError as problem:
                error = problem.explained(tally.spell)
                tally.fail(problem)
            yield size, str(source), str(target), error

    fields = (Field("bytes", is_size=True), "source", "target", Field("error"))
    return Table(fields, rows(), problem=lambda: tally.problem("planned"))
