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
        "cp weather/today.csv weather/old.csv archive  # several, to a container",
        "cp 'weather/2026/*.csv' archive/2026/  # those that match a pattern, to a folder",
    ),
)
def cp(session: Session, sources: list[Location], target: Location, jobs: int = 8, dry_run: bool = False) -> Result:
    """Copy objects inside the cluster.

    The target of several objects, or of a pattern, which is as in map, is a container or a folder that ends in '/'.
    Objects keep the last part of their names; those that match a pattern keep what follows the folder that all of them
    are in: cp 'weather/20*/*.csv' archive makes archive/2026/monday.csv. An existing target is replaced. If several
    objects have the same target, nothing is copied.

    A copy of a large object is a plain object, or has segments of its own if it is too large for that. A copy of a
    symbolic link is one of its target. Failures are listed at the end; the rest is copied. To copy through a storlet,
    or from another account, use copy.

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
