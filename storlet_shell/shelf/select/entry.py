"""The storlet's function."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, BinaryIO

from storlet_shell.shelf.select.formats import NoRows, ObjectRows, TextRows
from storlet_shell.shelf.select.grouping import MOST_TEXT, Groups
from storlet_shell.shelf.select.loop import Loop
from storlet_shell.shelf.select.opening import Opened
from storlet_shell.shelf.select.parquet import ParquetRows
from storlet_shell.shelf.select.plan import FORMATS, Plan
from storlet_shell.shelf.select.report import Report

_LINE_BYTES = 65536
_FIRST_ROWS = 100
_MOST_BYTES_OF_LINE = 2**20  # that the rows of a line are read from


def select(inputs: list[BinaryIO], plan: str = "") -> Iterator[bytes]:
    """Run the part of a query that belongs to an object.

    :param inputs: the object, and the plan if it is too long for a parameter
    :param plan: the plan as JSON
    """
    checked = Plan(plan if len(inputs) < 2 else _text_of_plan(inputs[1]))
    report = Report(checked.is_strict)
    opened = Opened(inputs[0])
    source = rows_of(opened, checked, report)
    if checked.is_probe:
        shown = {"format": opened.format, "columns": source.names, "compressed": opened.is_compressed}
        yield encode_line({"probe": shown})
    elif checked.has_groups:
        yield from _grouped(checked, source, report)
    else:
        yield from _projected(checked, source, report)
    yield encode_line(report.end())


def rows_of(opened: Opened, plan: Plan, report: Report) -> Any:
    """Open the rows of an object.

    :raises ValueError: if it has another format than the plan, or lacks a column
    """
    if opened.format is None:
        return NoRows(plan)
    if plan.format not in (None, opened.format):
        raise ValueError(f"{FORMATS[opened.format]}, but the query reads {FORMATS[plan.format]}")
    return {"csv": TextRows, "jsonl": ObjectRows, "parquet": ParquetRows}[opened.format](opened, plan, report)


def _text_of_plan(file: BinaryIO) -> str:
    try:
        return file.read().decode()
    except UnicodeDecodeError:
        raise ValueError("plan: not UTF-8") from None


def _grouped(plan: Plan, source: Any, report: Report) -> Iterator[bytes]:
    groups = Groups(plan, source.is_text)
    loop = Loop(plan, source).build()
    progress = _Progress(source)
    for rows in source.batches():
        loop(rows, groups.adders, groups.state, bool(source.odd))
        groups.rows += len(rows)
        is_large = progress.exceeds(MOST_TEXT // 2) and groups.text_size() > MOST_TEXT
        if groups.is_full() or is_large:
            yield from _encoded_groups(groups, report)
        elif groups.rows >= groups.most_rows:
            groups.add_up()
    yield from _encoded_groups(groups, report)


class _Progress:
    """How much of an object is read.

    :param source: the opened object
    """

    def __init__(self, source: Any) -> None:
        self._data = source.data
        self._before = 0

    def exceeds(self, size: int) -> bool:
        """Tell whether more bytes were read since this was the case the last time; unknown for Parquet, so never."""
        if self._data is None or self._data.size - self._before <= size:
            return False
        self._before = self._data.size
        return True


def _encoded_groups(groups: Groups, report: Report) -> Iterator[bytes]:
    for key, states, rows in groups.drain():
        report.selected += rows
        yield encode_line({"g": [key, states]})


def _projected(plan: Plan, source: Any, report: Report) -> Iterator[bytes]:
    loop = Loop(plan, source).build()
    limit = sys.maxsize if plan.limit is None else plan.limit
    out: list[Any] = []
    wanted = _FIRST_ROWS
    progress = _Progress(source)
    for rows in source.batches() if limit else ():
        loop(rows, out, limit - report.selected, bool(source.odd))
        is_last = report.selected + len(out) == limit
        if len(out) >= wanted or is_last or (progress.exceeds(_MOST_BYTES_OF_LINE) and out):
            line = encode_line(out)
            wanted = max(1, len(out) * _LINE_BYTES // len(line))
            report.selected += len(out)
            out.clear()
            yield line
        if is_last:
            return
    if out:
        report.selected += len(out)
        yield encode_line(out)


def encode_line(value: Any) -> bytes:
    """Return a value as a line of JSON."""
    text: str = json_encoder()(value)
    return text.encode("utf-8", "backslashreplace") + b"\n"


@lru_cache(maxsize=1)
def json_encoder() -> Callable[[Any], str]:
    """Return what encodes a value as compact JSON; to make it takes longer than to encode a group."""
    return json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
