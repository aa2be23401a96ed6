"""``upload``: text that follows the line as an object, or a local file or folder as objects."""

from __future__ import annotations

import io
import mimetypes
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import IO

from storlet_shell.commands.arguments import DRY_RUN, JOBS
from storlet_shell.errors import LocalFileError, NotFoundError, StorletShellError, UsageError
from storlet_shell.results import Done, Result
from storlet_shell.session import Session
from storlet_shell.spec.registry import Arg, Kind, command
from storlet_shell.store.exchange import plan
from storlet_shell.store.objects import replace
from storlet_shell.store.parallel import Tally, Worker, in_parallel
from storlet_shell.store.segments import Replacing
from storlet_shell.text import size
from storlet_shell.transfers.files import Choices, Target, Upload
from storlet_shell.transfers.folder import LocalFile, local_file, walk
from storlet_shell.transfers.stream import Pieces, StreamUpload
from storlet_shell.values import Location, ObjectPath, expand
from storlet_shell.wire import headers as wire
from storlet_shell.wire.bodies import bytes_body, is_special, open_file, stream_body
from storlet_shell.wire.requests import Request

_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}
_SIZE = re.compile(r"([0-9]{1,18})([KMG]?)(i?B)?", re.IGNORECASE)


def _bytes(text: str) -> int:
    match = _SIZE.fullmatch(text)
    count = int(match[1]) * _UNITS[match[2].upper()] if match else 0
    if not count:
        raise UsageError(f"--segment-size wants a number of bytes, as 500M or 2G, not {text}")
    return count


@command(
    "upload",
    "Upload a file or a folder, or the text that follows, as objects.",
    Arg("source", nargs="?", kind=Kind.SOURCE, metavar="FILE|FOLDER", help="without it, the text that follows"),
    Arg("path", type=Location.parse, kind=Kind.OBJECT, metavar="CONTAINER[/OBJECT]"),
    Arg("--content-type", metavar="TYPE", help="the objects' content type; guessed from their names otherwise"),
    Arg("--skip-identical", action="store_true", help="send no file whose object holds the same already"),
    Arg("--segment-size", type=_bytes, metavar="SIZE", help="store larger files in segments of this size, as 500M"),
    Arg("--leave-segments", action="store_true", help="keep the segments of the large objects that are replaced"),
    JOBS,
    DRY_RUN,
    aliases=("uploadfile",),
    body="content",
)
def upload(
    session: Session,
    path: Location,
    source: str | None = None,
    content_type: str | None = None,
    skip_identical: bool = False,
    segment_size: int | None = None,
    leave_segments: bool = False,
    jobs: int = 8,
    dry_run: bool = False,
    content: bytes | None = None,
) -> Result:
    """Upload a file or a folder, or the text that follows (a cell, a heredoc, standard input), as objects.

    upload FOLDER CONTAINER/PREFIX makes an object PREFIX/NAME of each file in the folder and the folders below it, the
    hidden ones too; an empty folder becomes an empty object of type application/directory. Links to files are followed.
    upload FILE CONTAINER/OBJECT stores one file; CONTAINER or CONTAINER/PREFIX/ keep its name.

    What is larger than the cluster takes in one request, or than --segment-size, becomes a static large object: its
    segments go to CONTAINER_segments, and the object changes when all of them are stored. Files that fail are named at
    the end; the others are stored. The length of standard input is not known beforehand: it goes in one request, unless
    --segment-size is given.

    :raises NotFoundError: when the container or the file is not there
    :raises UsageError: when there is nothing to upload
    """
    choices = Choices(content_type, segment_size, skip_identical, leave_segments)
    if source is None or source == "-":
        return _upload_stream(session, ObjectPath.parse_position(str(path)), choices, content, dry_run=dry_run)
    if content is not None:
        raise UsageError(f"the content is in {source}, or it follows, but not both")
    if not path.container:
        raise UsageError("upload wants a container: CONTAINER, or CONTAINER/PREFIX")
    file = expand(source)
    if not file.exists():
        raise NotFoundError(f"no local file or folder {file}")
    if is_special(file):
        if not path.prefix or path.prefix.endswith("/"):
            raise UsageError(f"{source} has no name of its own; name the object: CONTAINER/OBJECT")
        return _upload_stream(session, ObjectPath(*path), choices, None, file, dry_run=dry_run)
    return _upload_files(session, file, path, choices, jobs, dry_run=dry_run)


