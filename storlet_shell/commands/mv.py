"""``mv``: move objects inside the cluster."""

from __future__ import annotations

from storlet_shell.commands.arguments import JOBS
from storlet_shell.commands.arguments.relocation import LISTED, SOURCES, TARGET, planned, summary
from storlet_shell.results import Result
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg
from storlet_shell.spec.command import command
from storlet_shell.store.names.globs import resolve
from storlet_shell.store.relocation.many import move_all
from storlet_shell.store.relocation.moving import check_free, move
from storlet_shell.store.relocation.targets import find_steps, only_step
from storlet_shell.values import Location


@command(
    "mv",
    "Move or rename objects inside the cluster.",
    SOURCES,
    TARGET,
    Arg("--force", action="store_true", help="replace existing targets"),
    JOBS,
    LISTED,
    examples=(
        "mv weather/today.csv weather/yesterday.csv  # rename one object",
        "mv weather/old.csv archive/2025/  # into a folder, keeping its name",
        "mv 'weather/2025/*.csv' archive/2025/ --force  # all that match, replacing existing targets",
    ),
)
def mv(
    session: Session,
    sources: list[Location],
    target: Location,
    force: bool = False,
    jobs: int = 8,
    dry_run: bool = False,
) -> Result:
    """Move or rename objects inside the cluster.

    Each object is copied with its metadata, the copy is verified, and only then is the original deleted. If a move
    fails midway, nothing is lost. An existing target is replaced only with --force.

    TARGET works as in cp: if there are several objects, or a pattern, it must be a container or a folder that ends in
    '/'. For a large object, only the manifest is moved; its segments stay where they are. A symbolic link is moved as a
    link. If some objects can't be moved, the others are, and the failures are listed at the end.

    :raises NotFoundError: when a source or the container doesn't exist, or nothing matches a pattern
    :raises UsageError: when a source and the target are the same
    """
    client = session.client
    words = [resolve(client, source) for source in sources]
    steps = find_steps(client, words, target)
    if dry_run:
        return planned(session, steps, None if force else check_free)
    step = only_step(words, steps)
    if step is not None:
        move(client, step.source, step.target, force=force)
        return summary("moved", words, step.target, 1)
    return summary("moved", words, target, move_all(client, steps, str(target), force=force, jobs=jobs))
