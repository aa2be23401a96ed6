"""Decide which objects are copied or moved to which names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import UsageError
from storlet_shell.store import containers
from storlet_shell.store.names.globs import matching
from storlet_shell.values import Location, ObjectPath

if TYPE_CHECKING:
    from storlet_shell.patterns import Pattern
    from storlet_shell.wire.client import Client


@typed_equality
class Step(NamedTuple):
    """An object, and where it goes.

    :param size: its size in bytes, if it was listed; else None
    """

    source: ObjectPath
    target: ObjectPath
    size: int | None = None


def check_words(words: Sequence[Location | Pattern], target: Location) -> None:
    """Check a line before any object is listed.

    :param words: as :func:`~storlet_shell.store.names.globs.resolve` returns them
    :raises UsageError: if a word isn't an object, or several can't go to one target
    """
    if not target.container:
        raise UsageError("the target must be CONTAINER, CONTAINER/FOLDER/ or CONTAINER/OBJECT")
    for word in words:
        if not word.container:
            raise UsageError("a source must be CONTAINER/OBJECT, or a pattern of objects")
        if isinstance(word, Location) and (not word.prefix or word.prefix.endswith("/")):
            everything = f"{str(word).removesuffix('/')}/**"
            raise UsageError(f"{word} isn't an object; for everything in it, use a pattern: '{everything}'")
    is_single = len(words) == 1 and isinstance(words[0], Location)
    if not is_single and not _is_folder(target):
        raise UsageError(f"{target} can take only one object; end it with '/' to make it a folder: {target}/")


def find_steps(client: Client, words: Sequence[Location | Pattern], target: Location) -> Iterable[Step]:
    """Return where each object goes.

    In a container or a folder, an object keeps its last part; one that matches a pattern keeps what follows the folder
    that all matching names are in. The steps of a single pattern into another container are listed on demand, so that
    any number takes little memory.

    :raises NotFoundError: if nothing matches a pattern, or the container of a folder doesn't exist
    :raises UsageError: if an object would be copied to itself, or over another one of the same line
    """
    check_words(words, target)
    if _is_folder(target):
        containers.check(client, target.container)
    listings = [_steps(client, word, target) for word in words]
    if len(words) == 1 and words[0].container != target.container:
        return listings[0]
    steps = [step for listing in listings for step in listing]
    _check_apart(steps)
    return steps


def only_step(words: Sequence[Location | Pattern], steps: Iterable[Step]) -> Step | None:
    """Return the step of a line with a single object; None if it has several, or a pattern."""
    return next(iter(steps)) if len(words) == 1 and isinstance(words[0], Location) else None


def _is_folder(target: Location) -> bool:
    return not target.prefix or target.prefix.endswith("/")


def _steps(client: Client, word: Location | Pattern, target: Location) -> Iterator[Step]:
    if isinstance(word, Location):
        name = f"{target.prefix}{word.prefix.rpartition('/')[2]}" if _is_folder(target) else target.prefix
        return iter([Step(ObjectPath(*word), ObjectPath(target.container, name))])
    start = len(word.folder)
    return (
        Step(
            ObjectPath(word.container, entry["name"]),
            ObjectPath(target.container, f"{target.prefix}{entry['name'][start:]}"),
            entry["bytes"],
        )
        for entry in matching(client, word)
    )


def _check_apart(steps: Iterable[Step]) -> None:
    """Check that no step changes what another one reads or writes.

    :raises UsageError: if one does
    """
    steps = list(steps)
    sources = {step.source: step for step in steps}
    origins: dict[ObjectPath, ObjectPath] = {}
    for step in steps:
        if step.source == step.target:
            raise UsageError(f"the source and the target are the same: {step.source}")
        if step.target in sources:
            raise UsageError(f"{step.target} is a source, and the target of {step.source}; nothing was changed")
        if step.target in origins:
            first = origins[step.target]
            raise UsageError(f"{step.target} is the target of both {first} and {step.source}; nothing was changed")
        origins[step.target] = step.source
