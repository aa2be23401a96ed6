"""``download``: the objects of a container, or of a prefix, as files of a folder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from storlet_shell.commands.arguments import JOBS
from storlet_shell.errors import UsageError
from storlet_shell.results import Done, Result, Table
from storlet_shell.results.saving import is_stdout
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg, Kind
from storlet_shell.spec.command import command
from storlet_shell.store.parallel import Tally
from storlet_shell.text import size
from storlet_shell.transfers.download import PlannedFile, check_download, plan_download
from storlet_shell.transfers.download import download as download_objects
from storlet_shell.values import Location, expand


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
    if source.container and is_stdout(folder):
        raise UsageError("download makes files; to write one object to standard output: get CONTAINER/OBJECT --save -")
    target = expand(folder)
    check_download(source, target)
    if dry_run:
        return _planned(session, plan_download(session.client, source, target))
    transferred = download_objects(session.client, source, target, skip_identical=skip_identical, jobs=jobs)
    transferred.raise_for_failed()
    counts = f"{transferred.files} downloaded" + (f", {transferred.identical} identical" if skip_identical else "")
    facts = {
        "folder": str(target),
        "downloaded": transferred.files,
        "identical": transferred.identical,
        "folders": transferred.folders,
        "bytes": transferred.bytes,
    }
    return Done(f"{target}: {counts}, {size(transferred.bytes)} from {source}", facts)


def _planned(session: Session, plan: Iterator[PlannedFile]) -> Table:
    tally = Tally()
    tally.spell = session.surroundings.spell

    def rows() -> Iterator[tuple[Any, ...]]:
        for path, bytes, file, error in plan:
            if error is not None:
                tally.fail(error)
            yield bytes, str(path), file and str(file), error and error.explained(tally.spell)

    return Table(("bytes", "name", "file", "error"), rows(), problem=lambda: tally.problem("downloaded"))
