"""Download the objects of a container into a folder, several at a time."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import (
    Action,
    Hint,
    IncompleteBodyError,
    NotFoundError,
    StorletShellError,
    UsageError,
)
from storlet_shell.results.saving import make_folder_below, replacing_below
from storlet_shell.store.metadata import head
from storlet_shell.store.parallel import Tally, Worker, in_parallel
from storlet_shell.store.reading import check_received
from storlet_shell.store.requests import read_request
from storlet_shell.store.trees import is_container
from storlet_shell.text import counted
from storlet_shell.transfers.comparison import equals_listed
from storlet_shell.transfers.counts import Transferred
from storlet_shell.transfers.dates import set_date
from storlet_shell.transfers.folder import FileCount
from storlet_shell.transfers.listed import ListedObject, list_objects
from storlet_shell.values import Location, ObjectPath, read_count
from storlet_shell.wire import headers as wire

if TYPE_CHECKING:
    from storlet_shell.patterns import Pattern
    from storlet_shell.wire.client import Client
    from storlet_shell.wire.transport import Reply

JOBS = 8
"""Default number of simultaneous downloads."""

_SHOWN_DATE = 40
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


@typed_equality
class PlannedFile(NamedTuple):
    """An object and the file that a download would create.

    :param bytes: the object's size
    :param file: None if the object can't become a file
    :param error: the reason for that
    """

    path: ObjectPath
    bytes: int
    file: Path | None
    error: StorletShellError | None = None


def download(
    client: Client, source: Location | Pattern, folder: Path, *, skip_identical: bool = False, jobs: int = JOBS
) -> Transferred:
    """Download the objects of a container into a folder; failures don't stop the others.

    Slashes in names become folders. The prefix up to its last slash is stripped from names; of a pattern, the folder
    that all matching names are in. Existing files are replaced once the new ones are complete.

    :param source: a container, a prefix of objects' names, or a pattern of them
    :param folder: created if missing
    :param skip_identical: skip files that already have the same content
    :param jobs: the number of simultaneous downloads
    :raises NotFoundError: if the container doesn't exist, or no name starts with the prefix or matches
    :raises LocalFileError: if the disk is full or read-only
    :raises ServiceError: after too many consecutive failures
    """
    check_download(source, folder)
    size, count = _totals(client, source)
    with client.observer.progress(str(source), size) as progress:
        tally = Tally(progress.advance)
        with FileCount(progress, tally, count):
            fetch(client, list_objects(client, source), folder, tally, skip_identical=skip_identical, jobs=jobs)
    if not is_container(source) and not tally.counts and not tally.failed:
        raise _no_objects(source)
    return Transferred.of(tally, "downloaded")


def fetch(
    client: Client,
    objects: Iterable[ListedObject],
    folder: Path,
    tally: Tally,
    *,
    skip_identical: bool = False,
    jobs: int = JOBS,
) -> None:
    """Download objects into a folder, and record the results in a tally; failures don't stop the others.

    :raises LocalFileError: if the disk is full or read-only
    :raises ServiceError: after too many consecutive failures
    """
    in_parallel(
        client, tally, objects, _Download(folder.absolute(), skip_identical), jobs=jobs
    )  # no name starts with ~
    _warn_of_dates(client, tally)


def plan_download(client: Client, source: Location | Pattern, folder: Path) -> Iterator[PlannedFile]:
    """Yield the file that :func:`download` would create for each object; nothing is written or compared.

    The first page of the listing has been read when this returns.

    :raises NotFoundError: as for :func:`download`
    """
    check_download(source, folder)
    entries = list_objects(client, source)
    first = next(entries, None)
    if not is_container(source) and first is None:
        raise _no_objects(source)
    return (_planned(entry, folder) for entry in chain([first] if first else [], entries))


def check_download(source: Location | Pattern, folder: Path) -> None:
    """Check the arguments of a download before any request is sent.

    :raises UsageError: if the source doesn't name a container, or the folder isn't one
    """
    if not source.container:
        raise UsageError("download needs a container: CONTAINER or CONTAINER/PREFIX")
    if folder.exists() and not folder.is_dir():
        raise UsageError("{subject} isn't a folder", subject=str(folder), hint=Hint(Action.SAVE_ONE))


def _no_objects(source: Location | Pattern) -> NotFoundError:
    if not isinstance(source, Location):
        return source.no_match()
    return NotFoundError(f"no object in container {source.container} starts with {{subject}}", subject=source.prefix)


def _planned(entry: ListedObject, folder: Path) -> PlannedFile:
    try:
        return PlannedFile(entry.path, entry.listed["bytes"], entry.place(folder))
    except StorletShellError as error:
        return PlannedFile(entry.path, entry.listed["bytes"], None, error)


def _totals(client: Client, source: Location | Pattern) -> tuple[int | None, int | None]:
    """Return the number of bytes and objects, each None if it isn't known; the container exists when this returns.

    :raises NotFoundError: if it doesn't
    """
    headers = head(client, Location(source.container)).headers
    if not is_container(source):
        return None, None
    return read_count(headers.get(wire.CONTAINER_BYTES, "")), read_count(headers.get(wire.CONTAINER_OBJECTS, ""))


def _warn_of_dates(client: Client, tally: Tally) -> None:
    """Warn once about files that couldn't get their object's date: how many, and the first."""
    count, first = tally.notes.get("date", (0, ""))
    if count:
        others = f" and {counted(count - 1, 'other')}" if count > 1 else ""
        client.observer.warn(f"warning: not a valid file date, so the time of the download is kept: {first}{others}")


class _Download:
    """Downloads objects to files; shared by threads."""

    def __init__(self, folder: Path, skip_identical: bool) -> None:
        self._folder = folder
        self._skip_identical = skip_identical

    def __call__(self, worker: Worker, entry: ListedObject) -> None:
        path = entry.place(self._folder)
        try:
            self._make(worker, entry, path)
        except StorletShellError as error:
            cause = error.__cause__
            if isinstance(cause, OSError) and cause.errno in _NO_SPACE:
                worker.tally.stop(error)  # all others would fail, too
            raise

    def _make(self, worker: Worker, entry: ListedObject, path: Path) -> None:
        if entry.is_folder:
            make_folder_below(os.fspath(self._folder), entry.file)
            worker.tally.count("folders")
        elif self._skip_identical and equals_listed(worker.client, entry.path, entry.listed, path):
            worker.tally.count("identical")
            worker.tally.advance(entry.listed["bytes"])
        else:
            worker.tally.count("downloaded", size=self._save(worker, entry.path, entry.file))

    def _save(self, worker: Worker, source: ObjectPath, name: str) -> int:
        request = read_request(source)
        reply = worker.client.send(request)
        try:
            with replacing_below(os.fspath(self._folder), name) as file:
                return _write(worker, source, reply, file)
        finally:
            reply.close()


def _write(worker: Worker, source: ObjectPath, reply: Reply, file: IO[bytes]) -> int:
    """Write an object's bytes, check and count them, and set the file's date to the one stored with the object."""
    digest, count = hashlib.md5(usedforsecurity=False), 0
    try:
        for chunk in reply.chunks():
            file.write(chunk)
            digest.update(chunk)
            count += len(chunk)
            worker.tally.advance(len(chunk))
    except IncompleteBodyError as error:
        raise error.about(str(source)) from error
    check_received(str(source), reply, digest.hexdigest())
    file.flush()
    text = reply.headers.get(wire.MODIFIED)
    if text is not None and not set_date(file.fileno(), text):
        worker.tally.note("date", f"{source}: {text[:_SHOWN_DATE]!r}")
    return count
