"""The first rows of CSV, tab-separated values, and JSON lines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from typing import Any

from storlet_shell.results.page.grid import View
from storlet_shell.results.page.head import Head
from storlet_shell.results.page.samples import ROWS, Sample, is_number, sample_view

_SEPARATORS = {"csv": ",", "tsv": "\t"}
_NAMES = {dict: "object", list: "array", str: "string", bool: "boolean", int: "number", float: "number"}


def text_table(head: Head) -> View | None:
    """Return the first rows of a table; None if the body isn't what its type says."""
    sample = _separated(head) if head.form in _SEPARATORS else _json_lines(head)
    return sample and sample_view(sample, head)


def _separated(head: Head) -> Sample | None:
    """Read comma or tab separated values; headings are taken for such unless there is a number among them."""
    if "\x00" in head.text:
        return None
    try:
        reader = csv.reader(io.StringIO(head.text, newline=""), delimiter=_SEPARATORS[head.form])
        records = [record for record in reader if record]
    except csv.Error:
        return None
    if not head.is_whole and len(records) > 1:
        records.pop()  # its end may be missing
    if not records:
        return None
    width = max(map(len, records[: ROWS + 1]))
    has_names = not any(map(is_number, records[0]))
    names = records[0] if has_names else []
    rows = records[has_names:]
    columns = [(names[at] if at < len(names) else "", "") for at in range(width)]
    return Sample(columns, rows[:ROWS], len(rows) if head.is_whole else None, has_names)


def _json_lines(head: Head) -> Sample | None:
    """Read a JSON object from each line; the columns are the names in those that are shown."""
    lines = [line for line in head.text.split("\n") if line.strip()]
    if not head.is_whole and len(lines) > 1:
        lines.pop()
    try:
        records = [json.loads(line) for line in lines[:ROWS]]
    except (ValueError, RecursionError):
        return None
    if not records or not all(isinstance(record, dict) for record in records):
        return None
    names = list(dict.fromkeys(name for record in records for name in record))
    columns = [(name, _json_type(record[name] for record in records if name in record)) for name in names]
    rows = [[record.get(name, "") for name in names] for record in records]
    return Sample(columns, rows, len(lines) if head.is_whole else None)


def _json_type(values: Iterable[Any]) -> str:
    return " or ".join(dict.fromkeys(_NAMES[type(value)] for value in values if value is not None)) or "null"
