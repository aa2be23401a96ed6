"""``rm``: objects and containers."""

from __future__ import annotations

import itertools
import shlex
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from storlet_shell.commands.arguments import DRY_RUN, JOBS, YES
from storlet_shell.errors import NotFoundError, StorletShellError, UsageError
from storlet_shell.results import Done, Result, Table
from storlet_shell.session import Session
from storlet_shell.spec.registry import Arg, Kind, command
from storlet_shell.store.deletion import (
    delete,
    delete_large,
    delete_many,
    delete_object,
    deletion,
    is_link,
    note_of_versions,
)
from storlet_shell.store.exchange import plan
from storlet_shell.store.listing import list_entries
from storlet_shell.store.parallel import Tally, Worker, in_parallel
from storlet_shell.store.segments import keeps_versions
from storlet_shell.text import counted
from storlet_shell.values import ContainerName, Location, ObjectPath
from storlet_shell.wire import headers as wire
from storlet_shell.wire.requests import Request

_COUNTED = 10_000
"""Up to so many objects below a prefix are counted before the user is asked: what a page of a listing holds."""

_AT_ONCE = 125
"""How many objects one request deletes, where the cluster takes several: so that eight requests share a thousand."""

_CONTAINER_PAUSES = (0.5, 1.0, 2.0)
"""Seconds to wait when a container that has just been emptied does not count as empty yet."""


@command(
    "rm",
    "Delete objects or containers.",
    Arg("targets", nargs="+", type=Location.parse, kind=Kind.OBJECT, metavar="CONTAINER[/OBJECT]"),
    Arg("-r", "--recursive", action="store_true", help="a container with all it holds, or all objects of a prefix"),
    Arg("--leave-segments", action="store_true", help="of static large objects, delete the manifest only"),
    Arg("--versions", action="store_true", help="with -r: the older versions as well, where a container keeps them"),
    JOBS,
    YES,
    DRY_RUN,
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

    A container must be empty, unless -r is given: then all its objects are deleted first. CONTAINER/PREFIX with -r
    deletes every object whose name starts with PREFIX, as ls lists them. The segments of a static large object go with
    it; those of a dynamic one stay.

    A terminal is asked first, once for all; -y answers beforehand. With -r, --dry-run lists what would be deleted, and
    objects that can't be deleted are named while the others go; without it, the first failure is the end.

    :raises NotFoundError: when one is not there
    :raises RefusedError: when the answer is no
    """
    if not all(target.container for target in targets):
        raise UsageError("rm deletes objects and containers, not the account")
    if recursive:
        return _Recursion(session, targets, not leave_segments, versions, jobs).run(yes=yes, dry_run=dry_run)
    if versions:
        raise UsageError("--versions goes with -r")
    requests = [deletion(target.container, target.prefix) for target in targets]
    if dry_run:
        return plan(session.client, *requests)
    names = [request.subject for request in requests]
    what = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    session.confirm(f"Delete {what}?", yes=yes)
    for number, request in enumerate(requests):
        try:
            _delete_one(session, request, leave_segments=leave_segments)
        except StorletShellError:
            if number:
                session.surroundings.warn(f"deleted before that: {', '.join(names[:number])}")
            raise
    return Done(f"deleted {', '.join(names)}", {"deleted": names})


def _delete_one(session: Session, request: Request, *, leave_segments: bool) -> None:
    if not request.name:
        _delete_container(session, request, f"; to delete what it holds as well: rm -r {_typed(request)}")
        return
    path = ObjectPath(request.container, request.name)
    for note in delete_object(session.client, path, leave_segments=leave_segments):
        session.surroundings.warn(note)


def _delete_container(session: Session, request: Request, hint: str) -> None:
    """Delete a container; say what a conflict means."""
    try:
        delete(session.client, request)
    except StorletShellError as error:
        if error.status != 409:
            raise
        raise _NotEmptyError(
            f"{request.subject}: it must be empty, and is not{hint}", transaction_id=error.transaction_id
        ) from error


class _NotEmptyError(StorletShellError):
    """A container still holds something."""


class _Part(NamedTuple):
    """Some objects to be deleted.

    :param names: several, that one request deletes; or one alone, as its entry of the listing says
    """

    container: str
    names: tuple[str, ...]
    version: str = ""
    slo_etag: str = ""


class _Recursion:
    """Everything below some places."""

    def __init__(
        self, session: Session, targets: list[Location], with_segments: bool, versions: bool, jobs: int
    ) -> None:
        self._session = session
        self._targets = targets
        self._with_segments = with_segments
        self._versions = versions
        self._jobs = jobs
        self._notes: list[str] = []

    def run(self, *, yes: bool, dry_run: bool) -> Result:
        if dry_run:
            return self._shown()
        if not yes:  # the question counts, which takes requests
            self._session.confirm(f"Delete {' and '.join(map(self._question, self._targets))}?", yes=False)
        at_once = self._at_once()
        deleted, count = [], 0
        for target in self._targets:
            with self._session.surroundings.progress(str(target), None, "objects") as progress:
                tally = Tally(progress.advance)
                parts = self._parts(target, at_once)
                in_parallel(self._session.client, tally, parts, self._delete, jobs=self._jobs)
            for note in self._notes:
                self._session.surroundings.warn(note)
            self._notes.clear()
            tally.check("deleted")
            if not target.prefix:
                self._delete_emptied(target)
            elif not tally.counts["deleted"]:
                raise NotFoundError(f"no object of container {target.container} starts with {target.prefix}")
            deleted.append(str(target))
            count += tally.counts["deleted"]
        return Done(f"deleted {', '.join(deleted)}: {counted(count, 'object')}", {"deleted": deleted, "objects": count})

    def _shown(self) -> Table:
        """List what would be deleted."""
        listings = [(target, self._listing(target)) for target in self._targets]
        heads = [(target, next(listing, None), listing) for target, listing in listings]  # a missing one is told here

        def rows() -> Iterator[tuple[Any, ...]]:
            for target, first, rest in heads:
                for entry in itertools.chain([first] if first else [], rest):
                    yield entry["bytes"], f"{Location(target.container, entry['name'])}"
                if not target.prefix:
                    yield None, f"{Location(target.container)}"

        return Table(("bytes", "name"), rows())

    def _question(self, target: Location) -> str:
        if not target.prefix:
            reply = self._session.client.send(Request("HEAD", target.container))
            reply.close()
            return f"container {target.container} with its {reply.headers.get(wire.CONTAINER_OBJECTS, '?')} objects"
        found = sum(1 for _ in itertools.islice(self._listing(target), _COUNTED + 1))
        spelled = f"more than {_COUNTED} objects" if found > _COUNTED else counted(found, "object")
        return f"{spelled} of container {target.container} that start with {target.prefix}"

    def _listing(self, target: Location) -> Iterator[dict[str, Any]]:
        return list_entries(self._session.client, target, versions=self._versions)

    def _at_once(self) -> int:
        """Return how many objects one request may delete; one when the cluster takes no more."""
        client = self._session.client
        if "bulk_delete" not in client.capabilities() or self._versions:
            return 1
        return min(client.limit("bulk_delete", "max_deletes_per_request", _AT_ONCE), _AT_ONCE)

    def _parts(self, target: Location, at_once: int) -> Iterator[_Part]:
        names: list[str] = []
        segments_go: bool | None = None
        for entry in self._listing(target):
            etag = "" if is_link(entry) or not self._with_segments else str(entry.get("slo_etag", ""))
            if etag and segments_go is None:
                segments_go = self._segments_go(target.container)
            etag = etag if segments_go else ""
            if etag or at_once == 1:
                yield _Part(target.container, (entry["name"],), entry.get("version_id") or "", etag)
                continue
            names.append(entry["name"])
            if len(names) == at_once:
                yield _Part(target.container, tuple(names))
                names = []
        if names:
            yield _Part(target.container, tuple(names))

    def _segments_go(self, container: str) -> bool:
        """Tell whether the segments of large objects go with them; note it if not."""
        if keeps_versions(self._session.client, container, all_go=self._versions):
            self._notes.append(note_of_versions(container))
            return False
        return True

    def _delete(self, worker: Worker, part: _Part) -> None:
        failures: list[StorletShellError] = []
        if len(part.names) > 1:
            failures = delete_many(worker.client, part.container, part.names)
        elif part.slo_etag:
            with suppress(NotFoundError):
                path = ObjectPath(part.container, part.names[0])
                self._notes += delete_large(worker.client, path, part.version, etag=part.slo_etag)
        else:
            with suppress(NotFoundError):  # it has expired, or somebody else has deleted it since it was listed
                delete(worker.client, deletion(part.container, part.names[0], part.version))
        for failure in failures:
            worker.tally.fail(failure)
        worker.tally.count("deleted", len(part.names) - len(failures))
        worker.tally.advance(len(part.names))

    def _delete_emptied(self, target: Location) -> None:
        """Delete a container whose objects are gone; where listings lag behind, that shows a moment later."""
        request = deletion(target.container, "")
        more = f"; if it keeps older versions, delete them as well: rm -r --versions {_typed(request)}"
        hint = "" if self._versions else more
        pauses = iter(_CONTAINER_PAUSES)
        while True:
            try:
                _delete_container(self._session, request, hint)
            except _NotEmptyError:
                pause = next(pauses, None)
                if pause is None or self._holds_something(target):
                    raise
                time.sleep(pause)
            else:
                return

    def _holds_something(self, target: Location) -> bool:
        """Tell whether a container lists an object: an older version, or one that came meanwhile."""
        return next(list_entries(self._session.client, target, versions=True), None) is not None


def _typed(request: Request) -> str:
    """Spell a container as it would be typed."""
    return shlex.quote(str(ContainerName(request.container)))
