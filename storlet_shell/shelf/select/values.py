"""Values as SQLite has them: NULL, integers of 64 bits, floats, and texts, which are None, int, float and str here."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any

_NUMBER = re.compile(r"[ \t-\r]*[+-]?(?:[0-9]+(\.[0-9]*)?|(\.[0-9]+))([eE][+-]?[0-9]+)?[ \t-\r]*")
_NUMBER_AT_START = re.compile(r"[ \t-\r]*[+-]?(?:[0-9]+(\.[0-9]*)?|(\.[0-9]+))([eE][+-]?[0-9]+)?")
_INTEGER_AT_START = re.compile(r"[ \t-\r]*[+-]?[0-9]+")
_BLANKS = " \t\n\v\f\r"

_LEAST, _LARGEST = -(2**63), 2**63 - 1
_SHOWN_DIGITS = 15
_MOST_DIGITS = 20  # an integer of 64 bits has fewer


def numeric(value: Any) -> Any:
    """Apply NUMERIC affinity, as storing a value in a NUMERIC column does.

    A text that is a number becomes one, and a float without a fraction becomes an integer, if that is exact; an integer
    beyond 64 bits becomes a float. ``1_000``, ``nan``, ``inf`` and ``0x10`` aren't numbers.
    """
    if isinstance(value, str):
        match = _NUMBER.fullmatch(value)
        return value if match is None else _whole(_parsed(value, match))
    return None if value is None else _whole(value)


def number_match() -> Any:
    """Return a function that returns a match if a text is a number, else None."""
    return _NUMBER.fullmatch


def operand(value: Any) -> Any:
    """Return a value as a number for arithmetic: of a text, the number that it starts with, or 0."""
    if not isinstance(value, str):
        return value
    match = _NUMBER_AT_START.match(value)
    return 0 if match is None else _parsed(match.group(), match)


def leading_integer(text: str) -> int:
    """Return the integer that a text starts with, within 64 bits; 0 without one."""
    match = _INTEGER_AT_START.match(text)
    return 0 if match is None else _clamped(_integer(match.group()))


def truncated(value: Any) -> int:
    """Return a value that isn't NULL as an integer within 64 bits."""
    if isinstance(value, str):
        return leading_integer(value)
    if isinstance(value, float) and math.isinf(value):
        return _LARGEST if value > 0 else _LEAST
    return _clamped(int(value))


def within_64_bits(value: int) -> bool:
    """Tell whether SQLite can hold an integer as one."""
    return _LEAST <= value <= _LARGEST


def text_of(value: Any) -> Any:
    """Return a value as a text, spelled as SQLite spells numbers; None for NULL.

    A float has up to 15 digits, and always a point: ``1.0``, ``1.0e+20``, ``Inf``.
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value)
    if math.isinf(value):
        return "Inf" if value > 0 else "-Inf"
    text = "%.15g" % (value + 0.0)  # -0.0 is shown as 0.0
    if len(text) > _SHOWN_DIGITS and _is_in_the_middle(value):
        text = "%.15g" % (value * (1 + 2**-52))  # Python rounds half to even, SQLite away from zero
    mantissa, mark, exponent = text.partition("e")
    return (mantissa if "." in mantissa else mantissa + ".0") + mark + exponent


def truth(value: Any) -> Any:
    """Tell whether a value counts as true; None for NULL."""
    return None if value is None else operand(value) != 0


def order_key(value: Any) -> tuple[int, Any]:
    """Return a key that sorts values as SQLite does: NULL, then numbers, then texts by their characters' numbers."""
    if value is None:
        return 0, 0
    return (2, value) if isinstance(value, str) else (1, value)


def is_less(first: Any, second: Any) -> Any:
    """Tell whether a value sorts before another one; None if one is NULL."""
    if first is None or second is None:
        return None
    try:
        return first < second
    except TypeError:  # a number and a text
        return isinstance(second, str)


def is_at_most(first: Any, second: Any) -> Any:
    """Tell whether a value equals another one or sorts before it; None if one is NULL."""
    if first is None or second is None:
        return None
    try:
        return first <= second
    except TypeError:
        return isinstance(second, str)


def is_equal(first: Any, second: Any) -> Any:
    """Tell whether two values are equal; None if one is NULL. A number never equals a text."""
    return None if first is None or second is None else first == second


def _parsed(text: str, match: Any) -> Any:
    """Return the number that a text spells; the pattern's groups are a fraction and an exponent."""
    if match.lastindex is not None:
        return float(text)
    number = _integer(text)
    return number if _LEAST <= number <= _LARGEST else float(text)


def _integer(text: str) -> int:
    """Return the integer that a text spells; only its sign is right if it is far beyond 64 bits."""
    if len(text) < _MOST_DIGITS:
        return int(text)
    digits = text.strip(_BLANKS).lstrip("+-").lstrip("0")  # Python refuses to convert thousands of digits
    number = int(digits[: _MOST_DIGITS + 1] or "0")
    return -number if "-" in text else number


def _is_in_the_middle(value: float) -> bool:
    """Tell whether a float is exactly in the middle between two numbers of 15 digits."""
    digits = repr(value).partition("e")[0].replace(".", "").strip("-0")
    return len(digits) == _SHOWN_DIGITS + 1 and digits[-1] == "5" and Decimal(value) == Decimal(repr(value))


def _clamped(number: int) -> int:
    return max(_LEAST, min(_LARGEST, number))


def _whole(number: Any) -> Any:
    if isinstance(number, float):
        is_exact = number.is_integer() and _LEAST < number < _LARGEST
        return int(number) if is_exact else number
    return number if _LEAST <= number <= _LARGEST else _float(number)


def _float(number: int) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf
