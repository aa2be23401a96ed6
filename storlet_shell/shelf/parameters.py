"""Check the parameters of standard storlets."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterable


def check_minimum(name: str, value: int | None, minimum: int = 0) -> None:
    """Check that a number isn't too small.

    :param value: None if it wasn't passed
    :raises ValueError: if it is
    """
    if value is not None and value < minimum:
        raise ValueError(f"parameter {name}: must be {minimum} or more, not {value}")


def check_maximum(name: str, value: int, maximum: int) -> None:
    """Check that a number isn't too large.

    :raises ValueError: if it is
    """
    if value > maximum:
        raise ValueError(f"parameter {name}: must be {maximum} or less, not {value}")


def parse_delimiter(text: str, name: str = "delimiter") -> str:
    r"""Return the character between fields.

    :param text: the character; or ``tab`` or ``\t``
    :raises ValueError: if it isn't one that CSV can have
    """
    character = "\t" if text in ("tab", "\\t") else text
    if len(character) != 1 or character in '"\r\n':
        raise ValueError(f"parameter {name}: must be one character, or tab, not {text!r}")
    return character


def parse_names(text: str) -> list[str]:
    """Return the names in a list with commas; a name with a comma is quoted as in CSV."""
    return next(csv.reader([text], skipinitialspace=True), [])


def unknown_column(name: str, names: Iterable[str]) -> ValueError:
    """Return the error for a column that doesn't exist."""
    columns = list(names)
    close = difflib.get_close_matches(name, columns, n=1)
    advice = f"; did you mean {close[0]}?" if close else ""
    return ValueError(f"no column {name}; there are: {', '.join(columns[:50])}{advice}")
