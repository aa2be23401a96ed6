"""What a function returns, as bytes."""

from __future__ import annotations

import csv as _csv
import json as _json
from collections.abc import Callable as _Callable
from itertools import chain as _chain
from typing import Any as _Any

from storlet_shell.storlets.functions.adapter.output import _StorletOutput

_STORLET_CSV, _STORLET_JSON, _STORLET_JSON_LINES = "text/csv", "application/json", "application/x-ndjson"


def storlet_write(result: _Any, output: _StorletOutput, is_json: _Callable[[], bool], *, is_table: bool) -> None:
    """Write what the function returned, or what it yields.

    :param is_json: tells whether dicts become JSON lines; else they are rows of CSV
    :param is_table: whether an empty list is a table without rows; else it is a JSON document
    """
    if isinstance(result, (list, tuple)) and result:
        is_table = isinstance(result[0], dict)
    if (is_table and isinstance(result, (list, tuple))) or hasattr(result, "__next__"):
        items = iter(result)
        for first in items:
            output.content_type, kinds, encode = storlet_encoder(first, is_json)
            storlet_write_items(_chain([first], items), output, kinds, encode)
    elif isinstance(result, str):
        output.write(result.encode())
    elif isinstance(result, (bytes, bytearray, memoryview)):
        output.write(result)
    elif result is not None:
        output.content_type = _STORLET_JSON
        output.write(storlet_json_line(result))


def storlet_write_header(output: _StorletOutput, columns: _Any, input_columns: list[str]) -> None:
    """Write the header of a table without rows, if it is known.

    :param columns: names; None stands for those of the input
    """
    if columns and (input_columns or None not in columns):
        parts = [input_columns if name is None else [name] for name in columns]
        names = list(dict.fromkeys(_chain.from_iterable(parts)))
        output.content_type = _STORLET_CSV
        output.write(_csv.writer(_StorletEcho()).writerow(names)[:-2].encode() + b"\n")


def storlet_write_items(items: _Any, output: _StorletOutput, kinds: _Any, encode: _Any) -> None:
    """Write items, which must all be of the same kind."""
    others = (str, bytes, bytearray, memoryview, dict) if kinds is object else ()
    for number, item in enumerate(items, 1):
        if not isinstance(item, kinds) or (others and isinstance(item, others)):
            raise TypeError(f"item {number} of the result is of another kind than the first: {type(item).__name__}")
        output.write(encode(item))


def storlet_encoder(first: _Any, is_json: _Callable[[], bool]) -> tuple[str, _Any, _Callable[[_Any], bytes]]:
    """Return the content type of a result, the types that go with its first item, and what encodes such an item.

    The content type is empty if the function chooses the format: it yields text or bytes.
    """
    if isinstance(first, str):
        return "", str, str.encode
    if isinstance(first, (bytes, bytearray, memoryview)):
        return "", (bytes, bytearray, memoryview), lambda data: data
    if not isinstance(first, dict):
        return _STORLET_JSON_LINES, object, storlet_json_line
    if is_json():
        return _STORLET_JSON_LINES, dict, storlet_json_line
    return _STORLET_CSV, dict, storlet_table_encoder(list(first))


def storlet_table_encoder(names: list[str]) -> _Callable[[_Any], bytes]:
    """Return what encodes a row as CSV, the first one with the header."""
    if not names:
        raise ValueError("row 1 of the result has no columns")
    row_text = _csv.writer(_StorletEcho()).writerow
    lines = [row_text(names)]

    def encode(row: dict[str, object]) -> bytes:
        if row.keys() != columns:
            raise ValueError(f"the rows of the result have different columns: {', '.join(names)}; {', '.join(row)}")
        lines.append(row_text([row[name] for name in names]))
        text = "".join([line[:-2] + "\n" for line in lines])  # with a bare \n, csv wouldn't quote a \r
        lines.clear()
        return text.encode()

    columns = dict.fromkeys(names).keys()
    return encode


class _StorletEcho:
    """A file that returns what is written."""

    def write(self, text: str) -> str:
        """Return the text."""
        return text


def storlet_json_line(value: object) -> bytes:
    """Return a value as a line of JSON."""
    text = storlet_encode_json(value) + "\n"
    return text.encode("utf-8", "backslashreplace")  # lone surrogates, as JSON escapes them


def storlet_to_plain(value: _Any) -> object:
    """Convert a number or an array of numpy."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} can't be written as JSON")


storlet_encode_json = _json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=storlet_to_plain).encode
