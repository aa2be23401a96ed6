"""Values of columns as they are shown: numbers that keep the text that they were read from."""

from __future__ import annotations

from typing import Any

from storlet_shell.shelf.select.values import numeric

_NUMBERS_START = frozenset("0123456789+-. \t\n\v\f\r")


class Integer(int):
    """An integer that keeps its text, such as ``007``; as data, it is a number."""

    text: str

    def __str__(self) -> str:
        return self.text


class Real(float):
    """A float that keeps its text, such as ``1.50``; as data, it is a number."""

    text: str

    def __str__(self) -> str:
        return self.text


def typed(raw: Any) -> Any:
    """Return the value of a column, typed as SQLite types it in a NUMERIC column.

    :param raw: as the object has it: a text, a number, or None
    """
    if isinstance(raw, str) and raw[:1] not in _NUMBERS_START:  # most texts, quickly
        return raw
    value = numeric(raw)
    if not isinstance(raw, str) or isinstance(value, str) or str(value) == raw:
        return value
    number: Integer | Real = Integer(value) if isinstance(value, int) else Real(value)
    number.text = raw
    return number
