"""The standard storlet ``sample``."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

from storlet_shell.shelf.parameters import check_minimum, parse_delimiter
from storlet_shell.shelf.reading import encoded, read_lines
from storlet_shell.shelf.records import detect_json, split_records


def sample(
    file: BinaryIO,
    rows: int | None = None,
    fraction: float | None = None,
    seed: int = 0,
    delimiter: str = ",",
    header: bool = True,
) -> Iterator[bytes]:
    """Return random rows of CSV or JSON lines in their order, each as likely as any other.

    The same object and seed give the same rows. The first row is part of the seed, so that objects of a batch are
    sampled independently. Rows stay as they are, and the header of CSV comes on top.

    :param rows: the number of rows, which are kept in memory (default: 10, unless a fraction is requested)
    :param fraction: the probability of each row instead, from 0 to 1; memory doesn't depend on it
    :param seed: another seed gives other rows
    :param delimiter: the character between the fields of CSV; or ``tab``
    :param header: whether CSV has a header
    :raises ValueError: if a number is out of its range, or both are passed
    """
    check_minimum("rows", rows)
    if fraction is not None and not 0 <= fraction <= 1:
        raise ValueError(f"parameter fraction: must be from 0 to 1, not {fraction}")
    if fraction is not None and rows is not None:
        raise ValueError("parameter fraction: pass rows or a fraction, not both")
    is_json, lines = detect_json(read_lines(file, ""))
    records = split_records(lines, is_json, parse_delimiter(delimiter))
    if header and not is_json:
        yield from map(encoded, _with_end(next(records, "")))
    first = next(records, "")
    draw = random.Random(f"{seed} {first}".encode("utf-8", "surrogateescape"))  # noqa: S311 - nothing secret
    everything = chain([first] if first else [], records)
    if fraction is not None:
        chosen: Iterator[str] = (text for text in everything if draw.random() < fraction)
    else:
        chosen = _reservoir(everything, 10 if rows is None else rows, draw)
    for text in chosen:
        yield from map(encoded, _with_end(text))


def _with_end(text: str) -> Iterator[str]:
    """Yield a row, and a line end if it is the object's last row without one."""
    if text:
        yield text
        if not text.endswith(("\n", "\r")):
            yield "\n"


def _reservoir(texts: Iterator[str], count: int, draw: random.Random) -> Iterator[str]:
    """Choose so many rows, each with the same probability (Vitter's algorithm R)."""
    chosen: list[tuple[int, str]] = []
    for number, text in enumerate(texts):
        if number < count:
            chosen.append((number, text))
            continue
        place = int(draw.random() * (number + 1))
        if place < count:
            chosen[place] = (number, text)
    return (text for _, text in sorted(chosen))
