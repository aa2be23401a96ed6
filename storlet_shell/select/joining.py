"""Join the results of objects: rows as they come, or a table over which the rest of the query runs."""

from __future__ import annotations

import itertools
import sqlite3
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, Protocol

from storlet_shell.batches.joining.ordered import Ordered
from storlet_shell.equality import typed_equality
from storlet_shell.errors import ServiceError, StorletShellError
from storlet_shell.select.messages import End, Shape, parse_end, parse_group, parse_line, parse_rows
from storlet_shell.select.shown import typed
from storlet_shell.select.split import Local, Split
from storlet_shell.shelf.select.sums import empty_state, finish_state, merge_states
from storlet_shell.shelf.select.values import numeric
from storlet_shell.text import counted
from storlet_shell.values import ObjectPath

Row = tuple[Any, ...]

_BLOCK_ROWS = 1000


class Joiner(Protocol):
    """Makes the rows of the result of what objects return."""

    @property
    def is_enough(self) -> bool:
        """Whether further objects can't change the result."""

    def add(self, message: Any) -> Iterable[Row]:
        """Take a line of an object's result, and return the rows that it completes.

        :raises ValueError: if it isn't one of this query's results
        """

    def finish(self) -> Iterable[Row]:
        """Return the rest of the rows, after the last object."""


def joiner_of(split: Split) -> Joiner:
    """Return what joins the results of a query's objects."""
    kinds: dict[str, type[Streaming | Merging | Collecting]] = {"rows": Streaming, "groups": Merging}
    return kinds.get(split.kind, Collecting)(split)


class Streaming:
    """Passes on finished rows."""

    def __init__(self, split: Split) -> None:
        self._shape = Shape(len(split.names))
        self._places = [place for place, is_column in enumerate(split.as_is) if is_column]
        self._skip, self._limit = split.offset, split.limit
        self._count = 0

    @property
    def is_enough(self) -> bool:
        """Whether there are as many rows as the query wants."""
        return self._limit is not None and self._count >= self._limit

    def add(self, message: Any) -> Iterator[Row]:
        """Yield some rows, each with its columns typed."""
        for row in parse_rows(message, self._shape):
            if self.is_enough:
                return
            self._count += 1
            if self._count > self._skip:
                for place in self._places:
                    row[place] = typed(row[place])
                yield tuple(row)

    def finish(self) -> Iterable[Row]:
        """Return nothing: all rows have been passed on."""
        return ()


class Collecting:
    """Collects reduced rows, and runs the rest of the query over them."""

    def __init__(self, split: Split) -> None:
        self._limit = split.limit
        self._count = 0
        assert split.local is not None
        self._shape = Shape(len(split.local.types))
        self._table = _Table(split.local, split.as_is)

    @property
    def is_enough(self) -> bool:
        """Whether there are as many rows as the query needs."""
        return self._limit is not None and self._count >= self._limit

    def add(self, message: Any) -> Iterable[Row]:
        """Store some rows."""
        rows = parse_rows(message, self._shape)
        self._count += len(rows)
        self._table.insert(rows)
        return ()

    def finish(self) -> Iterator[Row]:
        """Run the rest of the query."""
        return self._table.rows()


class Merging:
    """Merges partial aggregates by group, and runs the rest of the query over them."""

    is_enough = False

    def __init__(self, split: Split) -> None:
        assert split.local is not None
        self._names = [name for name, _ in split.aggregates]
        self._shape = Shape(len(split.keys), tuple(self._names))
        self._are_columns = [key[0] == "col" for key in split.keys]
        self._table = _Table(split.local, split.as_is)
        self._groups: dict[Row, tuple[list[Any], list[Any]]] = {}

    def add(self, message: Any) -> Iterable[Row]:
        """Merge a group."""
        key, states = parse_group(message, self._shape)
        identity = tuple(
            numeric(value) if is_column else value for value, is_column in zip(key, self._are_columns, strict=True)
        )
        before = self._groups.get(identity)
        if before is not None:
            key = before[0]
            states = [merge_states(*states) for states in zip(self._names, before[1], states, strict=True)]
        self._groups[identity] = key, states
        return ()

    def finish(self) -> Iterator[Row]:
        """Run the rest of the query.

        :raises StorletShellError: if a sum of integers is too large
        """
        if not self._are_columns and not self._groups:  # every object has failed
            self._groups[()] = [], list(map(empty_state, self._names))
        try:
            groups = iter(self._groups.values())
            while block := list(itertools.islice(groups, _BLOCK_ROWS)):
                self._table.insert([[*key, *map(finish_state, self._names, states)] for key, states in block])
        except ValueError as error:
            raise StorletShellError(f"sum: {error}") from error
        return self._table.rows()


class _Table:
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


@typed_equality
class Totals(NamedTuple):
    """What objects report after their results.

    :param rows: the number of rows that were read
    :param malformed: the number of rows that were left out
    :param first: the object of the first of those, its row, and the reason; empty without any
    """

    rows: int = 0
    malformed: int = 0
    first: str = ""

    def adding(self, source: ObjectPath, end: End) -> Totals:
        """Return the totals with those of another object."""
        first = f"{str(source).removeprefix('path:/')} {end.sample}"
        return Totals(
            self.rows + end.rows, self.malformed + end.malformed, self.first or (first if end.malformed else "")
        )

    @property
    def warning(self) -> str:
        """One line about malformed rows; empty without any."""
        return f"{counted(self.malformed, 'malformed row')} left out; first: {self.first}" if self.malformed else ""


class Parts(Ordered):
    """The results of objects, in the order of the listing; :meth:`take` joins those that have come.

    :param journal: the journal's path; empty without one

    ``totals`` is what the objects have reported.
    """

    def __init__(self, split: Split, journal: str = "") -> None:
        super().__init__(None, journal)
        self._joiner = joiner_of(split)
        self._waiting: deque[tuple[ObjectPath, Iterator[bytes]]] = deque()
        self.totals = Totals()

    @property
    def is_enough(self) -> bool:
        """Whether further objects can't change the result."""
        return self._joiner.is_enough

    def _append(self, source: ObjectPath, chunks: Iterator[bytes]) -> None:
        self._waiting.append((source, chunks))

    def take(self) -> Iterator[Row]:
        """Yield the rows that objects have completed since the last time.

        :raises StorletShellError: if a result isn't one of the storlet
        """
        while self._waiting:
            source, chunks = self._waiting.popleft()
            yield from self.join(source, chunks)

    def join(self, source: ObjectPath, chunks: Iterable[bytes]) -> Iterator[Row]:
        """Yield the rows that the result of an object completes.

        :raises StorletShellError: if it isn't one of the storlet
        """
        end = None
        for line in _lines(chunks):
            if self._joiner.is_enough:
                return
            try:
                message = parse_line(line)
                end = parse_end(message)
                if end is None:
                    yield from self._joiner.add(message)
            except ValueError as error:
                raise StorletShellError(f"not a result of the storlet: {error}", subject=str(source)) from error
        if end is None:
            raise ServiceError("the result has no end", subject=str(source))
        self.totals = self.totals.adding(source, end)

    def finish(self) -> Iterator[Row]:
        """Yield the rest of the rows, after the last object."""
        yield from self._joiner.finish()

    def summary(self) -> str:
        """Describe the joined result in a few words."""
        return f"{counted(self.totals.rows, 'row')} read"


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    pieces: list[bytes] = []
    for chunk in chunks:
        first, *others = chunk.split(b"\n")
        pieces.append(first)
        for line in others:
            yield b"".join(pieces)
            pieces = [line]
    if any(pieces):
        yield b"".join(pieces)
