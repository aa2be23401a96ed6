"""The account of a run: rows that were read, and those that are malformed."""

from __future__ import annotations

from typing import Any

MOST_FIELD_BYTES = 16 * 2**20

_MOST_SAMPLES = 3
_REASONS = (
    ("larger than field limit", f"a field exceeds {MOST_FIELD_BYTES >> 20} MiB"),
    ("new-line character", "a line end in an unquoted field"),
    ("expected after", "unbalanced quotes"),
    ("unexpected end", "unbalanced quotes"),
)


class Report:
    """Counts rows.

    :param is_strict: the first malformed row ends the run
    """

    def __init__(self, is_strict: bool) -> None:
        self._is_strict = is_strict
        self.rows = self.selected = self.malformed = 0
        self._samples: list[list[Any]] = []

    def add_malformed(self, row: int, reason: str) -> None:
        """Count a malformed row.

        :param row: its number, from 1
        :raises ValueError: if the run is strict
        """
        if self._is_strict:
            raise ValueError(f"row {row}: {reason}")
        self.malformed += 1
        if len(self._samples) < _MOST_SAMPLES:
            self._samples.append([row, reason])

    def end(self) -> dict[str, Any]:
        """Return the last line of the result."""
        counts = {"rows": self.rows, "kept": self.selected, "malformed": self.malformed, "samples": self._samples}
        return {"end": counts}


def csv_reason(error: Exception) -> str:
    """Return in users' words why a row isn't CSV."""
    text = str(error)
    return next((reason for part, reason in _REASONS if part in text), text)


def is_utf8(fields: list[str]) -> bool:
    """Tell whether the fields of a row were UTF-8; bytes that weren't have become lone surrogates."""
    try:
        "".join(fields).encode()
    except UnicodeEncodeError:
        return False
    return True
