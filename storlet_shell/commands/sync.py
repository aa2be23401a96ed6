"""``sync``: transfer the differences between a local folder and a container, in one direction."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storlet_shell.commands.arguments import JOBS, YES
from storlet_shell.errors import UsageError
from storlet_shell.results import Done, Field, Result, Table
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg, Kind
from storlet_shell.spec.command import command
from storlet_shell.store.parallel import Tally
from storlet_shell.text import counted, size
from storlet_shell.transfers.sync import Sync, sync_of
from storlet_shell.values import Location, expand

if TYPE_CHECKING:
    from storlet_shell.results.schemas.transfers import SyncedFiles

_PREFIX = "path:"


@command(
    "sync",
    "Sync a local folder to a container, or a container to a folder.",
    Arg("source", kind=Kind.SOURCE, metavar="SOURCE"),
    Arg("target", kind=Kind.SOURCE, metavar="TARGET"),
    Arg("--delete", action="store_true", help="delete what only TARGET has, once everything else has succeeded"),
    JOBS,
    YES,
    Arg("--dry-run", action="store_true", help="list what would be transferred or deleted, without changing anything"),
    examples=(
        "sync photos path:/weather/photos  # upload new and changed files",
        "sync path:/weather/photos photos --delete  # the other way, deleting what only photos has",
        "sync photos path:/weather/photos --delete --dry-run  # list what would change",
    ),
)
def sync(
    session: Session,
    source: str,
    target: str,
    delete: bool = False,
    jobs: int = 8,
    yes: bool = False,
    dry_run: bool = False,
) -> Result:
    """Sync a local folder to a container, or a container to a folder. Only what differs is transferred.

    One of SOURCE and TARGET is a local folder, the other is path:/CONTAINER or path:/CONTAINER/PREFIX. PREFIX is a
    folder, too: path:/c/photos means all objects whose names start with photos/. Files and objects are compared by size
    and MD5 (large objects segment by segment); their dates don't matter.

    Whatever only TARGET has is kept, unless you give --delete. It is then deleted after everything else has succeeded:
    if a single transfer fails, nothing is deleted. On a terminal, you are asked first; -y skips the question. To learn
    which object a file becomes, and which file an object, see help upload and help download.

    :raises NotFoundError: when SOURCE or the container doesn't exist, or no name starts with the prefix
    :raises RefusedError: when the answer is no
    """
    plan = sync_of(session.client, *_sides(source, target))
    if dry_run:
        return _planned(session, plan, delete=delete)
    agreed = None
    if delete and not yes and session.surroundings.is_watched():
        agreed = frozenset(plan.extras())
        if agreed:
            session.confirm(f"Delete {counted(len(agreed), 'name')} that only {target} has?", yes=False)
    result = plan.run(delete=delete, only=agreed, jobs=jobs)
    result.raise_for_failed()
    deleted = f", {result.deleted} deleted" if delete else ""
    values: SyncedFiles = {
        "source": str(plan.source),
        "target": str(plan.target),
        "transferred": result.files,
        "identical": result.identical,
        "folders": result.folders,
        "deleted": result.deleted,
        "bytes": result.bytes,
    }
    counts = f"{result.files} {plan.verb}, {result.identical} identical{deleted}"
    return Done(f"{plan.target}: {counts}, {size(result.bytes)} from {plan.source}", values)


def _sides(source: str, target: str) -> tuple[Path | Location, Path | Location]:
    """Tell the folder from the objects.

    :raises UsageError: unless exactly one side starts with ``path:``
    """
    remote = [word for word in (source, target) if word.startswith(_PREFIX)]
    if len(remote) != 1:
        reason = "both are in the cluster" if remote else "both are local"
        raise UsageError(
            f"one of SOURCE and TARGET must be a local folder, the other path:/CONTAINER[/PREFIX]; {reason}"
        )
    return _side(source), _side(target)


def _side(word: str) -> Path | Location:
    return Location.parse(word) if word.startswith(_PREFIX) else expand(word)


def _planned(session: Session, plan: Sync, *, delete: bool) -> Table:
    tally = Tally()
    tally.spell = session.surroundings.spell

    def rows() -> Iterator[tuple[Any, ...]]:
        for action, bytes, name, file, error in plan.steps(delete=delete):
            if error is not None:
                tally.fail(error)
            yield action, bytes, name, file and str(file), error and error.explained(tally.spell)

    fields = (Field("action", width=len("download")), Field("bytes", is_number=True), "name", "file", "error")
    return Table(fields, rows(), problem=lambda: tally.problem(plan.verb))
