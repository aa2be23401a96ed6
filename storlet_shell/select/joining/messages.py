"""The lines of the storlet's results, checked: anyone who may deploy can store another storlet under its name."""

from __future__ import annotations

import json
from itertools import chain
from typing import Any, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.shelf.select.sums import EXTREMES, SUMS

_VALUES = frozenset({int, float, str, type(None)})


@typed_equality
class Probe(NamedTuple):
    """What the storlet finds in the head of an object.

    :param format: ``csv``, ``jsonl`` or ``parquet``; None for an empty object
    :param columns: empty for an empty object
    """

    format: str | None
    columns: tuple[str, ...]


@typed_equality
class Shape(NamedTuple):
    """What the lines of a query's results contain.

    :param width: the number of values in a row, or in the key of a group
    :param aggregates: the names of a group's aggregates
    """

    width: int
    aggregates: tuple[str, ...] = ()


@typed_equality
class End(NamedTuple):
    """The last line of a result.

    :param rows: the number of rows that were read
    :param malformed: the number of rows that were left out
    :param sample: the first of those, and the reason; empty if unknown
    """

    rows: int
    malformed: int
    sample: str


def parse_line(line: bytes) -> Any:
    """Parse a line.

    :raises ValueError: if it isn't JSON
    """
    try:
        return json.loads(line)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def parse_probe(line: bytes) -> Probe:
    """Return the answer to a probe.

    :raises ValueError: if it isn't one
    """
    match parse_line(line):
        case {"probe": {"format": None | "csv" | "jsonl" | "parquet" as format, "columns": [*columns]}}:
            if set(map(type, columns)) <= {str}:
                return Probe(format, tuple(columns))
    raise ValueError("unknown answer")


def parse_end(message: Any) -> End | None:
    """Return the last line of a result; None for another line.

    :raises ValueError: if something is wrong with it
    """
    if not isinstance(message, dict) or "end" not in message:
        return None
    match message["end"]:
        case {"rows": int(rows), "malformed": int(malformed), "samples": [[row, reason], *_]}:
            return End(rows, malformed, f"row {row}: {reason}")
        case {"rows": int(rows), "malformed": int(malformed)}:
            return End(rows, malformed, "")
    raise ValueError("unknown end")


def parse_rows(message: Any, shape: Shape) -> list[list[Any]]:
    """Return the rows of a line.

    :raises ValueError: if they aren't rows of this shape
    """
    is_table = isinstance(message, list) and set(map(type, message)) <= {list}
    if not is_table or not set(map(len, message)) <= {shape.width}:
        raise ValueError("unknown rows")
    if not _VALUES.issuperset(map(type, chain.from_iterable(message))):
        raise ValueError("unknown values")
    return message  # type: ignore[no-any-return]  # it has been checked


def parse_group(message: Any, shape: Shape) -> tuple[list[Any], list[Any]]:
    """Return the key and the states of a group.

    :raises ValueError: if they don't have this shape
    """
    match message:
        case {"g": [[*key], [*states]]} if len(key) == shape.width and len(states) == len(shape.aggregates):
            if _VALUES.issuperset(map(type, key)) and all(map(_is_state, shape.aggregates, states)):
                return key, states
    raise ValueError("unknown group")


def _is_state(name: str, state: Any) -> bool:
    """Tell whether a value is the state of an aggregate, see :mod:`storlet_shell.shelf.select.sums`."""
    if name in SUMS:
        match state:
            case [int(), int(), [*parts], bool()]:
                return set(map(type, parts)) <= {float}
        return False
    return type(state) in _VALUES if name in EXTREMES else type(state) is int
