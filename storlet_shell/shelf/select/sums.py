"""Partial results of aggregates, which don't depend on how rows are split: sums of floats are exact until the end.

A state is plain data: of ``count`` an integer; of ``sum``, ``total`` and ``avg`` the number of values, the sum of the
integers, floats whose exact sum is that of the floats, and whether there was a float; of ``min`` and ``max`` a value.
"""

from __future__ import annotations

import math
from typing import Any

from storlet_shell.shelf.select.values import is_less, numeric, operand, order_key, within_64_bits

SUMS = ("sum", "total", "avg")
EXTREMES = ("min", "max")

_MOST_PARTS = 64
_FINEST = 2**1074  # every float is a multiple of its reciprocal
_GREATEST_FLOAT = (2 - 2**-52) * 2.0**1023


def empty_state(name: str) -> Any:
    """Return the state of an aggregate over no rows."""
    return [0, 0, [], False] if name in SUMS else None if name in EXTREMES else 0


def merge_states(name: str, first: Any, second: Any) -> Any:
    """Merge two states of an aggregate."""
    if name in SUMS:
        parts = exact_parts([*first[2], *second[2]]) if first[2] and second[2] else first[2] or second[2]
        return [first[0] + second[0], first[1] + second[1], parts, first[3] or second[3]]
    if name not in EXTREMES:
        return first + second
    if first is None or second is None:
        return second if first is None else first
    return second if (is_less(second, first) if name == "min" else is_less(first, second)) else first


def finish_state(name: str, state: Any) -> Any:
    """Return an aggregate's value.

    :raises ValueError: if a sum of integers exceeds 64 bits, as SQLite refuses it
    """
    if name not in SUMS:
        return state
    count, integers, parts, is_float = state
    if not count:
        return 0.0 if name == "total" else None
    if name == "sum" and not is_float:
        if not within_64_bits(integers):
            raise ValueError("integer overflow")
        return integers
    total = round_parts(parts, integers)
    return None if total is None else total / count if name == "avg" else total


def exact_parts(values: list[float]) -> list[float]:
    """Return few floats with the same exact sum.

    If an infinite one is among them, only the infinite ones matter.
    """
    parts: list[float] = []
    rest = list(values)
    try:
        while True:
            part = math.fsum(rest)  # rounded once; what that loses is the next part
            if not part:
                return parts
            parts.append(part)
            rest.append(-part)
    except (OverflowError, ValueError):
        infinities = sorted({value for value in values if math.isinf(value)})
        return infinities or _parts_of_large(values)


def round_parts(parts: list[float], integers: int = 0) -> Any:
    """Return the exact sum of floats and an integer, rounded once; None for infinity minus infinity."""
    values = list(parts)
    while integers:
        value = float(integers)
        values.append(value)
        integers -= int(value)
    try:
        return math.fsum(values)
    except ValueError:
        return None
    except OverflowError:
        total = _multiples(values)
    try:
        return total / _FINEST
    except OverflowError:
        return math.inf if total > 0 else -math.inf


def _parts_of_large(values: list[float]) -> list[float]:
    """Return parts of a sum that exceeds the largest float on the way, at least."""
    parts: list[float] = []
    rest = _multiples(values)
    while rest and len(parts) < _MOST_PARTS:
        try:
            part = rest / _FINEST
        except OverflowError:
            part = math.copysign(_GREATEST_FLOAT, 1 if rest > 0 else -1)
        parts.append(part)
        rest -= _multiples([part])
    return [math.copysign(math.inf, parts[0])] if rest else parts


def _multiples(values: list[float]) -> int:
    total = 0
    for value in values:
        numerator, denominator = value.as_integer_ratio()
        total += numerator * (_FINEST // denominator)
    return total


class Summary:
    """The aggregates of one expression in one group.

    :param names: those that are wanted
    :param is_column: the values are a column's, in which a float without a fraction stands for an integer
    """

    __slots__ = ("_has_float", "_integers", "_is_column", "_largest", "_names", "_parts", "_smallest", "count", "rows")

    def __init__(self, names: frozenset[str], is_column: bool) -> None:
        self._names = names
        self._is_column = is_column
        self.rows = self.count = self._integers = 0
        self._parts: list[float] = []
        self._has_float = False
        self._smallest: Any = None
        self._largest: Any = None

    @property
    def extremes(self) -> tuple[Any, Any]:
        """The smallest and the largest value; None for those that aren't wanted."""
        return self._smallest, self._largest

    def add(self, values: list[Any]) -> None:
        """Add the values of some rows, NULL included."""
        self.rows += len(values)
        total = _total(values)
        if total is None:
            values = [value for value in values if value is not None]
            total = _total(values)
        self.count += len(values)
        if not values:
            return
        if not self._names.isdisjoint(SUMS):
            if total is None:
                numbers = [summand(value) for value in values]
                pairs = zip(values, numbers)
                self._has_float |= any(isinstance(value, str) and isinstance(number, float) for value, number in pairs)
                self._add_to_sum(numbers, _total(numbers))
            else:
                self._add_to_sum(values, total)
        if "min" in self._names:
            self._smallest = merge_states("min", self._smallest, _extreme(min, values))
        if "max" in self._names:
            self._largest = merge_states("max", self._largest, _extreme(max, values))

    def state(self, name: str) -> Any:
        """Return the state of an aggregate."""
        if name == "count":
            return self.count
        if name in EXTREMES:
            value = self._smallest if name == "min" else self._largest
            return numeric(value) if self._is_column else value
        if self._has_float:
            return [self.count, self._integers, self._parts, True]
        return [self.count, self._integers + sum(map(int, self._parts)), [], False]

    def _add_to_sum(self, numbers: list[Any], total: Any) -> None:
        if isinstance(total, int):
            self._integers += total
            return
        floats = [value for value in numbers if value.__class__ is float]
        if len(floats) < len(numbers):
            self._integers += sum([value for value in numbers if value.__class__ is not float])
        if not self._has_float:
            self._has_float = not (self._is_column and _are_integers(floats))
        self._parts = exact_parts(self._parts + floats)


def summand(value: Any) -> Any:
    """Return the number that a value adds to a sum: of a text that isn't one, the float that it starts with."""
    if not isinstance(value, str):
        return value
    number = numeric(value)
    return float(operand(value)) if isinstance(number, str) else operand(value)


def _total(values: list[Any]) -> Any:
    """Return a rough sum, which tells whether all are integers; None if one is NULL or a text."""
    try:
        return sum(values)
    except TypeError:
        return None


def _are_integers(floats: list[float]) -> bool:
    return all(map(float.is_integer, floats)) and min(floats) > -(2.0**63) and max(floats) < 2.0**63


def _extreme(choose: Any, values: list[Any]) -> Any:
    try:
        return choose(values)
    except TypeError:
        return choose(values, key=order_key)