def _upload_stream(
    session: Session,
    path: ObjectPath,
    choices: Choices,
    content: bytes | None,
    file: Path | None = None,
    *,
    dry_run: bool,
) -> Result:
    """Upload text that follows, standard input, or a pipe or a device."""
    if choices.skip_identical:
        raise UsageError("--skip-identical goes with files")
    default = wire.BINARY if file else "text/plain; charset=utf-8"
    choices = choices._replace(content_type=choices.content_type or mimetypes.guess_type(path.name)[0] or default)
    label = str(file or "standard input")
    shown = label if content is None else f"{len(content)} bytes"
    request = Request("PUT", *path, headers={wire.CONTENT_TYPE: choices.content_type or ""}, body=shown)
    stream = _stream(session, content, file)
    if dry_run:
        return plan(session.client, request)
    with stream as opened:
        body = stream_body(opened, label) if content is None else bytes_body(content)
        if choices.segment_size:
            pieces = Pieces(opened, choices.segment_size, label)
            whole = pieces.only_one()
            if whole is None:
                return _upload_pieces(session, path, choices, pieces)
            body = bytes_body(whole)
        return replace(session.client, request, body, Replacing(leave_segments=choices.leave_segments)).response()


def _stream(session: Session, content: bytes | None, file: Path | None) -> AbstractContextManager[IO[bytes]]:
    if content is not None:
        return io.BytesIO(content)
    if file is not None:
        return _opened(file)
    if session.surroundings.stdin is None:
        raise UsageError(
            "there is nothing to upload; give a file, or let text follow: upload CONTAINER/OBJECT <<EOF, in a notebook "
            "%%uploadfile CONTAINER/OBJECT"
        )
    return nullcontext(session.surroundings.stdin)


@contextmanager
def _opened(file: Path) -> Iterator[IO[bytes]]:
    """Open a file when it is needed: a pipe waits for its other end."""
    with open_file(file) as opened:
        yield opened


def _upload_pieces(session: Session, path: ObjectPath, choices: Choices, pieces: Pieces) -> Result:
    assert choices.segment_size is not None
    uploading = StreamUpload(session.client, path.container, choices)
    with session.surroundings.progress(str(path), None) as progress:
        tally = Tally(progress.advance)
        try:
            large = uploading.send_stream(Worker(session.client, tally), path, pieces, choices.segment_size)
        finally:
            uploading.clean()
    facts = {"location": str(path), "segments": large.count, "bytes": tally.bytes}
    return Done(f"{path}: stored in {large.count} segments, {size(tally.bytes)} from {pieces.label}", facts)


def _upload_files(
    session: Session, source: Path, path: Location, choices: Choices, jobs: int, *, dry_run: bool
) -> Result:
    targets = _targets(source, path)
    if dry_run:
        return plan(session.client, *(target.request(choices) for target in targets if isinstance(target, Target)))
    _check_container(session, path.container)
    uploading = Upload(session.client, path.container, choices)
    total = source.stat().st_size if source.is_file() else None
    with session.surroundings.progress(str(source), total) as progress:
        tally = Tally(progress.advance)
        try:
            in_parallel(session.client, tally, uploading.parts(targets, tally), uploading, jobs=jobs)
        finally:
            uploading.clean()
    tally.check("uploaded")
    counts = tally.counts
    facts = {
        "location": str(path),
        "uploaded": counts["uploaded"],
        "identical": counts["identical"],
        "bytes": tally.bytes,
    }
    done = f"{counts['uploaded']} uploaded" + (f", {counts['identical']} identical" if choices.skip_identical else "")
    return Done(f"{path}: {done}, {size(tally.bytes)} from {source}", facts)


def _targets(source: Path, path: Location) -> Iterator[Target | StorletShellError]:
    """Yield each file with its object; as an error, what can't be one."""
    prefix = path.prefix
    if source.is_dir():
        found, prefix = walk(source), f"{prefix}/" if prefix and not prefix.endswith("/") else prefix
    else:
        one = local_file(source, "" if prefix and not prefix.endswith("/") else source.name)
        found = iter([one])
    for each in found:
        try:
            if not isinstance(each, LocalFile):
                raise each
            yield Target(each, ObjectPath.parse_position(str(ObjectPath(path.container, f"{prefix}{each.name}"))))
        except UsageError as error:
            yield LocalFileError(f"{each.path if isinstance(each, LocalFile) else source}: {error}")
        except StorletShellError as error:
            yield error


def _check_container(session: Session, container: str) -> None:
    """Check that the container is there, before every single file finds out.

    :raises NotFoundError: when it is not
    """
    found = session.client.find(Request("HEAD", container))
    if found is None:
        raise NotFoundError(f"container {container} is not there; make it with: mkdir {container}")
    found.close()
