"""Results that several commands have, and what they consist of."""

from __future__ import annotations

from typing import Annotated, Generic, NotRequired, TypedDict, TypeVar

Row = TypeVar("Row")

Time = str
"""A time in ISO 8601, UTC, with a ``Z`` at its end."""


class Listing(TypedDict, Generic[Row]):
    """A table."""

    rows: Annotated[list[Row], "one object for each row"]


class PlannedRequest(TypedDict):
    """A request that would be sent."""

    method: Annotated[str, "HTTP method"]
    url: str
    headers: Annotated[dict[str, str], "header names and values; secrets are hidden"]
    body: Annotated[str | None, "description of the body; null without one"]


class Plan(TypedDict):
    """The result of `--dry-run`: nothing was sent."""

    requests: Annotated[list[PlannedRequest], "the requests, in order"]


class Failure(TypedDict):
    """An error instead of a result; the exit status is that of the line."""

    error: Annotated[str, "class of the error, as in `storlet_shell.errors`"]
    message: Annotated[str, "one line: what failed, why, and what to do next"]
    transaction: Annotated[str | None, "Swift's transaction id of the request that failed"]
    details: Annotated[str | None, "further lines: a storlet's log and traceback, say"]
    exit_status: int
    subject: Annotated[str | None, "what the error is about: a path, a container, a storlet, a file"]
    status: Annotated[int | None, "HTTP status of the request that failed"]
    hint: Annotated[Hint | None, "what to do next"]


class Hint(TypedDict):
    """What to do about an error."""

    action: Annotated[str, "name of the action, such as `make_container`"]
    arguments: Annotated[list[str], "names and paths that the action applies to"]
    text: Annotated[str, "the same as a line to type"]


class Answer(TypedDict):
    """An object that was read or written."""

    object: Annotated[str, "the object, as `path:/CONTAINER/OBJECT`"]
    status: Annotated[int, "HTTP status"]
    headers: Annotated[dict[str, str], "headers of the answer, as Swift sent them"]
    content: NotRequired[Annotated[str, "the body, if it is UTF-8"]]
    content_base64: NotRequired[Annotated[str, "the body in Base64, if it isn't UTF-8"]]
    file: NotRequired[Annotated[str, "with `--save`: the file that the body was written to"]]
    bytes: NotRequired[Annotated[int, "with `--save`: size of the file"]]
