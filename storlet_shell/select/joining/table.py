"""The table of what came back from objects, over which the rest of a query runs."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

from storlet_shell.errors import StorletShellError
from storlet_shell.select.joining.shown import typed
from storlet_shell.select.statement.split import Local
from storlet_shell.shelf.select.values import numeric

Row = tuple[Any, ...]


class Table:
    """A temporary table of SQLite, in memory while it is small.

    :param as_is: for each result column, whether it is typed here
    """

    def __init__(self, local: Local, as_is: tuple[bool, ...]) -> None:
        self._local = local
        self._as_is = as_is
        self._copies = local.copies
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        columns = [f"c{index} {kind}" for index, kind in enumerate(local.types)]
        columns += [f"r{index}" for index in local.copies]
        self._database.executescript(
            f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; CREATE TABLE t ({', '.join(columns)}); BEGIN"
        )
        self._insert = f"INSERT INTO t VALUES ({', '.join('?' * len(columns))})"  # noqa: S608  question marks

    def insert(self, rows: Iterable[list[Any]]) -> None:
        """Add rows."""
        values = [[*row, *(row[index] for index in self._copies)] for row in rows]
        before = self._database.total_changes
        try:
            self._database.executemany(self._insert, values)
        except (OverflowError, UnicodeEncodeError):  # integers beyond 64 bits, and lone surrogates, of JSON
            rest = values[self._database.total_changes - before :]
            self._database.executemany(self._insert, [[*map(_storable, row)] for row in rest])

    def rows(self) -> Iterator[Row]:
        """Yield the rows of the rest of the query.

        :raises StorletShellError: if SQLite can't run it over these values
        """
        try:
            for row in self._database.execute(self._local.sql):
                yield tuple(map(_value, row, self._as_is))
        except sqlite3.Error as error:
            raise StorletShellError(f"SQLite can't run the query: {error}") from error
        finally:
            self._database.close()


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return numeric(value) if isinstance(value, int) else value


def _value(value: Any, is_column: bool) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return typed(value) if is_column else value
