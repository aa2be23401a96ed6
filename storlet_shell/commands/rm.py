"""``rm``: delete objects and containers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from storlet_shell.commands.arguments import JOBS, YES
from storlet_shell.errors import StorletShellError, UsageError
from storlet_shell.results import Done, Field, Result, Table
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg, Kind
from storlet_shell.spec.command import command
from storlet_shell.store.deletion import delete, delete_request
from storlet_shell.store.names.globs import resolve
from storlet_shell.store.requests import plan
from storlet_shell.store.trees import COUNTED, count_tree, delete_tree, is_container, list_tree, no_objects
from storlet_shell.text import counted
from storlet_shell.values import Location

if TYPE_CHECKING:
    from storlet_shell.patterns import Pattern


@command(
    "rm",
    "Delete objects or containers.",
    Arg(
        "targets",
        nargs="+",
        type=Location.parse,
        kind=Kind.OBJECT,
        metavar="CONTAINER[/OBJECT]",
        help="containers, objects, or patterns such as 'weather/*.csv'",
    ),
    Arg(
        "-r", "--recursive", action="store_true", help="delete a container and its objects, or all objects of a prefix"
    ),
    Arg("--leave-segments", action="store_true", help="delete only the manifests of static large objects"),
    Arg("--versions", action="store_true", help="with -r: delete old versions as well, if the container keeps them"),
    JOBS,
    YES,
    Arg(
        "--dry-run",
        action="store_true",
        help="show the requests, or with -r or a pattern the objects that would be deleted, and delete nothing",
    ),
    examples=(
        "rm -y weather/old.csv  # one object, without asking",
        "rm -y 'weather/2026/*.csv'  # the objects that match a pattern",
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
    objects whose names start with PREFIX, as ls lists them. A pattern (as in map) deletes the objects that match it;
    with -r, also everything in matching folders. If an object has exactly the pattern as its name, only it is deleted.

    Segments of a static large object are deleted with it; those of a dynamic one are kept.

    On a terminal, you are asked once for all; -y skips the question. With -r or a pattern, objects that can't be
    deleted are listed, and the others are deleted; otherwise, the first failure ends the command.

    :raises NotFoundError: when one doesn't exist, or nothing matches a pattern
    :raises RefusedError: when the answer is no
    """
    if not all(target.container for target in targets):
        raise UsageError("rm deletes objects and containers, not the account")
    if versions and not recursive:
        raise UsageError("--versions goes with -r")
    choices = {"leave_segments": leave_segments, "versions": versions, "jobs": jobs}
    resolved = [resolve(session.client, target, is_prefix=recursive) for target in targets]
    if recursive:
        trees = [tree if isinstance(tree, Location) else tree.with_contents() for tree in resolved]
        return _list_trees(session, trees, [], versions) if dry_run else _delete_trees(session, trees, yes, choices)
    single = [target for target in resolved if isinstance(target, Location)]
    patterns = [target for target in resolved if not isinstance(target, Location)]
    if dry_run:
        return _list_trees(session, patterns, single) if patterns else _plan(session, single)
    return _delete(session, single, patterns, yes, choices)


def _plan(session: Session, single: list[Location]) -> Result:
    return plan(session.client, *(delete_request(target.container, target.prefix) for target in single))


def _delete(
    session: Session, single: list[Location], patterns: list[Pattern], yes: bool, choices: Mapping[str, Any]
) -> Result:
    """Delete single objects and containers, and then the objects that match patterns."""
    names = [delete_request(target.container, target.prefix).subject for target in single]
    subjects = [names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"] if names else []
    if not yes and patterns:  # the question counts, which takes requests
        subjects += [_counted(session, pattern) for pattern in patterns]
    session.confirm(f"Delete {' and '.join(subjects)}?", yes=yes)
    for number, target in enumerate(single):
        try:
            delete(session.client, target, leave_segments=choices["leave_segments"])
        except StorletShellError:
            if number:
                session.surroundings.warn(f"deleted before that: {', '.join(names[:number])}")
            raise
    count = sum(bool(target.prefix) for target in single)
    counts = [delete_tree(session.client, pattern, **choices) for pattern in patterns]
    matches = [_described(tree, counted(number, "object")) for tree, number in zip(patterns, counts, strict=True)]
    deleted = [str(target) for target in (*single, *patterns)]
    return Done(f"deleted {', '.join([*names, *matches])}", {"deleted": deleted, "objects": count + sum(counts)})


def _delete_trees(session: Session, trees: list[Location | Pattern], yes: bool, choices: Mapping[str, Any]) -> Result:
    if not yes:  # the question counts, which takes requests
        subjects = [_counted(session, tree, versions=choices["versions"]) for tree in trees]
        session.confirm(f"Delete {' and '.join(subjects)}?", yes=False)
    counts = [delete_tree(session.client, tree, **choices) for tree in trees]
    subjects = [_described(tree, counted(count, "object")) for tree, count in zip(trees, counts, strict=True)]
    return Done(f"deleted {' and '.join(subjects)}", {"deleted": list(map(str, trees)), "objects": sum(counts)})


def _counted(session: Session, tree: Location | Pattern, *, versions: bool = False) -> str:
    """Describe what would be deleted.

    :raises NotFoundError: if no object's name starts with the prefix, or matches the pattern
    """
    count = count_tree(session.client, tree, versions=versions)
    is_part = not is_container(tree)
    if is_part and count == 0:
        raise no_objects(tree)
    if count is None:
        return _described(tree, "objects")
    if count == 0:
        return f"the empty container {tree.container}"
    is_more = is_part and count > COUNTED
    return _described(tree, f"more than {COUNTED} objects" if is_more else counted(count, "object"))


def _described(tree: Location | Pattern, objects: str) -> str:
    """Describe what a target stands for: without a prefix or a pattern, the container as well."""
    if not isinstance(tree, Location):
        return f"{objects} of container {tree.container} matching {tree.text}"
    if tree.prefix:
        return f"{objects} of container {tree.container} that start with {tree.prefix}"
    return f"container {tree.container} and its {objects}"


def _list_trees(
    session: Session, trees: Sequence[Location | Pattern], single: Sequence[Location], versions: bool = False
) -> Table:
    """List what would be deleted.

    :param single: objects and containers that are deleted as they are, without a lookup
    :raises NotFoundError: if a container doesn't exist, or nothing matches a pattern
    """
    listings = [list_tree(session.client, tree, versions=versions) for tree in trees]
    heads = [next(listing, None) for listing in listings]  # a missing container is told here
    for tree, first in zip(trees, heads, strict=True):
        if first is None and not isinstance(tree, Location):
            raise tree.no_match()

    def rows() -> Iterator[tuple[Any, ...]]:
        yield from ((None, str(target)) for target in single)
        for tree, first, rest in zip(trees, heads, listings, strict=True):
            for entry in itertools.chain([first] if first else [], rest):
                yield entry["bytes"], f"{Location(tree.container, entry['name'])}"
            if is_container(tree):
                yield None, f"{Location(tree.container)}"

    return Table((Field("bytes", is_size=True), "name"), rows())
