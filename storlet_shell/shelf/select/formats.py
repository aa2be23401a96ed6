"""The rows of an object, and its columns."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from storlet_shell.shelf.select.lines import Lines
from storlet_shell.shelf.select.opening import Opened, WatchedBytes
from storlet_shell.shelf.select.plan import Plan
from storlet_shell.shelf.select.report import MOST_FIELD_BYTES, Report, csv_reason, is_utf8
from storlet_shell.shelf.select.values import numeric

_SAMPLE_ROWS = 100
_MOST_NAMES_SHOWN = 50
BATCH_ROWS = 64  # few, so that they stay in the processor's cache
_BATCH_BYTES = 2**20


class TextRows:
    """The rows of CSV: lists of texts.

    :ivar names: the columns' names; ``_1``, ``_2`` and so on without a header
    :ivar positions: of the plan's columns, in a row
    :ivar odd: isn't empty once a number could be spelled in a way that isn't SQLite's
    """

    is_text = True

    def __init__(self, opened: Opened, plan: Plan, report: Report) -> None:
        csv.field_size_limit(MOST_FIELD_BYTES)
        self._report = report
        self._options: dict[str, Any] = {
            "delimiter": plan.delimiter,
            "quotechar": plan.quote or None,
            "quoting": csv.QUOTE_MINIMAL if plan.quote else csv.QUOTE_NONE,
        }
        data = WatchedBytes(opened.head, opened.file)
        self.data, self.odd, self._broken = data, data.odd, data.broken
        first_end = re.search(rb"\r?\n|\r", opened.head)
        is_bare = first_end is not None and first_end.group() != b"\r"
        self._newline = "\n" if is_bare else ""  # csv copes with "\r\n", and lines are found faster
        self._lines = Lines(data, self._newline, plan.quote)
        self._reader = csv.reader(self._lines, strict=True, **self._options)
        self._first: list[list[str]] = []
        self.names = self._header() if plan.has_header else self._numbers()
        self.positions = resolve(plan.columns, self.names) if self.names else []
        self._sample = self._sampled(opened.head, plan.has_header)

    def batches(self) -> Iterator[list[list[str]]]:
        """Yield some rows at a time, those that are well-formed."""
        yield self._well_formed(self._first)
        delimiter = self._options["delimiter"]
        is_open = True
        sizes = batch_sizes(self.data)
        while is_open:
            lines = self._lines.take_plain()
            for start in range(0, len(lines), BATCH_ROWS):
                yield self._well_formed([line.split(delimiter) for line in lines[start : start + BATCH_ROWS]])
            if lines:
                continue
            rows: list[list[str]] = []
            reason = ""
            try:
                rows.extend(islice(self._reader, next(sizes)))  # what it got before an error stays in the list
                is_open = bool(rows)
            except csv.Error as error:
                reason = csv_reason(error)
            yield self._well_formed(rows)
            if reason:
                self._report.rows += 1
                self._report.add_malformed(self._report.rows, reason)

    def holds_texts(self, column: int) -> bool:
        """Guess whether most values of a column of the plan are texts."""
        values = self._sample_of(column)
        return sum(isinstance(numeric(value), str) for value in values) * 2 > len(values)

    def holds_integers(self, column: int) -> bool:
        """Guess whether the values of a column of the plan have no fractions."""
        return not any("." in value for value in self._sample_of(column))

    def _sample_of(self, column: int) -> list[str]:
        position = self.positions[column]
        return [row[position] for row in self._sample if len(row) > position and row[position]]

    def _header(self) -> list[str]:
        try:
            names: list[str] = next(filter(None, self._reader), [])
        except csv.Error as error:
            raise ValueError(f"header: {csv_reason(error)}") from None
        if not is_utf8(names):
            raise ValueError("header: not UTF-8")
        return names

    def _numbers(self) -> list[str]:
        """Return numbers as names, one for each field of the first row that is well-formed."""
        while True:
            try:
                row: list[str] = next(filter(None, self._reader), [])
            except csv.Error as error:
                self._report.rows += 1
                self._report.add_malformed(self._report.rows, csv_reason(error))
            else:
                self._first = [row] if row else []
                return [f"_{number}" for number in range(1, len(row) + 1)]

    def _well_formed(self, rows: list[list[str]]) -> list[list[str]]:
        """Return the rows that are well-formed, and count all."""
        width, report = len(self.names), self._report
        if set(map(len, rows)) == {width} and not self._broken:
            report.rows += len(rows)
            return rows
        well_formed = []
        for row in filter(None, rows):  # a blank line is none
            report.rows += 1
            if len(row) != width:
                fields = "1 field" if len(row) == 1 else f"{len(row)} fields"
                report.add_malformed(report.rows, f"{fields} instead of {width}")
            elif self._broken and not is_utf8(row):
                report.add_malformed(report.rows, "not UTF-8")
            else:
                well_formed.append(row)
        return well_formed

    def _sampled(self, head: bytes, has_header: bool) -> list[list[str]]:
        lines = io.StringIO(head.decode("utf-8", "replace"), self._newline)
        rows = csv.reader(lines, **self._options)
        try:
            return list(islice(filter(None, rows), int(has_header), _SAMPLE_ROWS))
        except csv.Error:
            return []


class ObjectRows:
    """The rows of JSON lines: lists of the values of the plan's columns; a missing key is NULL in any of them."""

    is_text = False

    def __init__(self, opened: Opened, plan: Plan, report: Report) -> None:
        self._report = report
        self.data = WatchedBytes(opened.head, opened.file)
        self.names = _keys_of(opened.head)
        self._keys = [match_name(name, self.names) or name for name in plan.columns]
        self.positions = list(range(len(self._keys)))
        self.odd: list[bool] = []

    def batches(self) -> Iterator[list[Any]]:
        """Yield some rows at a time."""
        return in_batches(self._values(), batch_sizes(self.data))

    def _values(self) -> Iterator[list[Any]]:
        keys = self._keys
        for item in self._objects():
            yield [plain(item.get(key)) for key in keys]

    def _objects(self) -> Iterator[dict[str, Any]]:
        report, broken = self._report, self.data.broken
        text = io.TextIOWrapper(self.data, "utf-8", "surrogateescape", "\n")  # type: ignore[type-var]
        decode = json.JSONDecoder(parse_constant=_refuse_number).decode
        for line in text:
            if line.isspace():
                continue
            report.rows += 1
            reason = ""
            try:
                item = decode(line)
                if not isinstance(item, dict):
                    reason = "not a JSON object"
                elif broken and not is_utf8([line]):
                    reason = "not UTF-8"
            except RecursionError:
                reason = "nested too deeply"
            except json.JSONDecodeError as error:
                reason = f"not JSON: {error.msg} at column {error.colno}"
            except ValueError as error:
                reason = f"not JSON: {error}"
            if reason:
                report.add_malformed(report.rows, reason)
            else:
                yield item


