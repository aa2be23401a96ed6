"""Files of a folder next to objects of a container, by name, in constant memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import LocalFileError, ServiceError
from storlet_shell.transfers.folder import LocalFile, place_in_listing, walk
from storlet_shell.transfers.listed import ListedObject, list_objects
from storlet_shell.values import Location

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client


@typed_equality
class Pair(NamedTuple):
    """A file and an object of the same name; one of them may be missing.

    :param name: the file's path below the folder, which is the object's name below the prefix
    """

    name: str
    file: LocalFile | None
    object: ListedObject | None


class Pairing:
    """Files and objects side by side: an iterable of pairs, and of errors for files that can't be read.

    Both sides come in the order of their names, so only the current ones are in memory. Folders are left out, because
    an object that stands for a folder may be listed elsewhere; they are complete once the pairs have been iterated.

    :param location: a container, or a prefix that ends with a slash

    ``folders`` are the empty folders, ``markers`` the objects that stand for folders, by their names as folders.
    """

    def __init__(self, client: Client, folder: Path, location: Location) -> None:
        self._client = client
        self._folder = folder
        self._location = location
        self.folders: dict[str, LocalFile] = {}
        self.markers: dict[str, ListedObject] = {}

    def __iter__(self) -> Iterator[Pair | LocalFileError]:
        objects = self._objects()
        current = next(objects, None)
        for file in self._files():
            if isinstance(file, LocalFileError):
                yield file
                continue
            place = place_in_listing(file.name)
            while current is not None and _place_of(current) < place:
                yield Pair(current.name, None, current)
                current = next(objects, None)
            if current is not None and current.name == file.name:
                yield Pair(file.name, file, current)
                current = next(objects, None)
            else:
                yield Pair(file.name, file, None)
        while current is not None:
            yield Pair(current.name, None, current)
            current = next(objects, None)

    def _files(self) -> Iterator[LocalFile | LocalFileError]:
        for file in walk(self._folder) if self._folder.exists() else ():
            if isinstance(file, LocalFile) and file.is_folder:
                self.folders[file.name] = file
            else:
                yield file

    def _objects(self) -> Iterator[ListedObject]:
        """Yield the objects that aren't markers.

        :raises ServiceError: if they aren't in order, since files would then seem to be missing
        """
        last = b""
        for entry in list_objects(self._client, self._location):
            if _place_of(entry) < last:
                raise ServiceError(f"{self._location}: the server's listing isn't sorted by name")
            last = _place_of(entry)
            if entry.is_folder:
                self.markers.setdefault(entry.file, entry)
            else:
                yield entry


def _place_of(entry: ListedObject) -> bytes:
    return entry.name.encode(errors="surrogatepass")  # JSON may contain a lone surrogate
