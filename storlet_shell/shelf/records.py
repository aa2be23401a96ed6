"""Read the rows of CSV and of JSON lines, and write them."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

from storlet_shell.shelf.parameters import unknown_column
from storlet_shell.shelf.reading import LONGEST_LINE

_MOST_NAMES = 1000


def detect_json(lines: Iterator[str]) -> tuple[bool, Iterator[str]]:
    """Tell whether lines are JSON lines rather than CSV: the first character that isn't a blank is ``{``.

    :returns: that, and all of the lines
    """
    first: list[str] = []
    for line in lines:
        first.append(line)
        if not line.isspace():
            break
    return bool(first) and first[-1].lstrip().startswith("{"), chain(first, lines)


def split_records(lines: Iterator[str], is_json: bool, delimiter: str = ",") -> Iterator[str]:
    """Yield the text of each row, the header's too, as it is in the object; blank lines are left out."""
    if is_json:
        yield from (line for line in lines if not line.isspace())
        return
    text: list[str] = []

    def remembered() -> Iterator[str]:
        for line in lines:
            text.append(line)
            yield line

    csv.field_size_limit(LONGEST_LINE)
    reader = csv.reader(remembered(), delimiter=delimiter)
    try:
        for fields in reader:
            if fields:
                yield "".join(text)
            text.clear()
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}") from None


def read_table(
    lines: Iterator[str], delimiter: str = ",", header: bool = True
) -> tuple[list[str], Iterator[list[str]]]:
    """Return the columns of CSV, and its rows.

    :param header: whether the first row names the columns; else they are ``_1``, ``_2``, and so on
    :raises ValueError: if a row is malformed, or a column occurs twice
    """
    rows = _read_rows(lines, delimiter, header)
    first = next(rows, [])
    if not header:
        return [f"_{number}" for number in range(1, len(first) + 1)], chain([first] if first else [], rows)
    if len(set(first)) < len(first):
        raise ValueError("header: a column occurs twice")
    return first, rows


def _read_rows(lines: Iterator[str], delimiter: str, header: bool) -> Iterator[list[str]]:
    csv.field_size_limit(LONGEST_LINE)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    row, width = 0 if header else 1, 0
    try:
        for fields in reader:
            width = width or len(fields)
            if len(fields) == width:
                yield fields
            elif fields:
                first = "the header" if header else "row 1"
                raise ValueError(f"row {row} (line {reader.line_num}): {len(fields)} fields, but {first} has {width}")
            row += bool(fields)
    except csv.Error as error:
        label = f"row {row}" if row else "header"
        raise ValueError(f"{label} (line {reader.line_num}): {error}") from None


def _no_number(_: str) -> None:
    """Read NaN and Infinity, which aren't JSON, as null."""


def _finite(text: str) -> object:
    """Return a number; one beyond the largest float stays text, since JSON has no infinity."""
    value = float(text)
    return value if math.isfinite(value) else text


def read_objects(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield the rows of JSON lines.

    :raises ValueError: if one isn't a JSON object
    """
    row = 0
    for number, line in enumerate(lines, 1):
        if line.isspace():
            continue
        row += 1
        try:
            value = json.loads(line, parse_constant=_no_number, parse_float=_finite)
            reason = "not a JSON object"
        except json.JSONDecodeError as error:
            value, reason = None, f"not JSON: {error.msg} at column {error.colno}"
        except (ValueError, RecursionError) as error:
            value, reason = None, f"not JSON: {error}"
        if not isinstance(value, dict):
            raise ValueError(f"row {row} (line {number}): {reason}")
        yield value


def with_columns(rows: Iterator[dict[str, Any]], columns: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield the rows of JSON lines, and then check that each of these columns was in one of them.

    :raises ValueError: if one wasn't, unless there are no rows
    """
    missing = set(columns)
    names: dict[str, None] = {}
    for row in rows:
        if missing:
            missing -= row.keys()
            names.update(dict.fromkeys(row) if len(names) < _MOST_NAMES else {})
        yield row
    if missing and names:
        raise unknown_column(min(missing), names)


class _Echo:
    """A file that returns what is written."""

    def write(self, text: str) -> str:
        """Return the text."""
        return text


def table_encoder(delimiter: str = ",") -> Callable[[Iterable[object]], str]:
    """Return a function that turns fields into a line of CSV."""
    write = csv.writer(_Echo(), delimiter=delimiter).writerow

    def encode(fields: Iterable[object]) -> str:
        line: Any = write(fields)
        return str(line[:-2]) + "\n"  # with a bare \n as line terminator, csv wouldn't quote a \r

    return encode


def json_encoder() -> Callable[[object], str]:
    """Return a function that turns values into compact JSON; surrogates without a partner are escaped."""
    write = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

    def encode(value: object) -> str:
        text = write(value)
        return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()

    return encode
