"""``upload``: text that follows the line as an object, or a local file or folder as objects."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from storlet_shell.commands.arguments import DRY_RUN, HEADER, JOBS
from storlet_shell.commands.arguments.headers import Header, own_headers
from storlet_shell.errors import LocalFileError, UsageError
from storlet_shell.results import Done, Result
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg, Kind
from storlet_shell.spec.command import command
from storlet_shell.store.parallel import Tally
from storlet_shell.store.requests import plan
from storlet_shell.text import size
from storlet_shell.transfers.stream import TEXT, StoredStream, stream_request, upload_stream
from storlet_shell.transfers.targets import Choices, object_for
from storlet_shell.transfers.upload import check_upload, plan_upload, upload_files
from storlet_shell.values import Location, ObjectPath, expand
from storlet_shell.wire.bodies import is_special, open_file
from storlet_shell.wire.requests import Request

if TYPE_CHECKING:
    from storlet_shell.results.schemas.transfers import UploadedFiles

_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}
_SIZE = re.compile(r"([0-9]{1,18})([KMG]?)(i?B)?", re.IGNORECASE)


def _bytes(text: str) -> int:
    match = _SIZE.fullmatch(text)
    count = int(match[1]) * _UNITS[match[2].upper()] if match else 0
    if not count:
        raise UsageError(f"--segment-size takes a number of bytes, as 500M or 2G, not {text}")
    return count


@command(
    "upload",
    "Upload a file or a folder, or the text that follows, as objects.",
    Arg(
        "source",
        nargs="?",
        kind=Kind.SOURCE,
        metavar="FILE|FOLDER",
        help="local file or folder (default: the text that follows)",
    ),
    Arg("path", type=Location.parse, kind=Kind.OBJECT, metavar="CONTAINER[/OBJECT]"),
    Arg("--content-type", metavar="TYPE", help="content type of the objects (default: guessed from their names)"),
    Arg("--skip-identical", action="store_true", help="skip files whose objects are already identical"),
    Arg(
        "--segment-size",
        type=_bytes,
        metavar="SIZE",
        help="split larger files into segments of this size, such as 500M",
    ),
    Arg("--leave-segments", action="store_true", help="keep the segments of replaced large objects"),
    HEADER,
    JOBS,
    DRY_RUN,
    aliases=("uploadfile",),
    body="content",
    examples=(
        "upload photos weather/photos  # a folder",
        "upload today.csv weather/2026/ --skip-identical  # a file, unless it is already there",
        "upload weather/note.txt < note.txt  # standard input",
        "upload photos weather/photos --dry-run  # list what would be sent",
    ),
)
def upload(
    session: Session,
    path: Location,
    source: str | None = None,
    content_type: str | None = None,
    skip_identical: bool = False,
    segment_size: int | None = None,
    leave_segments: bool = False,
    headers: list[Header] | None = None,
    jobs: int = 8,
    dry_run: bool = False,
    content: bytes | None = None,
) -> Result:
    """Upload a file or a folder, or the text that follows (a cell, a heredoc, standard input), as objects.

    upload FOLDER CONTAINER/PREFIX stores each file in the folder and its subfolders as the object PREFIX/NAME, hidden
    files included; an empty folder becomes an empty object of type application/directory. Links to files are followed.
    upload FILE CONTAINER/OBJECT stores one file; CONTAINER or CONTAINER/PREFIX/ keep its name.

    Files larger than --segment-size, or than the cluster accepts in one request, become static large objects: their
    segments go to CONTAINER_segments, and the object changes once all of them are stored. -H headers are set on
    every object; X-Delete-At and X-Delete-After also on segments. Files that fail are listed at the end; the others are
    stored. Standard input has no known length: it is sent in one request, unless you give --segment-size.

    :raises NotFoundError: when the container or the file doesn't exist
    :raises UsageError: when there is nothing to upload
    """
    choices = Choices(content_type, segment_size, skip_identical, leave_segments, own_headers(headers, None))
    if source is None or source == "-":
        return _upload_text(session, ObjectPath.parse_position(str(path)), choices, content, dry_run=dry_run)
    if content is not None:
        raise UsageError(f"the content is in {source}, or it follows, but not both")
    file = expand(source)
    check_upload(file, path)
    if is_special(file):
        return _upload_special(session, object_for(file, path), choices, file, dry_run=dry_run)
    if dry_run:
        return _planned(session, plan_upload(file, path, choices))
    transferred = upload_files(session.client, file, path, choices, jobs=jobs)
    transferred.raise_for_failed()
    counts = f"{transferred.files} uploaded" + (f", {transferred.identical} identical" if skip_identical else "")
    values: UploadedFiles = {
        "location": str(path),
        "uploaded": transferred.files,
        "identical": transferred.identical,
        "bytes": transferred.bytes,
        "segments": None,
    }
    return Done(f"{path}: {counts}, {size(transferred.bytes)} from {file}", values)


def _planned(session: Session, uploads: Iterable[Request | LocalFileError]) -> Result:
    """Show the requests, and fail with what can't be uploaded, as the upload itself would."""
    tally, requests = Tally(), list[Request]()
    tally.spell = session.surroundings.spell
    for upload in uploads:
        if isinstance(upload, LocalFileError):
            tally.fail(upload)
        else:
            requests.append(upload)
    return plan(session.client, *requests, problem=tally.problem("uploaded"))


def _upload_text(
    session: Session, path: ObjectPath, choices: Choices, content: bytes | None, *, dry_run: bool
) -> Result:
    """Upload what follows the line, or standard input."""
    _check_stream(choices)
    source = session.surroundings.stdin if content is None else content
    if source is None:
        raise UsageError(
            "nothing to upload; name a file, or let text follow: upload CONTAINER/OBJECT <<EOF, in a notebook "
            "%%uploadfile CONTAINER/OBJECT"
        )
    if dry_run:
        shown = "standard input" if content is None else f"{len(content)} bytes"
        return plan(session.client, stream_request(path, choices, label=shown, default_type=TEXT))
    return _shown(upload_stream(session.client, source, path, choices, default_type=TEXT), "standard input")


def _upload_special(session: Session, path: ObjectPath, choices: Choices, file: Path, *, dry_run: bool) -> Result:
    """Upload what a pipe or a device gives; a pipe that is opened waits for its other end."""
    _check_stream(choices)
    if dry_run:
        return plan(session.client, stream_request(path, choices, label=str(file)))
    with open_file(file) as stream:
        return _shown(upload_stream(session.client, stream, path, choices, label=str(file)), str(file))


def _check_stream(choices: Choices) -> None:
    if choices.skip_identical:
        raise UsageError("--skip-identical goes with files")


def _shown(stored: StoredStream, label: str) -> Result:
    values: UploadedFiles = {
        "location": str(stored.path),
        "uploaded": 1,
        "identical": 0,
        "bytes": stored.bytes,
        "segments": stored.segments,
    }
    if stored.answer is not None:
        response = stored.answer.response()
        response.facts = values
        return response
    return Done(f"{stored.path}: stored in {stored.segments} segments, {size(stored.bytes)} from {label}", values)
