"""Results of ``logs``."""

from __future__ import annotations

from typing import Annotated, TypedDict

from storlet_shell.results.schemas.shared import Time


class LogRecord(TypedDict):
    """A run of a storlet. A log that doesn't tell runs apart is one record with nothing but text."""

    time: Annotated[Time | None, "when it ended"]
    transaction: Annotated[str | None, "Swift's transaction id"]
    request: Annotated[str | None, "method and path, as the client sent them"]
    succeeded: bool | None
    error: Annotated[str | None, "kind of the failure and its message"]
    seconds: Annotated[float | None, "duration"]
    text: Annotated[str, "its log, and its traceback"]


class RunSummary(TypedDict):
    """A run without what it logged; its fields are those of a log's record."""

    time: Time | None
    transaction: str | None
    request: str | None
    succeeded: bool | None
    error: str | None
    seconds: float | None
