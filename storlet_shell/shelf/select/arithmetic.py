"""Operators and casts."""

from __future__ import annotations

import math
from typing import Any

from storlet_shell.shelf.select.values import (
    is_equal,
    operand,
    text_of,
    truncated,
    truth,
    within_64_bits,
)


def plus(first: Any, second: Any) -> Any:
    """Add; integers that exceed 64 bits become floats."""
    if first is None or second is None:
        return None
    if first.__class__ is float and second.__class__ is float:
        return _real(first + second)
    first, second = operand(first), operand(second)
    value = first + second
    if value.__class__ is int and not within_64_bits(value):
        value = float(first) + float(second)
    return _real(value)


def minus(first: Any, second: Any) -> Any:
    """Subtract."""
    if first is None or second is None:
        return None
    if first.__class__ is float and second.__class__ is float:
        return _real(first - second)
    first, second = operand(first), operand(second)
    value = first - second
    if value.__class__ is int and not within_64_bits(value):
        value = float(first) - float(second)
    return _real(value)


def times(first: Any, second: Any) -> Any:
    """Multiply."""
    if first is None or second is None:
        return None
    if first.__class__ is float and second.__class__ is float:
        return _real(first * second)
    first, second = operand(first), operand(second)
    value = first * second
    if value.__class__ is int and not within_64_bits(value):
        value = float(first) * float(second)
    return _real(value)


def divided(first: Any, second: Any) -> Any:
    """Divide; integers give an integer, rounded toward zero, and division by zero gives NULL."""
    if first is None or second is None:
        return None
    first, second = operand(first), operand(second)
    if second == 0:
        return None
    if isinstance(first, float) or isinstance(second, float):
        return _quotient(float(first), float(second))
    quotient = abs(first) // abs(second)
    quotient = quotient if (first < 0) == (second < 0) else -quotient
    return quotient if within_64_bits(quotient) else float(first) / float(second)


def remainder(first: Any, second: Any) -> Any:
    """Return the remainder of the integers; a float if one of the operands is."""
    if first is None or second is None:
        return None
    is_float = isinstance(operand(first), float) or isinstance(operand(second), float)
    dividend, divisor = truncated(first), truncated(second)
    if divisor == 0:
        return None
    result = abs(dividend) % abs(divisor)
    result = -result if dividend < 0 else result
    return float(result) if is_float else result


def negated(value: Any) -> Any:
    """Negate."""
    return minus(0, value)


def joined(first: Any, second: Any) -> Any:
    """Concatenate texts."""
    return None if first is None or second is None else text_of(first) + text_of(second)


def both(first: Any, second: Any) -> Any:
    """Return AND of two values: 1, 0 or NULL."""
    first, second = truth(first), truth(second)
    if first is False or second is False:
        return 0
    return None if first is None or second is None else 1


def either(first: Any, second: Any) -> Any:
    """Return OR of two values: 1, 0 or NULL."""
    first, second = truth(first), truth(second)
    if first or second:
        return 1
    return None if first is None or second is None else 0


def opposite(value: Any) -> Any:
    """Return NOT of a value: 1, 0 or NULL."""
    value = truth(value)
    return None if value is None else int(not value)


def is_among(value: Any, choices: tuple[Any, ...]) -> Any:
    """Tell whether a value equals one of others; None if that depends on a NULL."""
    if not choices:
        return False
    results = [is_equal(value, choice) for choice in choices]
    return True if True in results else None if None in results else False


def cast_to_integer(value: Any) -> Any:
    """Cast to INTEGER: of a text, the integer that it starts with."""
    return None if value is None else truncated(value)


def cast_to_real(value: Any) -> Any:
    """Cast to REAL."""
    return None if value is None else float(operand(value))


def cast_to_numeric(value: Any) -> Any:
    """Cast to NUMERIC: of a text, the number that it starts with, an integer if that is exact and below 2 to the 51."""
    if not isinstance(value, str):
        return value
    number = operand(value)
    is_small_integer = isinstance(number, float) and number.is_integer() and abs(number) <= _LARGEST_CAST
    return int(number) if is_small_integer else number


_LARGEST_CAST = 2**51


def _quotient(first: float, second: float) -> Any:
    return None if math.isinf(first) and math.isinf(second) else first / second


def _real(value: Any) -> Any:
    """Return a number; NULL for NaN, which SQLite doesn't have."""
    return value if value == value else None
