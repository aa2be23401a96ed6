"""Results of ``ls``."""

from __future__ import annotations

from typing import Annotated, TypedDict

from storlet_shell.results.schemas.shared import Time


class Entry(TypedDict):
    """A container or an object of a listing; or names folded at a delimiter, of which only the name is known."""

    name: str
    bytes: Annotated[int | None, "size of the object, or of all objects in the container"]
    objects: Annotated[int | None, "number of objects in the container; null for an object"]
    last_modified: Annotated[Time | None, "when it was last written"]
    content_type: Annotated[str | None, "null for a container"]
    etag: Annotated[str | None, "of an object: MD5 of its bytes, except for large objects; null for a container"]
