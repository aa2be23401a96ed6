"""Results of ``cp`` and ``mv``."""

from __future__ import annotations

from typing import Annotated, TypedDict


class RelocatedObjects(TypedDict):
    """Objects that were copied or moved."""

    sources: Annotated[list[str], "objects as `path:/CONTAINER/OBJECT`, and patterns"]
    target: Annotated[str, "object, container or folder, as `path:/CONTAINER[/NAME]`"]
    objects: Annotated[int, "number of objects that were copied or moved"]


class PlannedRelocation(TypedDict):
    """An object that would be copied or moved."""

    bytes: Annotated[int | None, "size of the object"]
    source: Annotated[str, "the object, as `path:/CONTAINER/OBJECT`"]
    target: Annotated[str, "its target, likewise"]
    error: Annotated[str | None, "why it can't be copied or moved"]
