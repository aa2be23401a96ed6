"""Results of ``ls``, ``du``, and ``cat``."""

from __future__ import annotations

from typing import Annotated, NotRequired, TypedDict

from storlet_shell.results.schemas.shared import Time


class Entry(TypedDict):
    """A container or an object of a listing; or names folded at a delimiter, of which only the name is known."""

    name: str
    bytes: Annotated[int | None, "size of the object, or of all objects in the container"]
    objects: Annotated[int | None, "number of objects in the container; null for an object"]
    last_modified: Annotated[Time | None, "when it was last written"]
    content_type: Annotated[str | None, "null for a container"]
    etag: Annotated[str | None, "of an object: MD5 of its bytes, except for large objects; null for a container"]


class FolderUsage(TypedDict):
    """The account, a container, or a folder, and all that is below it."""

    bytes: Annotated[int, "size of all objects"]
    objects: Annotated[int, "number of objects"]
    name: Annotated[str, "`CONTAINER`, or `CONTAINER/FOLDER/`; `/` is the account"]


class JoinedObjects(TypedDict):
    """Several objects that were read as one."""

    objects: Annotated[list[str], "the objects, as `path:/CONTAINER/OBJECT`"]
    content: NotRequired[Annotated[str, "their bodies, if they are UTF-8"]]
    content_base64: NotRequired[Annotated[str, "their bodies in Base64, if they aren't UTF-8"]]
