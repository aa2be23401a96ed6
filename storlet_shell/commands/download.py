"""``download``: the objects of a container, or of a prefix, as files of a folder."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from storlet_shell.commands.arguments import JOBS
from storlet_shell.errors import (
    IncompleteBodyError,
    LocalFileError,
    NotFoundError,
    StorletShellError,
    UsageError,
)
from storlet_shell.results import Done, Result, Table
from storlet_shell.results.saving import is_stdout, make_folder_below, replacing_below
from storlet_shell.session import Session
from storlet_shell.spec.registry import Arg, Kind, command
from storlet_shell.store.exchange import check_received
from storlet_shell.store.listing import list_entries
from storlet_shell.store.parallel import Tally, Worker, in_parallel
from storlet_shell.text import counted, size
from storlet_shell.transfers.dates import set_date
from storlet_shell.transfers.folder import Conflicts, place
from storlet_shell.transfers.large_objects import is_identical
from storlet_shell.values import Location, ObjectPath, expand, read_count
from storlet_shell.wire import headers as wire
from storlet_shell.wire.quoting import check_encodable
from storlet_shell.wire.requests import Request

if TYPE_CHECKING:
    from storlet_shell.wire.transport import Reply

_SHOWN_DATE = 40
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


class _Found(NamedTuple):
    """An object that is to become a file.

    :param name: its file's path below the folder
    """

    path: ObjectPath
    name: str
    entry: dict[str, Any]
    blocked_by: str | None = None

    @property
    def is_folder(self) -> bool:
        """Whether it stands for a folder: by a slash at its end, or as python-swiftclient stores empty folders."""
        if self.entry["bytes"]:
            return False
        return self.path.name.endswith("/") or self.entry.get("content_type") in wire.FOLDER_TYPES

    @property
    def file(self) -> str:
        """The name of its file, or of its folder, below the user's folder; empty for that one itself."""
        return self.name.removesuffix("/") if self.is_folder else self.name

    def place(self, folder: Path) -> Path:
        """Return its file's path in a folder.

        :raises LocalFileError: when it would lie elsewhere, or below an object that is a file
        """
        check_encodable(self.path.name, self.path)
        path = place(folder, self.file, self.path) if self.file or not self.is_folder else folder
        if self.blocked_by is not None:
            raise LocalFileError(f"{self.path}: can't be a file below {self.blocked_by}, which is an object as well")
        return path


@command(
    "download",
    "Download all objects of a container, or of a prefix, into a folder.",
    Arg("source", type=Location.parse, kind=Kind.OBJECT, metavar="CONTAINER[/PREFIX]"),
    Arg(
        "folder",
        nargs="?",
        default=".",
        kind=Kind.FILE,
        metavar="FOLDER",
        help="made if need be; this one if not given",
    ),
    Arg("--skip-identical", action="store_true", help="leave files that hold the same already as they are"),
    JOBS,
    Arg("--dry-run", action="store_true", help="list what would be downloaded, and write nothing"),
)
def download(
    session: Session,
    source: Location,
    folder: str = ".",
    skip_identical: bool = False,
    jobs: int = 8,
    dry_run: bool = False,
) -> Result:
    """Download all objects of a container, or those whose names start with a prefix, into a folder.

    Slashes in names make folders; what of a prefix stands before its last slash is left out: download c/photos/2024
    makes FOLDER/2024-01/a.jpg of the object photos/2024-01/a.jpg. A file that is there is replaced when the new one is
    complete, so that an interrupted download can be repeated, with --skip-identical for what is left. Each file is
    checked against the object's MD5 and gets its date, where upload has kept it.

    An object whose name would lead out of the folder is refused, by its name or by a link in the folder; so is a/b
    where a is an object as well. These and others that fail are named at the end; the rest is downloaded. --dry-run
    lists each object with its file, or with why it can't be one; it compares nothing.

    :raises NotFoundError: when the container is not there, or no name starts with the prefix
    """
    if not source.container:
        raise UsageError("download wants a container: CONTAINER, or CONTAINER/PREFIX")
    if is_stdout(folder):
        raise UsageError("download makes files; to write one object to standard output: get CONTAINER/OBJECT --save -")
    target = expand(folder)
    if target.exists() and not target.is_dir():
        raise UsageError(f"{target} is no folder; for one object: get --save")
    if dry_run:
        return _planned(session, source, target)
    with session.surroundings.progress(str(source), _total(session, source)) as progress:
        tally = Tally(progress.advance)
        work = _Download(target.absolute(), skip_identical)  # no ~ of an object's name comes first
        in_parallel(session.client, tally, _found(session, source), work, jobs=jobs)
    _warn_of_dates(session, tally)
    tally.check("downloaded")
    counts = tally.counts
    if source.prefix and not counts:
        raise NotFoundError(f"no object of container {source.container} starts with {source.prefix}")
    told = {name: counts[name] for name in ("downloaded", "identical", "folders")}
    done = f"{counts['downloaded']} downloaded" + (f", {counts['identical']} identical" if skip_identical else "")
    return Done(
        f"{target}: {done}, {size(tally.bytes)} from {source}", {"folder": str(target), **told, "bytes": tally.bytes}
    )


