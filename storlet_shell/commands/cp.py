"""``cp``: copy objects inside the cluster."""

from __future__ import annotations

from storlet_shell.commands.arguments import JOBS
from storlet_shell.commands.arguments.relocation import LISTED, SOURCES, TARGET, planned, summary
from storlet_shell.results import Result
from storlet_shell.session import Session
from storlet_shell.spec.command import command
from storlet_shell.store.names.globs import resolve
from storlet_shell.store.relocation.copying import copy
from storlet_shell.store.relocation.many import copy_all
from storlet_shell.store.relocation.targets import find_steps, only_step
from storlet_shell.values import Location


@command(
    "cp",
    "Copy objects inside the cluster.",
    SOURCES,
    TARGET,
    JOBS,
    LISTED,
    examples=(
        "cp weather/today.csv weather/backup.csv  # one object",
        "cp weather/today.csv weather/old.csv archive  # two objects, into a container",
        "cp 'weather/2026/*.csv' archive/2026/  # all that match a pattern, into a folder",
    ),
)
def cp(session: Session, sources: list[Location], target: Location, jobs: int = 8, dry_run: bool = False) -> Result:
    """Copy objects inside the cluster.

    If there are several objects, or a pattern (as in map), TARGET must be a container or a folder that ends in '/'. An
    object keeps the last part of its name. Objects that match a pattern keep everything after the pattern's fixed
    folder: cp 'weather/20*/*.csv' archive creates archive/2026/monday.csv. Existing targets are replaced. If two
    objects would get the same target, nothing is copied.

    A large object is copied as a plain object, or with segments of its own if it is too large for that. For a symbolic
    link, its target is copied. If some objects can't be copied, the others are, and the failures are listed at the end.
    To copy through a storlet, or from another account, use copy.

    :raises NotFoundError: when a source or the container doesn't exist, or nothing matches a pattern
    :raises UsageError: when a source and the target are the same
    """
    client = session.client
    words = [resolve(client, source) for source in sources]
    steps = find_steps(client, words, target)
    if dry_run:
        return planned(session, steps)
    step = only_step(words, steps)
    if step is not None:
        copy(client, step.source, step.target)
        return summary("copied", words, step.target, 1)
    return summary("copied", words, target, copy_all(client, steps, str(target), jobs=jobs))
