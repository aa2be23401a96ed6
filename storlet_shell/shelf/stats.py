"""The standard storlet ``stats``."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from storlet_shell.shelf.distinct import Distinct
from storlet_shell.shelf.parameters import parse_delimiter, parse_names, unknown_column
from storlet_shell.shelf.reading import read_lines
from storlet_shell.shelf.records import detect_json, json_encoder, read_objects, read_table, with_columns
from storlet_shell.shelf.select.values import numeric

_MOST_COLUMNS = 10_000
_CHUNK = 1 << 17
"""The number of characters in the rows that are counted at once."""


def stats(file: BinaryIO, columns: str = "", delimiter: str = ",", header: bool = True) -> Iterator[dict[str, object]]:
    """Describe each column of CSV or JSON lines: its values, their type, and how many of them are distinct.

    Each text is a number if SQLite would store it as one in a NUMERIC column, as for ``select``; empty fields are null.
    The type is ``integer``, ``real`` (also if some are integers), ``text``, ``mixed`` (numbers and text), or ``null``.
    Numbers are less than text. The mean is that of the numbers.

    :param columns: names with commas (default: all)
    :param delimiter: the character between the fields of CSV; or ``tab``
    :param header: whether CSV has a header; else its columns are ``_1``, ``_2``, and so on
    :raises ValueError: if a parameter or a row is malformed
    """
    delimiter, wanted = parse_delimiter(delimiter), parse_names(columns)
    is_json, lines = detect_json(read_lines(file, "", strict=True))
    chunks = _chunks_of_objects(lines, wanted) if is_json else _chunks_of_table(lines, wanted, delimiter, header)
    summaries: dict[str, _Column] = {}
    count = 0
    for size, chunk in chunks:
        count += size
        for name, values in chunk.items():
            if name not in summaries and len(summaries) == _MOST_COLUMNS:
                raise ValueError(f"more than {_MOST_COLUMNS} columns; name those to describe: parameter columns")
            summaries.setdefault(name, _Column()).add(Counter(values))
    for name, summary in summaries.items():
        yield {"column": name, **summary.described(count)}


def _chunks_of_table(
    lines: Iterator[str], wanted: list[str], delimiter: str, header: bool
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the number of some rows, and the values of each column in them."""
    names, rows = read_table(lines, delimiter, header)
    if not names:
        return
    for name in wanted:
        if name not in names:
            raise unknown_column(name, names)
    places = [(name, names.index(name)) for name in wanted or names]
    yield 0, {name: () for name, _ in places}
    for chunk in _chunks(rows, lambda fields: sum(map(len, fields))):
        values = list(zip(*chunk))
        yield len(chunk), {name: values[place] for name, place in places}


def _chunks_of_objects(lines: Iterator[str], wanted: list[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the number of some rows, and the values of each column in them; a missing value isn't among them."""
    encode = json_encoder()
    for chunk in _chunks(with_columns(read_objects(lines), wanted), lambda row: len(str(row))):
        values: dict[str, list[object]] = {name: [] for name in wanted}
        for row in chunk:
            for name in wanted or row:
                if name in row:
                    values.setdefault(name, []).append(_plain(row[name], encode))
        yield len(chunk), values


def _chunks(rows: Iterator[Any], size_of: Callable[[Any], int]) -> Iterator[list[Any]]:
    chunk, size = [], 0
    for row in rows:
        chunk.append(row)
        size += size_of(row)
        if size > _CHUNK:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _plain(value: Any, encode: Callable[[object], str]) -> object:
    """Return a value of JSON as a text, a number, or None: true and false as 1 and 0, what is nested as JSON."""
    if isinstance(value, (dict, list)):
        return encode(value)
    return int(value) if isinstance(value, bool) else value


class _Column:
    """What is known about a column."""

    def __init__(self) -> None:
        self._counts = {int: 0, float: 0, str: 0}
        self._bounds: dict[bool, list[Any]] = {True: [], False: []}
        self._sum = 0
        self._floats: list[float] = []
        self._distinct = Distinct()

    def add(self, values: Counter[Any]) -> None:
        """Add values with the number of times that each occurs."""
        pairs = [(numeric(value), times) for value, times in values.items() if value is not None and value != ""]
        self._distinct.update([value for value, _ in pairs])
        for kind in self._counts:
            chosen = [pair for pair in pairs if type(pair[0]) is kind]
            if not chosen:
                continue
            self._counts[kind] += sum(times for _, times in chosen)
            bounds = self._bounds[kind is str] + [value for value, _ in chosen]
            self._bounds[kind is str] = [min(bounds), max(bounds)]
            if kind is int:
                self._sum += sum(value * times for value, times in chosen)
            elif kind is float:
                self._floats = [_total([*self._floats, *(value * times for value, times in chosen)])]

    def described(self, rows: int) -> dict[str, object]:
        """Return the facts about the column.

        :param rows: the number of rows, with those in which it is null
        """
        integers, reals, texts = self._counts.values()
        numbers = integers + reals
        count = numbers + texts
        kind = "mixed" if texts and numbers else "text" if texts else "real" if reals else "integer"
        return {
            "type": kind if count else "null",
            "count": count,
            "null": rows - count,
            "min": _json_number(self._bounds[not numbers][0]) if count else None,
            "max": _json_number(self._bounds[bool(texts)][1]) if count else None,
            "mean": _json_number(_mean(self._sum, self._floats, numbers)),
            "distinct": self._distinct.count(),
            "exact": self._distinct.is_exact,
        }


def _mean(integers: int, floats: list[float], count: int) -> float | None:
    """Return the mean of numbers; of integers alone, their exact sum is divided."""
    if not count:
        return None
    return (integers + _total(floats)) / count if floats else integers / count


def _total(values: list[float]) -> float:
    """Return the sum of numbers; not a number if they contain both infinities."""
    try:
        return math.fsum(values)
    except (OverflowError, ValueError):
        return math.nan


def _json_number(value: Any) -> object:
    """Return a value that JSON can express."""
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return None if math.isnan(value) else str(value)
