"""Equality of values: two are equal if they are of the same type and hold the same.

Named tuples compare as plain tuples, so that a container ``x`` would be equal to a storlet ``x``. Frozen dataclasses
compare by type, but cost every one-shot line some 30 ms at its start, half of it for the import of ``inspect``. The
decorator below costs a few microseconds for each class.
"""

from __future__ import annotations

from typing import Any, TypeVar

_Value = TypeVar("_Value", bound=tuple[Any, ...])


def typed_equality(kind: type[_Value]) -> type[_Value]:
    """Make a named tuple unequal to plain tuples and to tuples of any other type; its hash stays that of a tuple."""
    kind.__eq__ = _is_equal  # type: ignore[method-assign]
    kind.__ne__ = _is_unequal  # type: ignore[assignment, method-assign]
    kind.__hash__ = tuple.__hash__  # type: ignore[method-assign]
    return kind


def _is_equal(self: tuple[Any, ...], other: object) -> bool:
    if type(self) is type(other):
        return tuple.__eq__(self, other)
    return False if isinstance(other, tuple) else NotImplemented


def _is_unequal(self: tuple[Any, ...], other: object) -> bool:
    if type(self) is type(other):
        return tuple.__ne__(self, other)
    return True if isinstance(other, tuple) else NotImplemented
