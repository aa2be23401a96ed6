"""Make a container, or the objects below a prefix, the same as a folder, or the other way round."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import LocalFileError, NotFoundError, StorletShellError, UsageError
from storlet_shell.store import containers
from storlet_shell.store.deletion import delete_object
from storlet_shell.store.metadata import head
from storlet_shell.store.parallel import Tally, Worker, in_parallel
from storlet_shell.transfers.comparison import equals_listed
from storlet_shell.transfers.counts import Transferred
from storlet_shell.transfers.download import check_download, fetch
from storlet_shell.transfers.folder import FileCount, walk
from storlet_shell.transfers.listed import ListedObject
from storlet_shell.transfers.pairing import Pairing
from storlet_shell.transfers.targets import Choices, Target, target_of
from storlet_shell.transfers.upload import check_upload, send_targets
from storlet_shell.values import Location, ObjectPath

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client
    from storlet_shell.wire.observer import Note

JOBS = 8
"""Default number of simultaneous transfers."""


@typed_equality
class Step(NamedTuple):
    """What a sync would do with a file and an object.

    :param action: ``upload``, ``download`` or ``delete``
    :param bytes: the number of bytes to transfer; the size of what would be deleted
    :param name: the object, as users spell it; None if the file can't become one
    :param file: None if the object can't become one
    :param error: why it can't be done; None if it can
    """

    action: str
    bytes: int | None
    name: str | None
    file: Path | None
    error: StorletShellError | None = None


class Sync(ABC):
    """One direction of a sync; :meth:`run` it once.

    :param folder: the local side
    :param location: the other side: a container, or a prefix, which gets a slash at its end if it has none
    :raises UsageError: if the arguments can't be a folder and objects of a container
    """

    action = verb = ""

    def __init__(self, client: Client, folder: Path, location: Location) -> None:
        if not location.container:
            raise UsageError("sync needs a container: path:/CONTAINER or path:/CONTAINER/PREFIX")
        slash = "/" if location.prefix and not location.prefix.endswith("/") else ""
        self._client = client
        self.folder = folder
        self.location = Location(location.container, f"{location.prefix}{slash}")
        self._extras: list[str] = []
        self._pairing = Pairing(client, folder, self.location)

    def extras(self) -> list[str]:
        """Return the names that only the target has; compares no content, and sends no request but for listings.

        :raises NotFoundError: if the source doesn't exist
        """
        return type(self)(self._client, self.folder, self.location)._find_extras()

    def _find_extras(self) -> list[str]:
        for _ in self._work():
            pass
        return self._extras

    def steps(self, *, delete: bool) -> Iterator[Step]:
        """Yield what would be done; the container has been looked up when the first one is yielded.

        :param delete: include what only the target has
        :raises NotFoundError: if the source doesn't exist
        """
        for work in self._work():
            try:
                step = self._step(work)
            except LocalFileError as error:  # it can't be compared
                step = Step(self.action, None, None, Path(error.subject or ""), error)
            if step is not None:
                yield step
        if delete:
            yield from map(self._deletion, self._extras)

    def run(self, *, delete: bool = False, only: Collection[str] | None = None, jobs: int = JOBS) -> Transferred:
        """Transfer what differs; then, if nothing has failed, delete what only the target has.

        :param delete: whether to delete
        :param only: the names that the user agreed to; None for all
        :raises NotFoundError: if the source doesn't exist
        :raises ServiceError: after too many consecutive failures
        """
        with self._client.observer.progress(str(self.source), None) as progress:
            tally = Tally(progress.advance)
            with FileCount(progress, tally, files=walk(self.folder) if self.source is self.folder else ()):
                self._transfer(tally, jobs)
        result = Transferred.of(tally, self.verb)
        names = [name for name in self._extras if only is None or name in only] if delete else []
        if result.problem is not None:
            problem = result.problem.adding("; nothing was deleted") if names else result.problem
            return result._replace(problem=problem)
        return result._replace(**self._delete(names, jobs))

    def _delete(self, names: list[str], jobs: int) -> dict[str, Any]:
        if not names:
            return {}
        with self._client.observer.progress(str(self.target), len(names), "deletions") as progress:
            tally = Tally(progress.advance)
            self._delete_all(names, tally, jobs)
        return {
            "deleted": tally.counts["deleted"],
            "failures": tuple(tally.failures),
            "problem": tally.problem("deleted"),
        }

    @property
    @abstractmethod
    def source(self) -> Path | Location:
        """What is copied."""

    @property
    def target(self) -> Path | Location:
        """What it is copied to."""
        return self.location if self.source is self.folder else self.folder

    @abstractmethod
    def _work(self) -> Iterator[Any]:
        """Yield what the source has, and collect what only the target has."""

    @abstractmethod
    def _transfer(self, tally: Tally, jobs: int) -> None: ...

    @abstractmethod
    def _step(self, work: Any) -> Step | None:
        """Return what would be done with a piece of work; None if nothing."""

    @abstractmethod
    def _deletion(self, name: str) -> Step: ...

    @abstractmethod
    def _delete_all(self, names: list[str], tally: Tally, jobs: int) -> None: ...

    def _path(self, name: str) -> ObjectPath:
        return ObjectPath(self.location.container, f"{self.location.prefix}{name}")


class Upward(Sync):
    """Makes objects the same as the files of a folder.

    :raises NotFoundError: if the folder doesn't exist
    """

    action, verb = "upload", "uploaded"

    def __init__(self, client: Client, folder: Path, location: Location) -> None:
        super().__init__(client, folder, location)
        check_upload(folder, location)
        if not folder.is_dir():
            raise UsageError("{subject} isn't a folder", subject=str(folder))
        self._sizes: dict[str, int] = {}

    @property
    def source(self) -> Path:
        """The folder."""
        return self.folder

    def _work(self) -> Iterator[Target | LocalFileError]:
        containers.check(self._client, self.location.container)
        for pair in self._pairing:
            if isinstance(pair, LocalFileError):
                yield pair
            elif pair.file is not None:
                yield target_of(pair.file, *self.location, pair.object and pair.object.listed)
            else:
                self._note_extra(pair.object)
        folders, markers = self._pairing.folders, self._pairing.markers
        for name in folders.keys() - markers.keys():
            yield target_of(folders[name], *self.location)
        for marker in markers.values():
            self._note_extra(marker)

    def _note_extra(self, entry: ListedObject | None) -> None:
        """Note an object without a file. It is looked for, since a file may have been written meanwhile."""
        if entry is not None and entry.name and not os.path.lexists(self.folder / entry.file):
            self._extras.append(entry.name)
            self._sizes[entry.name] = entry.listed["bytes"]

    def _transfer(self, tally: Tally, jobs: int) -> None:
        send_targets(self._client, self.location.container, self._work(), Choices(), tally, jobs=jobs)

    def _step(self, work: Target | LocalFileError) -> Step | None:
        if isinstance(work, LocalFileError):
            return Step(self.action, None, None, Path(work.subject or ""), work)
        file, path, listed = work
        if listed is not None and equals_listed(self._client, path, listed, file.path):
            return None
        return Step(self.action, file.size, str(path), file.path)

    def _deletion(self, name: str) -> Step:
        return Step("delete", self._sizes[name], str(self._path(name)), None)

    def _delete_all(self, names: list[str], tally: Tally, jobs: int) -> None:
        notes: list[Note] = []

        def delete(worker: Worker, name: str) -> None:
            if os.path.lexists(self.folder / name):
                return  # written since it was listed
            with suppress(NotFoundError):
                notes.extend(delete_object(worker.client, self._path(name)))
            worker.tally.count("deleted")
            worker.tally.advance(1)

        in_parallel(self._client, tally, names, delete, jobs=jobs)
        for note in dict.fromkeys(notes):
            self._client.observer.warn(*note)


class Downward(Sync):
    """Makes the files of a folder the same as objects."""

    action, verb = "download", "downloaded"

    def __init__(self, client: Client, folder: Path, location: Location) -> None:
        super().__init__(client, folder, location)
        check_download(location, folder)

    @property
    def source(self) -> Location:
        """The container or the prefix."""
        return self.location

    def _work(self) -> Iterator[ListedObject]:
        head(self._client, Location(self.location.container))
        count = 0
        for pair in self._pairing:
            if isinstance(pair, LocalFileError):
                continue  # it isn't ours to delete; an object that needs its place fails
            if pair.object is None:
                self._extras.append(pair.name)
                continue
            count += 1
            if self._pairing.folders:  # those that get files are no longer empty
                for parent in PurePosixPath(pair.name).parents:
                    self._pairing.folders.pop(str(parent), None)
            yield pair.object
        yield from self._pairing.markers.values()
        if self.location.prefix and not count and not self._pairing.markers:
            raise NotFoundError(f"no object in container {self.location.container} starts with {self.location.prefix}")
        self._extras += self._pairing.folders.keys() - self._pairing.markers.keys()

    def _transfer(self, tally: Tally, jobs: int) -> None:
        fetch(self._client, self._work(), self.folder, tally, skip_identical=True, jobs=jobs)

    def _step(self, work: ListedObject) -> Step | None:
        size = work.listed["bytes"]
        try:
            file = work.place(self.folder)
        except StorletShellError as error:
            return Step(self.action, size, str(work.path), None, error)
        if work.is_folder:
            return None if file.is_dir() else Step(self.action, size, str(work.path), file)
        if equals_listed(self._client, work.path, work.listed, file):
            return None
        return Step(self.action, size, str(work.path), file)

    def _deletion(self, name: str) -> Step:
        file = self.folder / name
        size = file.lstat().st_size if os.path.lexists(file) else None
        return Step("delete", size, str(self._path(name)), file)

    def _delete_all(self, names: list[str], tally: Tally, jobs: int) -> None:  # noqa: ARG002  a disk needs no threads
        for name in names:
            try:
                self._delete_file(self.folder / name)
            except OSError as error:
                tally.fail(LocalFileError(f"not deleted: {error.strerror or error}", subject=str(self.folder / name)))
                continue
            tally.count("deleted")
            tally.advance(1)

    def _delete_file(self, file: Path) -> None:
        """Delete a file, or an empty folder, and the folders that have become empty by that."""
        with suppress(FileNotFoundError):
            if file.is_dir() and not file.is_symlink():
                file.rmdir()
            else:
                file.unlink()
        for parent in file.parents:
            if parent == self.folder or str(parent.relative_to(self.folder)) in self._pairing.markers:
                break
            try:
                parent.rmdir()
            except OSError:  # it isn't empty
                break


def sync_of(client: Client, source: Path | Location, target: Path | Location) -> Sync:
    """Return the sync of a folder and of objects, in the direction that the arguments tell.

    :raises UsageError: unless one of them is local
    """
    if isinstance(source, Path) and isinstance(target, Location):
        return Upward(client, source, target)
    if isinstance(source, Location) and isinstance(target, Path):
        return Downward(client, target, source)
    raise UsageError("sync needs a local folder on one side, and path:/CONTAINER[/PREFIX] on the other")
