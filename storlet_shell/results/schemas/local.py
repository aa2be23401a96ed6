"""Results of ``local``."""

from __future__ import annotations

from typing import Annotated, TypedDict

from storlet_shell.results.schemas.shared import Time


class StartedSwift(TypedDict):
    """The embedded Swift that runs now."""

    started: Annotated[bool, "false if it ran already"]
    auth: Annotated[str, "who issues tokens: `tempauth` or `keystone`"]
    auth_url: str
    storage_url: str
    storage_urls: Annotated[list[str], "the account at each proxy"]
    s3_url: Annotated[str | None, "URL for S3 clients; null without `--s3`"]
    user: str
    pid: int


class StoppedSwift(TypedDict):
    """The embedded Swift, which doesn't run now."""

    stopped: Annotated[bool, "false if it didn't run"]


class EmptiedSwift(TypedDict):
    """The embedded Swift, whose data was deleted."""

    deleted: Annotated[str, "the data folder"]


class WrittenInterface(TypedDict):
    """The Java interface of storlets, as a jar."""

    file: Annotated[str, "the jar, as it was named"]
    bytes: Annotated[int, "size of the jar"]


class SwiftStatus(TypedDict):
    """The embedded Swift; what only a running one has is null otherwise."""

    running: bool
    auth: Annotated[str | None, "who issues tokens: `tempauth` or `keystone`"]
    auth_url: str | None
    storage_url: str | None
    storage_urls: Annotated[list[str], "the account at each proxy"]
    s3_url: Annotated[str | None, "URL for S3 clients; null without `--s3`"]
    user: str | None
    pid: int | None
    started_at: Time | None
    is_lasting: Annotated[bool | None, "whether it runs until it is stopped, rather than until nobody uses it"]
    time_limit_seconds: Annotated[int | None, "how long a storlet may run"]
    memory_limit_bytes: Annotated[int | None, "memory of each process of a storlet"]
    isolation: Annotated[str | None, "what a JVM for Java storlets serves: one `run`, or a user's runs in an `account`"]
    sandbox: Annotated[str | None, "what isolates storlets, in the engine's own words"]
    versions: Annotated[dict[str, str], "releases of Swift and Storlets"]
    folder: Annotated[str, "data folder"]
    used_bytes: Annotated[int, "size of the data folder"]
    free_bytes: Annotated[int, "free space on its disk"]