class NoRows:
    """An empty object, which has every column."""

    is_text = False
    data = None

    def __init__(self, plan: Plan) -> None:
        self.names: list[str] = []
        self.positions = list(range(len(plan.columns)))
        self.odd: list[bool] = []

    def batches(self) -> Iterator[list[Any]]:
        """Yield nothing."""
        return iter(())


def batch_sizes(data: WatchedBytes) -> Iterator[int]:
    """Yield how many rows to read at a time: fewer, if they are large."""
    rows = 1
    while True:
        before = data.size
        yield rows
        size = data.size - before
        rows = min(BATCH_ROWS, rows * 4) if size < _BATCH_BYTES else max(1, rows * _BATCH_BYTES // size)


def in_batches(rows: Iterator[Any], sizes: Iterator[int]) -> Iterator[list[Any]]:
    """Yield some rows at a time."""
    for size in sizes:
        batch = list(islice(rows, size))
        if not batch:
            return
        yield batch


def resolve(wanted: list[str], names: list[str]) -> list[int]:
    """Return the positions of columns: of the same name, or else of the only one that differs by case.

    :raises ValueError: if none matches, or several do
    """
    positions = []
    for name in wanted:
        match = match_name(name, names)
        if match is None:
            raise _no_column(name, names)
        if names.count(match) > 1:
            label = match or '""'
            raise ValueError(f"column {label} occurs {names.count(match)} times")
        positions.append(names.index(match))
    return positions


def match_name(name: str, names: list[str]) -> Any:
    """Return the column that a name means; None if none matches.

    :raises ValueError: if several differ from it by case only
    """
    if name in names:
        return name
    matches = list(dict.fromkeys(other for other in names if other.casefold() == name.casefold()))
    if len(matches) > 1:
        raise ValueError(f"column {name}: ambiguous: {', '.join(matches)}")
    return matches[0] if matches else None


def plain(value: Any) -> Any:
    """Return a value of JSON or Parquet as a text, a number or None: nested ones as compact JSON, dates as texts."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        return value if value == value else None
    if isinstance(value, int):
        return value
    if isinstance(value, (dict, list)):
        try:
            return nested_json(value)
        except ValueError:
            return nested_json(without_nan(value))
    return plain_text(value)


def nested_json(value: Any) -> str:
    """Return compact JSON.

    :raises ValueError: if it contains a number that JSON doesn't have
    """
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=plain_text)


def without_nan(value: Any) -> Any:
    """Return a nested value with null for the numbers that JSON doesn't have."""
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def plain_text(value: Any) -> str:
    """Return bytes or a date as a text."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _keys_of(head: bytes) -> list[str]:
    """Return the keys of the first objects, in the order in which they occur."""
    names: dict[str, None] = {}
    lines = head.decode("utf-8", "replace").split("\n")
    for line in lines[:-1] or lines:
        try:
            item = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(item, dict):
            names.update(dict.fromkeys(item))
    return list(names)


def _no_column(name: str, names: list[str]) -> ValueError:
    shown = ", ".join(names[:_MOST_NAMES_SHOWN]) + (", …" if len(names) > _MOST_NAMES_SHOWN else "")
    return ValueError(f"no column {name}; there are: {shown}")


def _refuse_number(name: str) -> Any:
    raise ValueError(f"{name} isn't a number")
