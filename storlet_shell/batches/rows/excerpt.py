"""Which rows of a large batch people see: those that failed, the first, and the last."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from storlet_shell.batches.rows.row import ERROR
from storlet_shell.errors import StorletShellError
from storlet_shell.results.formats import Chosen, Tabular

MOST_SHOWN = 200
"""The number of rows up to which all are shown."""

_MOST_FAILURES = 100
_ENDS = 10
"""The number of rows shown of each end of a large batch, on a terminal."""

_ALL = "for all of them, pipe the line into less, or use --format csv"


def excerpt(rows: Sequence[tuple[Any, ...]], count: int) -> list[tuple[Any, ...]]:
    """Return failed rows first, half as many at most, and then rows of both ends; of few rows, all in their order.

    :param count: the largest number of rows to return
    """
    if len(rows) <= count:
        return list(rows)
    failures = [row for row in rows if row[ERROR]][: count // 2]
    shown = set(map(id, failures))
    others = [row for row in rows if id(row) not in shown]
    tail = (count - len(failures)) // 2
    head = count - len(failures) - tail
    return [*failures, *others[:head], *others[max(head, len(others) - tail) :]]


class Excerpt(Chosen):
    """The rows of a batch on a terminal, in constant memory.

    Of a batch that is known to be large, the rows that failed are shown as they come, and at the end the first and the
    last of the others. Of another one, all rows are shown as they come, and from a limit on those that failed, and at
    the end the last ones.

    :param columns: the columns to show
    :param total: the number of rows; None if it isn't known

    ``note`` is a line to be shown before the next row; empty for none.
    """

    def __init__(self, table: Tabular, columns: Sequence[str], total: int | None) -> None:
        super().__init__(table, columns)
        self._first_hidden = 0 if total is not None and total > MOST_SHOWN else MOST_SHOWN
        self.note = ""

    def rows(self) -> Iterator[Sequence[Any]]:
        """Yield the chosen columns of each row to show."""
        return ([row[place] for place in self._places] for row in self._shown())

    def _shown(self) -> Iterator[Sequence[Any]]:
        head: list[Sequence[Any]] = []
        tail: deque[Sequence[Any]] = deque(maxlen=_ENDS)
        count = shown = failures = 0
        try:
            for row in self._table.rows():
                is_early = count < self._first_hidden
                count += 1
                if is_early or (row[ERROR] and failures < _MOST_FAILURES):
                    failures += not is_early
                    shown += 1
                    yield row
                elif not self._first_hidden and len(head) < _ENDS:
                    head.append(row)
                else:
                    tail.append(row)
        except (KeyboardInterrupt, StorletShellError):
            yield from self._ends(head, tail, count - shown, count)
            raise
        yield from self._ends(head, tail, count - shown, count)

    def _ends(
        self, head: list[Sequence[Any]], tail: deque[Sequence[Any]], others: int, total: int
    ) -> Iterator[Sequence[Any]]:
        """Yield the first and the last of the rows that weren't shown as they came.

        :param others: the number of rows that weren't
        :param total: the number of all rows
        """
        yield from head
        if hidden := others - len(head) - len(tail):
            self.note = f"({hidden:,} of {total:,} rows aren't shown; {_ALL})"
        yield from tail
