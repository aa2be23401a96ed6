"""Journals of batches, read while a batch runs."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path


def count_done(journal: Path) -> int:
    """Return the number of objects that a batch has recorded as done."""
    with (
        suppress(sqlite3.OperationalError),
        closing(sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True)) as database,
    ):
        return int(database.execute("SELECT count(*) FROM objects WHERE state = 1").fetchone()[0])
    return 0  # it doesn't exist yet
