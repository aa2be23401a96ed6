"""Objects of a listing, and the local files that they become."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import LocalFileError
from storlet_shell.store.trees import list_tree
from storlet_shell.transfers.folder import Conflicts, place
from storlet_shell.values import Location, ObjectPath
from storlet_shell.wire import headers as wire
from storlet_shell.wire.quoting import check_encodable

if TYPE_CHECKING:
    from storlet_shell.patterns import Pattern
    from storlet_shell.wire.client import Client


@typed_equality
class ListedObject(NamedTuple):
    """An object, and the file that it becomes.

    :param name: its path below the folder
    :param listed: its entry in the listing
    :param blocked_by: another object's file where a folder would be needed for this one
    """

    path: ObjectPath
    name: str
    listed: dict[str, Any]
    blocked_by: str | None = None

    @property
    def is_folder(self) -> bool:
        """Whether it represents a folder, by its trailing slash or as python-swiftclient stores empty folders."""
        if self.listed["bytes"]:
            return False
        return self.path.name.endswith("/") or self.listed.get("content_type") in wire.FOLDER_TYPES

    @property
    def file(self) -> str:
        """The path of its file or folder below the user's folder; empty for the user's folder itself."""
        return self.name.removesuffix("/") if self.is_folder else self.name

    def place(self, folder: Path) -> Path:
        """Return the path of its file in a folder.

        :raises LocalFileError: if it would lie outside the folder, or below an object that becomes a file
        """
        check_encodable(self.path.name, self.path)
        path = place(folder, self.file, self.path) if self.file or not self.is_folder else folder
        if self.blocked_by is not None:
            text = f"can't be a file below {self.blocked_by}, which is also an object"
            raise LocalFileError(text, subject=str(self.path))
        return path


def list_objects(client: Client, source: Location | Pattern) -> Iterator[ListedObject]:
    """Yield objects with the names of their files below a folder, in the order of the listing.

    The prefix up to its last slash is stripped from names; of a pattern, the folder that all matching names are in.

    :raises NotFoundError: if the container doesn't exist
    """
    cut = source.prefix.rfind("/") + 1
    conflicts = Conflicts()
    for listed in list_tree(client, source):
        entry = ListedObject(ObjectPath(source.container, listed["name"]), listed["name"][cut:], listed)
        yield entry._replace(blocked_by=conflicts.find(entry.name, is_file=not entry.is_folder))
