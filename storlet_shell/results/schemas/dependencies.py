"""Results of ``dependencies``."""

from __future__ import annotations

from typing import Annotated, TypedDict

from storlet_shell.results.schemas.shared import Time


class Dependency(TypedDict):
    """A deployed dependency."""

    name: str
    container: Annotated[str, "the container of dependencies"]
    bytes: Annotated[int | None, "size"]
    permissions: Annotated[str, "permissions of the file in engines, in octal: `0600`"]
    version: Annotated[str | None, "derived from its content; null if another client uploaded it"]
    needed_by: Annotated[list[str], "storlets that name it"]
    packages: Annotated[dict[str, str], "packages in it, with their versions; empty for other dependencies"]
    last_modified: Time | None
    etag: Annotated[str, "MD5 of its bytes"]


class DeletedDependencies(TypedDict):
    """Dependencies that were deleted."""

    container: Annotated[str, "the container of dependencies"]
    deleted: Annotated[list[str], "names"]
