"""Results of ``select``."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict


class QueryFigures(TypedDict):
    """What a query has read and moved."""

    objects: Annotated[int, "number of objects that were read; after a LIMIT, of those whose rows were used"]
    failed: Annotated[int, "number of objects that failed, and were left out"]
    rows_read: Annotated[int | None, "number of rows that were read next to the data; null after a LIMIT"]
    rows_malformed: Annotated[int, "number of rows that were left out"]
    bytes_read: Annotated[int | None, "size of all objects; null if unknown, or after a LIMIT"]
    bytes_moved: Annotated[int, "size of the objects' results"]
    seconds: Annotated[float, "duration"]


class SelectedRows(QueryFigures):
    """The result of a query: its rows, and figures after the last row."""

    rows: Annotated[list[dict[str, Any]], "one object for each row, with the query's own columns"]


class SavedRows(QueryFigures):
    """With `--save`: the file that the rows were written to."""

    file: str
    bytes: Annotated[int, "size of the file"]


class ExplainedQuery(TypedDict):
    """With `--explain`: what runs where, and what a few objects take."""

    pattern: Annotated[str, "the objects, as `path:/CONTAINER/PATTERN`"]
    objects: Annotated[int | None, "number of objects that match; null if there are over 10000"]
    bytes: Annotated[int | None, "size of all objects; null likewise"]
    format: Annotated[str | None, "`csv`, `jsonl` or `parquet`; null if the first objects are empty"]
    measured: Annotated[list[str], "the objects that were read: up to three, from the whole listing"]
    measured_bytes: Annotated[int, "their size"]
    measured_moved: Annotated[int, "size of their results"]
    measured_seconds: Annotated[float, "duration of their runs"]
    estimated_moved: Annotated[int | None, "bytes that the whole query moves at this rate; null if unknown"]
    at_the_data: Annotated[list[str], "what runs next to the data"]
    here: Annotated[list[str], "clauses that run here"]
    plan: Annotated[dict[str, Any], "the storlet's part of the query"]
