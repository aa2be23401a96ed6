"""Count, list and delete the objects of a container, below a prefix, or of a pattern, several at a time."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import Action, Hint, NotFoundError, StorletShellError
from storlet_shell.store.containers import delete
from storlet_shell.store.deletion import (
    delete_large,
    delete_many,
    delete_request,
    is_link,
    note_of_versions,
    send_deletion,
)
from storlet_shell.store.listing import list_entries, list_matching
from storlet_shell.store.metadata import head
from storlet_shell.store.parallel import Tally, Worker, in_parallel
from storlet_shell.store.segments import keeps_versions
from storlet_shell.values import ContainerName, Location, ObjectPath
from storlet_shell.wire import headers as wire
from storlet_shell.wire.observer import Note

if TYPE_CHECKING:
    from storlet_shell.patterns import Pattern
    from storlet_shell.wire.client import Client

JOBS = 8
"""Default number of concurrent requests."""

COUNTED = 10_000
"""The maximum number of objects in a part of a container that are counted: one page of a listing."""

_AT_ONCE = 125
"""Objects per bulk deletion, if the cluster supports it; eight requests share a thousand objects."""

_CONTAINER_PAUSES = (0.5, 1.0, 2.0)
"""Seconds to wait, each time, while an emptied container doesn't count as empty yet."""


def list_tree(client: Client, target: Location | Pattern, *, versions: bool = False) -> Iterator[dict[str, Any]]:
    """List the objects that :func:`delete_tree` would delete.

    :param target: a container, a prefix of its objects' names, or a pattern of them
    :param versions: include older versions, if the container keeps them
    """
    if isinstance(target, Location):
        return list_entries(client, target, versions=versions)
    return list_matching(client, target, versions=versions)


def is_container(target: Location | Pattern) -> bool:
    """Tell whether a tree is a whole container, which is deleted with its objects."""
    return isinstance(target, Location) and not target.prefix


def count_tree(client: Client, target: Location | Pattern, *, versions: bool = False) -> int | None:
    """Count objects: by the container's own count, or by listing a prefix or a pattern.

    :returns: at most one more than :data:`COUNTED` for a part of a container; None if the container doesn't say
    """
    if not is_container(target):
        return sum(1 for _ in itertools.islice(list_tree(client, target, versions=versions), COUNTED + 1))
    count = head(client, Location(target.container)).headers.get(wire.CONTAINER_OBJECTS, "")
    return int(count) if count.isdecimal() else None


def delete_tree(
    client: Client,
    target: Location | Pattern,
    *,
    leave_segments: bool = False,
    versions: bool = False,
    jobs: int = JOBS,
) -> int:
    """Delete a container with all its objects, all objects below a prefix, or all that match a pattern.

    Segments of static large objects are deleted as well, unless the container keeps versions, which need them. A
    failure doesn't stop the deletion of the other objects.

    :param leave_segments: delete only the manifests of static large objects
    :param versions: delete older versions, too, if the container keeps them
    :param jobs: the number of concurrent requests
    :returns: the number of deleted objects
    :raises NotFoundError: if the container doesn't exist, or no name starts with the prefix or matches
    :raises StorletShellError: if something couldn't be deleted
    """
    count = _Tree(client, target, leave_segments=leave_segments, versions=versions).delete_objects(jobs)
    if is_container(target):
        _delete_emptied(client, Location(target.container), versions=versions)
    elif not count:
        raise no_objects(target)
    return count


def no_objects(target: Location | Pattern) -> NotFoundError:
    """Return the error for a prefix or a pattern without objects."""
    if not isinstance(target, Location):
        return target.no_match()
    return NotFoundError(f"no object in container {target.container} starts with {target.prefix}")


@typed_equality
class _Part(NamedTuple):
    """Objects to delete in one request.

    :param names: several plain objects, or a single object of any kind
    :param version: the version of a single object; empty for the current one
    :param slo_etag: the ETag of a single static large object whose segments are deleted; empty for others
    """

    names: tuple[str, ...]
    version: str = ""
    slo_etag: str = ""


class _Tree:
    """Deletes the objects of a container, below a prefix, or of a pattern."""

    def __init__(self, client: Client, target: Location | Pattern, *, leave_segments: bool, versions: bool) -> None:
        self._client = client
        self._target = target
        self._container = target.container
        self._leave_segments = leave_segments
        self._versions = versions
        self._notes: list[Note] = []

    def delete_objects(self, jobs: int) -> int:
        """Delete the objects, many per request where the server can, and return how many were deleted.

        :param jobs: the number of parallel requests
        """
        client = self._client
        with client.observer.progress(str(self._target), None, "objects") as progress:
            tally = Tally(progress.advance)
            in_parallel(client, tally, self._parts(self._at_once()), self._delete, jobs=jobs)
        for note in self._notes:
            client.observer.warn(*note)
        tally.check("deleted")
        return tally.counts["deleted"]

    def _at_once(self) -> int:
        """Return the number of objects per request; 1 without bulk deletion."""
        if "bulk_delete" not in self._client.capabilities() or self._versions:
            return 1
        return min(self._client.limit("bulk_delete", "max_deletes_per_request", _AT_ONCE), _AT_ONCE)

    def _parts(self, at_once: int) -> Iterator[_Part]:
        names: list[str] = []
        segments_go: bool | None = None
        for entry in list_tree(self._client, self._target, versions=self._versions):
            etag = "" if is_link(entry) or self._leave_segments else str(entry.get("slo_etag", ""))
            if etag and segments_go is None:
                segments_go = self._segments_go()
            etag = etag if segments_go else ""
            if etag or at_once == 1:
                yield _Part((entry["name"],), entry.get("version_id") or "", etag)
                continue
            names.append(entry["name"])
            if len(names) == at_once:
                yield _Part(tuple(names))
                names = []
        if names:
            yield _Part(tuple(names))

    def _segments_go(self) -> bool:
        """Tell whether the segments of large objects are deleted as well; add a note if not."""
        if keeps_versions(self._client, self._container, all_go=self._versions):
            self._notes.append(note_of_versions(self._container))
            return False
        return True

    def _delete(self, worker: Worker, part: _Part) -> None:
        failures: list[StorletShellError] = []
        if len(part.names) > 1:
            failures = delete_many(worker.client, self._container, part.names)
        elif part.slo_etag:
            with suppress(NotFoundError):
                path = ObjectPath(self._container, part.names[0])
                self._notes += delete_large(worker.client, path, part.version, etag=part.slo_etag)
        else:
            with suppress(NotFoundError):  # it has expired or was deleted since it was listed
                send_deletion(worker.client, delete_request(self._container, part.names[0], part.version))
        for failure in failures:
            worker.tally.fail(failure)
        worker.tally.count("deleted", len(part.names) - len(failures))
        worker.tally.advance(len(part.names))


def _delete_emptied(client: Client, target: Location, *, versions: bool) -> None:
    """Delete an emptied container; retry, since its listing may lag behind."""
    path = str(ContainerName(target.container))
    pauses = iter(_CONTAINER_PAUSES)
    while True:
        try:
            delete(client, target.container)
        except StorletShellError as error:
            pause = next(pauses, None)
            if error.status != 409:
                raise
            if pause is None or _has_objects(client, target):
                error.hint = None if versions else Hint(Action.EMPTY_VERSIONS, (path,))
                raise
            time.sleep(pause)
        else:
            return


def _has_objects(client: Client, target: Location) -> bool:
    """Tell whether a container lists an object: an older version, or one stored meanwhile."""
    return next(list_entries(client, target, versions=True), None) is not None
