"""The objects that local files become, and the request that uploads each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import LocalFileError, UsageError
from storlet_shell.store.requests import NO_HEADERS
from storlet_shell.transfers.folder import LocalFile, local_file, walk
from storlet_shell.values import Location, ObjectPath
from storlet_shell.wire import headers as wire
from storlet_shell.wire.bodies import is_special
from storlet_shell.wire.media import type_of
from storlet_shell.wire.requests import Request

_EXPIRY = (wire.EXPIRES, wire.EXPIRES_AFTER)


@typed_equality
class Choices(NamedTuple):
    """The options of an upload.

    :param content_type: the content type of every object; None to guess it from each name
    :param segment_size: the size, in bytes, above which a file is split into segments; None for the cluster's limit
    :param skip_identical: skip files whose object has the same content
    :param leave_segments: keep the segments of large objects that are replaced
    :param headers: additional headers for every object
    """

    content_type: str | None = None
    segment_size: int | None = None
    skip_identical: bool = False
    leave_segments: bool = False
    headers: Mapping[str, str] = NO_HEADERS

    def type_of(self, name: str, default: str = wire.BINARY) -> str:
        """Return the content type of an object.

        :param default: the type if the name doesn't suggest one
        """
        return self.content_type or type_of(name) or default

    @property
    def expiry(self) -> dict[str, str]:
        """The additional headers that make an object expire; segments expire with their object."""
        return {name: value for name, value in self.headers.items() if name.title() in _EXPIRY}


@typed_equality
class Target(NamedTuple):
    """A file and the object that it becomes.

    :param listed: the object's entry in a listing, if the file is uploaded only if it differs; else None
    """

    file: LocalFile
    path: ObjectPath
    listed: Mapping[str, Any] | None = None

    def request(self, choices: Choices) -> Request:
        """Return the PUT that uploads the file in one request."""
        content_type = choices.content_type or (
            wire.FOLDER_TYPES[0] if self.file.is_folder else choices.type_of(self.path.name)
        )
        headers = {wire.CONTENT_TYPE: content_type, wire.MODIFIED: f"{self.file.modified:f}", **choices.headers}
        body = f"{self.file.size} bytes of {self.file.path}"
        return Request("PUT", self.path.container, self.path.name, headers=headers, body=body)


def object_for(source: Path, to: Location) -> ObjectPath:
    """Return the object that a single file becomes, by the rules of ``cp``.

    :param to: the object; or a container, or a prefix with a slash at its end, where the file keeps its name
    :raises UsageError: if a pipe or a device would have to name the object
    """
    name = _name_for(source, to)
    if name != to.prefix and source.exists() and is_special(source):
        raise UsageError(f"{source} has no name of its own; name the object: CONTAINER/OBJECT")
    return _object(to.container, name)


def _name_for(source: Path, to: Location) -> str:
    return to.prefix if to.prefix and not to.prefix.endswith("/") else f"{to.prefix}{source.name}"


def find_targets(source: Path, to: Location) -> Iterator[Target | LocalFileError]:
    """Yield each file with its object, or an error for a file that can't be uploaded.

    :param source: a file, or a folder and everything below it
    :param to: a container, or a prefix for the objects' names; for a single file, see :func:`object_for`
    """
    is_file = not source.is_dir()
    prefix = f"{to.prefix}/" if to.prefix and not to.prefix.endswith("/") else to.prefix
    for file in [local_file(source, source.name)] if is_file else walk(source):
        if isinstance(file, LocalFileError):
            yield file
            continue
        if is_file:
            yield target_of(file._replace(name=_name_for(source, to)), to.container, "")
        else:
            yield target_of(file, to.container, prefix)


def target_of(
    file: LocalFile, container: str, prefix: str, listed: Mapping[str, Any] | None = None
) -> Target | LocalFileError:
    """Return a file in a folder with its object, or an error for a file whose name can't be an object's.

    :param prefix: the beginning of the object's name; the rest is the file's
    :param listed: see :class:`Target`
    """
    try:
        return Target(file, _object(container, f"{prefix}{file.name}"), listed)
    except UsageError as error:
        return LocalFileError(str(error), subject=str(file.path))


def _object(container: str, name: str) -> ObjectPath:
    return ObjectPath.parse_position(str(ObjectPath(container, name)))
