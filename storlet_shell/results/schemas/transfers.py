"""Results of ``upload`` and ``download``."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict


class UploadedFiles(TypedDict):
    """Files, or one stream, that were stored as objects."""

    location: Annotated[str, "object, container or prefix, as `path:/CONTAINER[/NAME]`"]
    uploaded: Annotated[int, "number of objects that were stored"]
    identical: Annotated[int, "number of files that were skipped because their objects are identical"]
    bytes: Annotated[int, "bytes that were sent"]
    segments: Annotated[int | None, "number of segments of a stream, 0 if it was sent in one request; null for files"]
    object: NotRequired[Annotated[str, "of a stream sent in one request: as in the result of `put`"]]
    status: NotRequired[Annotated[int, "likewise"]]
    headers: NotRequired[Annotated[dict[str, str], "likewise"]]


class DownloadedFiles(TypedDict):
    """Objects that were written to files."""

    location: Annotated[str, "container or prefix, as `path:/CONTAINER[/PREFIX]`"]
    folder: Annotated[str, "local folder"]
    downloaded: Annotated[int, "number of files that were written"]
    identical: Annotated[int, "number of files that were skipped because they are identical"]
    folders: Annotated[int, "number of folders that were created for objects of type application/directory"]
    bytes: Annotated[int, "bytes that were received"]


class PlannedFile(TypedDict):
    """An object that would be downloaded."""

    bytes: Annotated[int | None, "size of the object"]
    name: Annotated[str, "the object, as `path:/CONTAINER/OBJECT`"]
    file: Annotated[str | None, "the file; null if the object can't be one"]
    error: Annotated[str | None, "why it can't be downloaded"]


class SyncedFiles(TypedDict):
    """A folder and objects that are the same now."""

    source: Annotated[str, "local folder, container or prefix; the latter as `path:/CONTAINER[/PREFIX/]`"]
    target: Annotated[str, "likewise"]
    transferred: Annotated[int, "number of files that were uploaded or downloaded"]
    identical: Annotated[int, "number of files that were identical already"]
    folders: Annotated[int, "number of objects that stand for folders: uploaded ones, or all in a download"]
    deleted: Annotated[int, "number of files or objects that were deleted from the target"]
    bytes: Annotated[int, "bytes that were transferred"]


class PlannedStep(TypedDict):
    """What `sync` would do."""

    action: Literal["upload", "download", "delete"]
    bytes: Annotated[int | None, "size of the file or the object"]
    name: Annotated[str | None, "the object, as `path:/CONTAINER/OBJECT`; null if the file can't be one"]
    file: Annotated[str | None, "the file; null for an object that is deleted, or can't be a file"]
    error: Annotated[str | None, "why it can't be done"]
