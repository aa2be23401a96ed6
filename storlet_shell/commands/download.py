"""``download``: download the objects of a container, or of a prefix, to a folder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from storlet_shell.commands.arguments import JOBS
from storlet_shell.errors import UsageError
from storlet_shell.results import Done, Result, Table
from storlet_shell.results.saving import is_stdout
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg, Kind
from storlet_shell.spec.command import command
from storlet_shell.store.names.globs import resolve
from storlet_shell.store.parallel import Tally
from storlet_shell.text import size
from storlet_shell.transfers.download import PlannedFile, check_download, plan_download
from storlet_shell.transfers.download import download as download_objects
from storlet_shell.values import Location, expand

if TYPE_CHECKING:
    from storlet_shell.results.schemas.transfers import DownloadedFiles


@command(
    "download",
    "Download all objects of a container, or of a prefix, to a folder.",
    Arg(
        "source",
        type=Location.parse,
        kind=Kind.OBJECT,
        metavar="CONTAINER[/PREFIX]",
        help="objects whose names start with PREFIX, or match a pattern such as '2026/*.csv'",
    ),
    Arg(
        "folder",
        nargs="?",
        default=".",
        kind=Kind.FILE,
        metavar="FOLDER",
        help="created if missing (default: .)",
    ),
    Arg("--skip-identical", action="store_true", help="skip files that are already identical"),
    JOBS,
    Arg("--dry-run", action="store_true", help="list what would be downloaded, without writing"),
    examples=(
        "download weather backup  # all objects of a container",
        "download weather/2026/ backup --skip-identical  # new and changed ones of a folder",
        "download 'weather/**/*.csv' backup  # those that match a pattern, with their folders",
        "download weather --dry-run  # list what would be written",
    ),
)
def download(
    session: Session,
    source: Location,
    folder: str = ".",
    skip_identical: bool = False,
    jobs: int = 8,
    dry_run: bool = False,
) -> Result:
    """Download all objects of a container, or those whose names start with a prefix or match a pattern, to a folder.

    Slashes in names become folders; the part of a prefix before its last slash is dropped: download c/photos/2024
    writes the object photos/2024-01/a.jpg to FOLDER/2024-01/a.jpg. For a pattern (as in map), its fixed folder is
    dropped: download 'c/photos/*/*.jpg' writes the same file. If any names start with exactly the pattern, those are
    downloaded instead.

    An existing file is replaced once the new one is complete, so you can repeat an interrupted download;
    --skip-identical fetches only the rest. Each file is checked against the object's MD5, and gets the modification
    time that upload stored.

    An object is refused if its name leads out of the folder, by itself or through a link in the folder; so is a/b if a
    is an object, too. Such failures are listed at the end, and everything else is downloaded. --dry-run lists each
    object with its file, or with the reason why it can't be written; it compares nothing.

    :raises NotFoundError: when the container doesn't exist, or no name starts with the prefix or matches the pattern
    """
    if source.container and is_stdout(folder):
        raise UsageError("download writes files; to write one object to standard output: get CONTAINER/OBJECT --save -")
    target = expand(folder)
    check_download(source, target)
    objects = resolve(session.client, source, is_prefix=True)
    if dry_run:
        return _planned(session, plan_download(session.client, objects, target))
    transferred = download_objects(session.client, objects, target, skip_identical=skip_identical, jobs=jobs)
    transferred.raise_for_failed()
    counts = f"{transferred.files} downloaded" + (f", {transferred.identical} identical" if skip_identical else "")
    values: DownloadedFiles = {
        "location": str(source),
        "folder": str(target),
        "downloaded": transferred.files,
        "identical": transferred.identical,
        "folders": transferred.folders,
        "bytes": transferred.bytes,
    }
    return Done(f"{target}: {counts}, {size(transferred.bytes)} from {source}", values)


def _planned(session: Session, plan: Iterator[PlannedFile]) -> Table:
    tally = Tally()
    tally.spell = session.surroundings.spell

    def rows() -> Iterator[tuple[Any, ...]]:
        for path, bytes, file, error in plan:
            if error is not None:
                tally.fail(error)
            yield bytes, str(path), file and str(file), error and error.explained(tally.spell)

    return Table(("bytes", "name", "file", "error"), rows(), problem=lambda: tally.problem("downloaded"))
