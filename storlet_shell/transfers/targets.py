"""Which object a local file becomes, and by which request."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import LocalFileError, StorletShellError, UsageError
from storlet_shell.transfers.folder import LocalFile, local_file, walk
from storlet_shell.values import Location, ObjectPath
from storlet_shell.wire import headers as wire
from storlet_shell.wire.requests import Request


@typed_equality
class Choices(NamedTuple):
    """What the user wants of an upload.

    :param content_type: of every object; None to guess it from each name
    :param segment_size: files beyond it go in segments of it, in bytes; None for what the cluster takes
    :param skip_identical: send no file whose object has the same content
    :param leave_segments: keep the segments of the large objects that are replaced
    """

    content_type: str | None = None
    segment_size: int | None = None
    skip_identical: bool = False
    leave_segments: bool = False

    def type_of(self, name: str, default: str = wire.BINARY) -> str:
        """Return the content type of an object.

        :param default: the type if the name tells none
        """
        return self.content_type or mimetypes.guess_type(name)[0] or default


@typed_equality
class Target(NamedTuple):
    """A file and the object that it becomes."""

    file: LocalFile
    path: ObjectPath

    def request(self, choices: Choices) -> Request:
        """Return its upload in one request."""
        kind = choices.content_type or (
            wire.FOLDER_TYPES[0] if self.file.is_folder else choices.type_of(self.path.name)
        )
        headers = {wire.CONTENT_TYPE: kind, wire.MODIFIED: f"{self.file.modified:f}"}
        body = f"{self.file.size} bytes of {self.file.path}"
        return Request("PUT", self.path.container, self.path.name, headers=headers, body=body)


def find_targets(source: Path, to: Location) -> Iterator[Target | StorletShellError]:
    """Yield each file with its object; an error for one that can't become an object.

    :param source: a file, or a folder with the folders below it
    :param to: the container, or the prefix of the objects' names; of a file without a slash at its end, the name
    """
    prefix = to.prefix
    files: Iterator[LocalFile | LocalFileError]
    if source.is_dir():
        files, prefix = walk(source), f"{prefix}/" if prefix and not prefix.endswith("/") else prefix
    else:
        files = iter([local_file(source, "" if prefix and not prefix.endswith("/") else source.name)])
    for file in files:
        try:
            if not isinstance(file, LocalFile):
                raise file
            yield Target(file, ObjectPath.parse_position(str(ObjectPath(to.container, f"{prefix}{file.name}"))))
        except UsageError as error:
            yield LocalFileError(f"{file.path if isinstance(file, LocalFile) else source}: {error}")
        except StorletShellError as error:
            yield error
