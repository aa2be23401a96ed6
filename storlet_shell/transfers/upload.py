"""Upload local files and folders to a container, several at a time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import LocalFileError, NotFoundError, StorletShellError, UsageError
from storlet_shell.store import containers
from storlet_shell.store.metadata import find
from storlet_shell.store.parallel import Tally, Worker, in_parallel
from storlet_shell.store.segments import Replacing
from storlet_shell.transfers.comparison import equals_listed, is_identical
from storlet_shell.transfers.counts import Transferred
from storlet_shell.transfers.folder import FileCount, walk
from storlet_shell.transfers.limits import Limits
from storlet_shell.transfers.segmented import LargeObject, SegmentedUpload, send
from storlet_shell.transfers.targets import Choices, Target, find_targets
from storlet_shell.values import Location
from storlet_shell.wire.bodies import FileVersion, bytes_body, file_body, file_version, piece_body
from storlet_shell.wire.requests import Request

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client

JOBS = 8
"""Default number of files or segments that are uploaded simultaneously."""


def plan_upload(source: Path, to: Location, choices: Choices | None = None) -> Iterator[Request | LocalFileError]:
    """Yield the request that uploads each file, as if none needed segments, or why it can't be uploaded.

    :param to: as for :func:`upload_files`
    :raises NotFoundError: if the file or folder doesn't exist
    """
    check_upload(source, to)
    return (_planned(target, choices or Choices()) for target in find_targets(source, to))


def _planned(target: Target | LocalFileError, choices: Choices) -> Request | LocalFileError:
    if isinstance(target, LocalFileError):
        return target
    if not os.access(target.file.path, os.R_OK):
        return LocalFileError("can't read {subject}: Permission denied", subject=str(target.file.path))
    return target.request(choices)


def upload_files(
    client: Client, source: Path, to: Location, choices: Choices | None = None, *, jobs: int = JOBS
) -> Transferred:
    """Upload a file, or a folder with everything below it; failures don't stop the others.

    A file that exceeds the limit of a single request becomes a static large object.

    :param source: a file or a folder; empty folders in it become empty objects
    :param to: a container, or a prefix for the objects' names; for a single file, ``CONTAINER/OBJECT`` is the object,
        while ``CONTAINER`` and ``CONTAINER/PREFIX/`` keep the file's name
    :param jobs: the number of simultaneous uploads
    :raises NotFoundError: if the container, the file or the folder doesn't exist
    :raises ServiceError: after too many consecutive failures
    """
    choices = choices or Choices()
    check_upload(source, to)
    containers.check(client, to.container)
    total = source.stat().st_size if source.is_file() else None
    with client.observer.progress(str(source), total) as progress:
        tally = Tally(progress.advance)
        with FileCount(progress, tally, files=walk(source), sums_sizes=True) if total is None else nullcontext():
            send_targets(client, to.container, find_targets(source, to), choices, tally, jobs=jobs)
    return Transferred.of(tally, "uploaded")


def send_targets(
    client: Client,
    container: str,
    targets: Iterable[Target | LocalFileError],
    choices: Choices,
    tally: Tally,
    *,
    jobs: int = JOBS,
) -> None:
    """Upload files as objects of a container, and record the results in a tally; failures don't stop the others.

    :raises ServiceError: after too many consecutive failures
    """
    replacing = Replacing(leave_segments=choices.leave_segments)
    upload = _Upload(client, container, choices, replacing)
    try:
        in_parallel(client, tally, upload.parts(targets, tally), upload, jobs=jobs)
    finally:
        upload.segmented.clean()
        for note in replacing.take_notes():
            client.observer.warn(*note)


def check_upload(source: Path, to: Location) -> None:
    """Check the arguments of an upload before any request is sent.

    :raises UsageError: if the target doesn't name a container
    :raises NotFoundError: if the file or folder doesn't exist
    """
    if not to.container:
        raise UsageError("upload needs a container: CONTAINER or CONTAINER/PREFIX")
    if not source.exists():
        raise NotFoundError("no local file or folder {subject}", subject=str(source))


@typed_equality
class _Piece(NamedTuple):
    """A segment of a large file.

    :param version: the state of the file that all segments must come from
    """

    large: LargeObject
    number: int
    version: FileVersion


class _Upload:
    """Uploads files to one container; shared by threads."""

    def __init__(self, client: Client, container: str, choices: Choices, replacing: Replacing) -> None:
        self._client = client
        self._choices = choices
        self._limits = Limits.of(client)
        self._replacing = replacing
        self.segmented = SegmentedUpload(client, container, choices, replacing)

    def parts(self, targets: Iterable[Target | LocalFileError], tally: Tally) -> Iterator[Target | _Piece]:
        """Yield the units of work, which are whole files and segments; count files that can't be sent as failures."""
        for target in targets:
            try:
                if isinstance(target, LocalFileError):
                    raise target
                size = self._limits.segment_size(target.file.size, str(target.file.path), self._choices.segment_size)
                if size is None:
                    yield target
                elif not self._is_skipped(Worker(self._client, tally), target):
                    yield from self._pieces(target, size)
            except StorletShellError as error:
                tally.fail(error)

    def _pieces(self, target: Target, segment_size: int) -> Iterator[_Piece]:
        version = file_version(target.file.path)
        large = LargeObject(target._replace(file=target.file.at(version)), segment_size)
        self.segmented.begin(large)
        for number in range(large.count):
            yield _Piece(large, number, version)

    def __call__(self, worker: Worker, part: Target | _Piece) -> None:
        """Send a whole file or a segment."""
        if isinstance(part, _Piece):
            self._send_piece(worker, part)
        elif not self._is_skipped(worker, part):
            self._send_whole(worker, part)

    def _is_skipped(self, worker: Worker, target: Target) -> bool:
        if not self._is_identical(worker, target):
            return False
        worker.tally.count("identical")
        worker.tally.advance(target.file.size)
        return True

    def _is_identical(self, worker: Worker, target: Target) -> bool:
        if target.listed is not None:
            return equals_listed(worker.client, target.path, target.listed, target.file.path)
        if not self._choices.skip_identical or target.file.is_folder:
            return False
        info = find(worker.client, target.path)
        if info is None or info.size != target.file.size:
            return False
        return is_identical(worker.client, target.path, info.etag, target.file.path, is_manifest=info.is_manifest)

    def _send_whole(self, worker: Worker, target: Target) -> None:
        with self._replacing.replaced(worker.client, target.path):
            if target.file.is_folder:
                send(worker, target.request(self._choices), bytes_body(b""))
                worker.tally.count("folders")
                return
            with file_body(target.file.path) as body:
                if body.version is not None:
                    target = target._replace(file=target.file.at(body.version))
                send(worker, target.request(self._choices), body)
            worker.tally.count("uploaded", size=body.count)

    def _send_piece(self, worker: Worker, piece: _Piece) -> None:
        large, start = piece.large, piece.number * piece.large.segment_size
        if not self.segmented.is_open(large):
            return  # another segment has failed
        length = min(large.segment_size, large.target.file.size - start)
        # Whoever reads the last segment has checked that the file didn't change while all of them were read.
        content = piece_body(large.target.file.path, start, length, piece.version)
        if self.segmented.send_segment(worker, large, piece.number, content):
            self.segmented.finish(worker, large)
