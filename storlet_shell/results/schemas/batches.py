"""Results of ``map``, ``pipe``, and ``reduce``."""

from __future__ import annotations

from typing import Annotated, NotRequired, TypedDict


class MappedObject(TypedDict):
    """An object of a batch."""

    status: Annotated[int | None, "HTTP status; null without an answer"]
    bytes: Annotated[int | None, "size of the result; null if the cluster keeps it"]
    seconds: Annotated[float, "time that the endpoint took"]
    endpoint: Annotated[str | None, "region, or host and port, that took the run"]
    object: Annotated[str, "the input, as `path:/CONTAINER/OBJECT`"]
    output: Annotated[str | None, "object or file that the result was written to"]
    error: Annotated[str | None, "one line; null if all went well"]
    transaction: Annotated[str | None, "Swift's transaction id"]


class BatchRows(TypedDict):
    """A batch: a row for each object as it is done, and figures after the last row."""

    rows: list[MappedObject]
    done: Annotated[int, "number of objects that are done"]
    failed: Annotated[int, "number of objects that failed"]
    done_before: Annotated[int, "number of objects that the journal knew as done"]
    bytes: Annotated[int, "size of all results"]
    seconds: Annotated[float, "duration of the batch"]
    is_whole: Annotated[bool, "whether every object was run; failures included"]
    file: NotRequired[Annotated[str | None, "with `--concat`: the file of all results"]]
    file_bytes: NotRequired[Annotated[int, "with `--concat`: the size of that file"]]


class ReducedObject(TypedDict):
    """An object that was made from many."""

    object: Annotated[str, "the object, as `path:/CONTAINER/OBJECT`"]
    inputs: Annotated[int, "number of objects that were read"]
    runs: Annotated[int, "number of runs"]
    levels: Annotated[int, "height of the tree of runs"]
