"""Joiners: rows as they come, or a table over which the rest of a query runs."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from storlet_shell.errors import StorletShellError
from storlet_shell.select.joining.messages import Shape, parse_group, parse_rows
from storlet_shell.select.joining.shown import typed
from storlet_shell.select.joining.table import Row, Table
from storlet_shell.select.statement.split import Split
from storlet_shell.shelf.select.sums import empty_state, finish_state, merge_states
from storlet_shell.shelf.select.values import numeric

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
        self._table = Table(split.local, split.as_is)

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
        self._table = Table(split.local, split.as_is)
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
