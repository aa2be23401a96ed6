"""Results of ``acl``."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict


class AclEntry(TypedDict):
    """An entry of a container's ACLs."""

    right: Literal["read", "write", "run"]
    grantee: Annotated[str, "an entry as Swift spells it; for `run`, the user's name"]
    storlet: Annotated[str | None, "for `run`: the storlet that the user may run over the container"]


class AclChange(TypedDict):
    """A right that was granted or revoked."""

    container: str
    right: Literal["read", "write", "run"]
    grantee: Annotated[str, "as in the rows of `acl list`"]
    storlet: Annotated[str | None, "for `run`: the storlet"]
    changed: Annotated[bool, "false if the grantee had the right already"]