def _planned(session: Session, source: Location, folder: Path) -> Table:
    """List what would be downloaded; an empty listing is told before the first row.

    :raises NotFoundError: as :func:`download`
    """
    found = _found(session, source)
    first = next(found, None)
    if source.prefix and first is None:
        raise NotFoundError(f"no object of container {source.container} starts with {source.prefix}")

    def rows() -> Iterator[tuple[Any, ...]]:
        for each in chain([first] if first else [], found):
            try:
                yield each.entry["bytes"], str(each.path), str(each.place(folder)), None
            except StorletShellError as error:
                yield each.entry["bytes"], str(each.path), None, error.message

    return Table(("bytes", "name", "file", "error"), rows())


def _total(session: Session, source: Location) -> int | None:
    """Return how many bytes there are to come, if that is known; the container is there when this returns.

    :raises NotFoundError: when it is not
    """
    reply = session.client.send(Request("HEAD", source.container))
    reply.close()
    return None if source.prefix else read_count(reply.headers.get(wire.CONTAINER_BYTES, ""))


def _found(session: Session, source: Location) -> Iterator[_Found]:
    cut = source.prefix.rfind("/") + 1
    conflicts = Conflicts()
    for entry in list_entries(session.client, source):
        found = _Found(ObjectPath(source.container, entry["name"]), entry["name"][cut:], entry)
        yield found._replace(blocked_by=conflicts.find(found.name, is_file=not found.is_folder))


def _warn_of_dates(session: Session, tally: Tally) -> None:
    """Say in one line which files could not get their object's date: how many, and the first."""
    count, first = tally.notes.get("date", (0, ""))
    if count:
        others = f" and {counted(count - 1, 'other')}" if count > 1 else ""
        session.surroundings.warn(
            f"warning: no file can have this date, so the time of the download stays: {first}{others}"
        )


class _Download:
    """Makes files of objects; threads share it."""

    def __init__(self, folder: Path, skip_identical: bool) -> None:
        self._folder = folder
        self._skip_identical = skip_identical

    def __call__(self, worker: Worker, found: _Found) -> None:
        path = found.place(self._folder)
        try:
            self._make(worker, found, path)
        except StorletShellError as error:
            cause = error.__cause__
            if isinstance(cause, OSError) and cause.errno in _NO_SPACE:
                worker.tally.stop(error)  # the others would fail as well
            raise

    def _make(self, worker: Worker, found: _Found, path: Path) -> None:
        if found.is_folder:
            make_folder_below(os.fspath(self._folder), found.file)
            worker.tally.count("folders")
        elif self._skip_identical and self._is_identical(worker, found, path):
            worker.tally.count("identical")
            worker.tally.advance(found.entry["bytes"])
        else:
            worker.tally.count("downloaded", size=self._save(worker, found.path, found.file))

    def _is_identical(self, worker: Worker, found: _Found, path: Path) -> bool:
        if not path.is_file() or path.stat().st_size != found.entry["bytes"]:
            return False
        is_manifest = "slo_etag" in found.entry
        return is_identical(worker.client, found.path, found.entry["hash"], path, is_manifest=is_manifest)

    def _save(self, worker: Worker, source: ObjectPath, name: str) -> int:
        request = Request("GET", source.container, source.name, headers={"Accept-Encoding": "identity"})
        reply = worker.client.send(request)
        try:
            with replacing_below(os.fspath(self._folder), name) as file:
                return _write(worker, source, reply, file)
        finally:
            reply.close()


def _write(worker: Worker, source: ObjectPath, reply: Reply, file: IO[bytes]) -> int:
    """Write an object's bytes, check and count them; the file gets the date that the object remembers."""
    digest, count = hashlib.md5(usedforsecurity=False), 0
    try:
        for chunk in reply.chunks():
            file.write(chunk)
            digest.update(chunk)
            count += len(chunk)
            worker.tally.advance(len(chunk))
    except IncompleteBodyError as error:
        raise IncompleteBodyError(f"{source}: {error.message}", transaction_id=error.transaction_id) from error
    check_received(str(source), reply, digest.hexdigest())
    file.flush()
    text = reply.headers.get(wire.MODIFIED)
    if text is not None and not set_date(file.fileno(), text):
        worker.tally.note("date", f"{source}: {text[:_SHOWN_DATE]!r}")
    return count
