"""SQL's functions."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from storlet_shell.shelf.select.values import (
    is_equal,
    is_less,
    numeric,
    operand,
    text_of,
    truncated,
)

_UPPER = {code: code - 32 for code in range(97, 123)}
_LOWER = {code: code + 32 for code in range(65, 91)}
_NO_FRACTIONS_FROM = 2.0**52
_MOST_DECIMALS = 30
_DECIMAL_DIGITS = 400


def absolute(value: Any) -> Any:
    """Return the absolute value; that of a text is a float.

    :raises ValueError: for the least integer, as SQLite refuses it
    """
    if value is None:
        return None
    if isinstance(value, str):
        return abs(float(operand(value)))
    if value == -(2**63) and isinstance(value, int):
        raise ValueError("integer overflow")
    return abs(value)


def sign_of(value: Any) -> Any:
    """Return -1, 0 or 1; NULL of a text that isn't a number."""
    value = numeric(value)
    return None if value is None or isinstance(value, str) else (value > 0) - (value < 0)


def rounded(value: Any, digits: Any = 0) -> Any:
    """Round half away from zero, as people read the number; the result is a float."""
    if value is None or digits is None:
        return None
    number, places = float(operand(value)), max(0, min(_MOST_DECIMALS, truncated(digits)))
    if abs(number) >= _NO_FRACTIONS_FROM:
        return number
    if places == 0:
        return float(int(number + math.copysign(0.5, number)))
    text = repr(number)
    digits_after = text[text.index(".") + 1 :] if "e" not in text else ""
    if digits_after and digits_after[places:] != "5":  # not in the middle
        return round(number, places)
    context = Context(prec=_DECIMAL_DIGITS, rounding=ROUND_HALF_UP)
    return float(Decimal(text).quantize(Decimal(1).scaleb(-places), context=context))


def length_of(value: Any) -> Any:
    """Return the number of characters, up to a NUL character."""
    return None if value is None else len(text_of(value).partition("\0")[0])


def lowered(value: Any) -> Any:
    """Return a text with its ASCII letters in lower case."""
    return None if value is None else text_of(value).translate(_LOWER)


def uppered(value: Any) -> Any:
    """Return a text with its ASCII letters in upper case."""
    return None if value is None else text_of(value).translate(_UPPER)


def position(value: Any, part: Any) -> Any:
    """Return the place of a text within another one, from 1; 0 if it isn't in it."""
    return None if value is None or part is None else text_of(value).find(text_of(part)) + 1


def part_of(value: Any, *limits: Any) -> Any:
    """Return a part of a text, by its start from 1 (from the end if negative) and its length (to the left likewise)."""
    if value is None or None in limits:
        return None
    text = text_of(value).partition("\0")[0]
    start, length = truncated(limits[0]), truncated(limits[1]) if len(limits) > 1 else 2**63
    is_to_left, length = length < 0, abs(length)
    if start < 0:
        start += len(text)
        length = max(0, length + min(start, 0))
        start = max(0, start)
    elif start > 0:
        start -= 1
    elif length > 0:
        length -= 1
    if is_to_left:
        start, length = max(0, start - length), min(start, length)
    return text[start : start + length]


def stripped(value: Any, characters: Any = " ") -> Any:
    """Remove characters from both ends."""
    return _stripped(str.strip, value, characters)


def stripped_left(value: Any, characters: Any = " ") -> Any:
    """Remove characters from the start."""
    return _stripped(str.lstrip, value, characters)


def stripped_right(value: Any, characters: Any = " ") -> Any:
    """Remove characters from the end."""
    return _stripped(str.rstrip, value, characters)


def replaced(value: Any, part: Any, replacement: Any) -> Any:
    """Replace each occurrence of a part; an empty part changes nothing."""
    if value is None or part is None:
        return None
    if part == "":
        return value
    return None if replacement is None else text_of(value).replace(text_of(part), text_of(replacement))


def null_if(value: Any, other: Any) -> Any:
    """Return NULL if two values are equal, else the first."""
    return None if is_equal(value, other) else value


def smallest_of(*values: Any) -> Any:
    """Return the smallest value, the last one of equals; NULL if one is NULL."""
    best = values[0]
    for value in values[1:]:
        best = best if is_less(best, value) else value
    return None if None in values else best


def largest_of(*values: Any) -> Any:
    """Return the largest value, the first one of equals; NULL if one is NULL."""
    best = values[0]
    for value in values[1:]:
        best = value if is_less(best, value) else best
    return None if None in values else best


def type_of(value: Any) -> str:
    """Return the name of a value's type."""
    names: dict[type, str] = {type(None): "null", int: "integer", float: "real", str: "text"}
    return names[type(value)]


def _stripped(strip: Any, value: Any, characters: Any) -> Any:
    if value is None or characters is None:
        return None
    text, removed = text_of(value), text_of(characters).partition("\0")[0]
    return strip(text, removed) if removed else text


CALLS: dict[str, tuple[Any, int, int]] = {
    "abs": (absolute, 1, 1),
    "instr": (position, 2, 2),
    "length": (length_of, 1, 1),
    "lower": (lowered, 1, 1),
    "ltrim": (stripped_left, 1, 2),
    "max": (largest_of, 2, 100),
    "min": (smallest_of, 2, 100),
    "nullif": (null_if, 2, 2),
    "replace": (replaced, 3, 3),
    "round": (rounded, 1, 2),
    "rtrim": (stripped_right, 1, 2),
    "sign": (sign_of, 1, 1),
    "substr": (part_of, 2, 3),
    "trim": (stripped, 1, 2),
    "typeof": (type_of, 1, 1),
    "upper": (uppered, 1, 1),
}
"""The functions that get all of their arguments, with the least and the largest number of them."""

LAZY_CALLS = {"coalesce": (2, 100), "ifnull": (2, 2), "iif": (3, 3)}
"""The functions that compute what they need, with the numbers of arguments."""
