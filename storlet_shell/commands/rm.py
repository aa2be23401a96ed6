"""``rm``: delete objects and containers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from storlet_shell.commands.arguments import DRY_RUN, JOBS, YES
from storlet_shell.errors import StorletShellError, UsageError
from storlet_shell.results import Done, Result, Table
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg, Kind
from storlet_shell.spec.command import command
from storlet_shell.store.deletion import delete, delete_request
from storlet_shell.store.requests import plan
from storlet_shell.store.trees import COUNTED, count_tree, delete_tree, list_tree, no_objects
from storlet_shell.text import counted
from storlet_shell.values import Location


@command(
    "rm",
    "Delete objects or containers.",
    Arg("targets", nargs="+", type=Location.parse, kind=Kind.OBJECT, metavar="CONTAINER[/OBJECT]"),
    Arg(
        "-r", "--recursive", action="store_true", help="delete a container and its objects, or all objects of a prefix"
    ),
    Arg("--leave-segments", action="store_true", help="delete only the manifests of static large objects"),
    Arg("--versions", action="store_true", help="with -r: delete old versions as well, if the container keeps them"),
    JOBS,
    YES,
    DRY_RUN,
    examples=(
        "rm -y weather/old.csv  # one object, without asking",
        "rm -r -y weather/2025/  # all objects whose names start with 2025/",
        "rm -r --dry-run weather  # list what would be deleted",
    ),
)
def rm(
    session: Session,
    targets: list[Location],
    recursive: bool = False,
    leave_segments: bool = False,
    versions: bool = False,
    jobs: int = 8,
    yes: bool = False,
    dry_run: bool = False,
) -> Result:
    """Delete objects or containers.

    A container must be empty, unless you give -r, which deletes its objects first. CONTAINER/PREFIX with -r deletes all
    objects whose names start with PREFIX, as ls lists them. Segments of a static large object are deleted with it;
    those of a dynamic one are kept.

    On a terminal, you are asked once for all; -y skips the question. With -r, --dry-run lists what would be deleted,
    and objects that can't be deleted are named while the others go; without -r, the first failure ends the command.

    :raises NotFoundError: when one doesn't exist
    :raises RefusedError: when the answer is no
    """
    if not all(target.container for target in targets):
        raise UsageError("rm deletes objects and containers, not the account")
    if recursive:
        if dry_run:
            return _list_trees(session, targets, versions=versions)
        return _delete_trees(session, targets, yes=yes, leave_segments=leave_segments, versions=versions, jobs=jobs)
    if versions:
        raise UsageError("--versions goes with -r")
    requests = [delete_request(target.container, target.prefix) for target in targets]
    if dry_run:
        return plan(session.client, *requests)
    names = [request.subject for request in requests]
    subject = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    session.confirm(f"Delete {subject}?", yes=yes)
    for number, target in enumerate(targets):
        try:
            delete(session.client, target, leave_segments=leave_segments)
        except StorletShellError:
            if number:
                session.surroundings.warn(f"deleted before that: {', '.join(names[:number])}")
            raise
    count = sum(bool(target.prefix) for target in targets)
    return Done(f"deleted {', '.join(names)}", {"deleted": list(map(str, targets)), "objects": count})


def _delete_trees(session: Session, targets: list[Location], *, yes: bool, **choices: Any) -> Result:
    if not yes:  # the question counts, which takes requests
        subjects = [_counted(session, target, versions=choices["versions"]) for target in targets]
        session.confirm(f"Delete {' and '.join(subjects)}?", yes=False)
    names = [str(target) for target in targets]
    counts = [delete_tree(session.client, target, **choices) for target in targets]
    subjects = [_described(target, counted(count, "object")) for target, count in zip(targets, counts, strict=True)]
    return Done(f"deleted {' and '.join(subjects)}", {"deleted": names, "objects": sum(counts)})


def _counted(session: Session, target: Location, *, versions: bool) -> str:
    """Describe what would be deleted.

    :raises NotFoundError: if no object's name starts with the prefix
    """
    count = count_tree(session.client, target, versions=versions)
    if target.prefix and count == 0:
        raise no_objects(target)
    if count is None:
        return _described(target, "objects")
    if count == 0:
        return f"the empty container {target.container}"
    is_more = bool(target.prefix) and count > COUNTED
    return _described(target, f"more than {COUNTED} objects" if is_more else counted(count, "object"))


def _described(target: Location, objects: str) -> str:
    """Describe what a target stands for: without a prefix, the container as well."""
    if target.prefix:
        return f"{objects} of container {target.container} that start with {target.prefix}"
    return f"container {target.container} and its {objects}"


def _list_trees(session: Session, targets: list[Location], *, versions: bool) -> Table:
    """List what would be deleted."""
    listings = [list_tree(session.client, target, versions=versions) for target in targets]
    heads = [next(listing, None) for listing in listings]  # a missing container is told here

    def rows() -> Iterator[tuple[Any, ...]]:
        for target, first, rest in zip(targets, heads, listings, strict=True):
            for entry in itertools.chain([first] if first else [], rest):
                yield entry["bytes"], f"{Location(target.container, entry['name'])}"
            if not target.prefix:
                yield None, f"{Location(target.container)}"

    return Table(("bytes", "name"), rows())
