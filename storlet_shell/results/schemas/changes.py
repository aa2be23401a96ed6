"""Results of ``mkdir``, ``post``, and ``rm``."""

from __future__ import annotations

from typing import Annotated, TypedDict


class CreatedContainer(TypedDict):
    """A container that exists now."""

    container: str
    created: Annotated[bool, "false if it existed before"]


class ChangedMetadata(TypedDict):
    """Headers that were changed."""

    location: Annotated[str, "object or container; `path:/` is the account"]
    set: Annotated[dict[str, str], "headers that were set, with their values; secrets are hidden"]
    removed: Annotated[list[str], "headers that were removed"]
    absent: Annotated[list[str], "headers to remove that didn't exist"]


class DeletedObjects(TypedDict):
    """Objects and containers that were deleted."""

    deleted: Annotated[list[str], "the paths, as `path:/CONTAINER[/OBJECT]`"]
    objects: Annotated[int, "number of objects that were deleted, without segments"]


class DoomedObject(TypedDict):
    """An object or a container that would be deleted."""

    bytes: Annotated[int | None, "size of the object; null for a container"]
    name: Annotated[str, "its path"]


class EditedText(TypedDict):
    """An object or a storlet that was edited."""

    object: Annotated[str, "the object, as `path:/CONTAINER/OBJECT`"]
    changed: Annotated[bool, "false if the text was left as it was; then nothing was stored"]
    bytes: Annotated[int, "size of the text"]
