"""Results of ``stat``."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from storlet_shell.results.schemas.shared import Time


class LargeObject(TypedDict):
    """A large object's manifest."""

    kind: Literal["static", "dynamic"]
    prefix: Annotated[str | None, "of a dynamic one: CONTAINER/PREFIX of its segments"]


class StorletMetadata(TypedDict):
    """The description of a deployed storlet."""

    language: Annotated[str, "`python` or `java`"]
    main: Annotated[str, "the main class"]
    dependencies: Annotated[list[str], "names of the dependencies"]


class ObjectFacts(TypedDict):
    """All about an object."""

    kind: Literal["object"]
    location: Annotated[str, "the path, as `path:/CONTAINER/OBJECT`"]
    bytes: Annotated[int | None, "size"]
    content_type: str | None
    etag: Annotated[str | None, "MD5 of its bytes, except for large objects"]
    last_modified: Time | None
    expires_at: Annotated[Time | None, "when Swift deletes it"]
    content_encoding: str | None
    content_disposition: str | None
    large_object: LargeObject | None
    symlink_target: Annotated[str | None, "path of the object that a link leads to, which all else describes"]
    storlet: Annotated[StorletMetadata | None, "if it is a deployed storlet"]
    metadata: Annotated[dict[str, str], "user metadata"]
    headers: Annotated[dict[str, str], "all headers, as Swift sent them; secrets are hidden"]


class ContainerFacts(TypedDict):
    """All about a container."""

    kind: Literal["container"]
    location: Annotated[str, "the path, as `path:/CONTAINER`"]
    objects: Annotated[int | None, "number of objects"]
    bytes: Annotated[int | None, "size of all objects"]
    last_modified: Time | None
    storage_policy: str | None
    read_acl: Annotated[list[str], "entries"]
    write_acl: Annotated[list[str], "entries"]
    keeps_versions: Annotated[bool, "whether Swift keeps older versions of objects in place"]
    versions_location: Annotated[str | None, "container that older versions are moved to"]
    history_location: Annotated[str | None, "container that older and deleted versions are moved to"]
    metadata: Annotated[dict[str, str], "user metadata"]
    headers: Annotated[dict[str, str], "all headers, as Swift sent them; secrets are hidden"]


class AccountFacts(TypedDict):
    """All about the account."""

    kind: Literal["account"]
    location: Annotated[str, "`path:/`"]
    account: Annotated[str, "name of the account"]
    containers: Annotated[int | None, "number of containers"]
    objects: Annotated[int | None, "number of objects"]
    bytes: Annotated[int | None, "size of all objects"]
    storlets_enabled: bool
    account_acl: Annotated[str | None, "as Swift gives it: JSON"]
    metadata: Annotated[dict[str, str], "user metadata"]
    headers: Annotated[dict[str, str], "all headers, as Swift sent them; secrets are hidden"]


class TemporaryUrl(TypedDict):
    """A signed link to an object, or to all objects whose names have a prefix."""

    url: str
    method: Annotated[str, "method that it allows, in addition to HEAD"]
    location: Annotated[str, "the object, or the prefix, as `path:/CONTAINER[/NAME]`"]
    is_prefix: bool
    expires_at: Annotated[Time | None, "null if the time is too far away to be written"]
