"""Tables: shown row by row, or used by a program as a sequence."""

from __future__ import annotations

import itertools
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from types import GeneratorType
from typing import Any, cast, overload

from storlet_shell.errors import StorletShellError
from storlet_shell.results.fields import Field
from storlet_shell.results.formats import Chosen, Tabular, document_pieces, table_lines
from storlet_shell.results.on_terminal import Display, table_on_terminal
from storlet_shell.results.reports import Result
from storlet_shell.text import counted

_GONE = "the rows were read before and not kept; list them again"
_CLOSED = "the table was closed before all rows were fetched; list them again"


class Table(Result):
    """Rows with the same fields.

    A program uses it as a sequence: ``len(table)``, ``for row in table``, ``table[0]``, ``table[:10]``. A row is a
    named tuple: ``row.bytes``, ``row[0]``, ``row._asdict()``; pandas accepts it. Rows from a server are fetched on
    demand, and kept.

    A front end shows it by :meth:`pieces`, which keeps nothing: a listing of any length is shown in constant memory.

    :param columns: the columns, in order: their names, or fields if people see something else than programs do
    :param rows: the rows; a list, or an iterable that is read once
    :param total: returns a last line that sums the rows up; called after the last of them
    :param empty: the line that a terminal or a notebook shows if there are no rows and no total
    :param problem: returns what is wrong with the rows, asked for after the last of them

    ``is_headed`` tells whether to show headings, as on a terminal; elsewhere a program may read the rows.
    """

    is_headed = False
    is_live = False
    """Whether each row is shown as soon as it comes."""

    def __init__(
        self,
        columns: Sequence[str | Field],
        rows: Iterable[tuple[Any, ...]],
        total: Callable[[], str] | None = None,
        problem: Callable[[], StorletShellError | None] = lambda: None,
        *,
        empty: str = "",
    ) -> None:
        self.fields_of_rows = tuple(Field(column) if isinstance(column, str) else column for column in columns)
        self.columns = tuple(field.name for field in self.fields_of_rows)
        self.total = total
        self._empty = empty
        self._has_rows = False  # whether rows() has yielded any
        self._find_problem = problem
        self._fetched: list[tuple[Any, ...]] = rows if isinstance(rows, list) else []
        self._source: Iterator[tuple[Any, ...]] = iter(()) if isinstance(rows, list) else iter(rows)
        self._failure: StorletShellError | None = None
        self._is_complete = isinstance(rows, list)

    @property
    def problem(self) -> StorletShellError | None:
        """What is wrong with the rows; known after the last of them."""
        return self._find_problem()

    # --- as a sequence

    def __len__(self) -> int:
        self._fetch()
        return len(self._fetched)

    def __bool__(self) -> bool:
        self._fetch(1)
        return bool(self._fetched)

    def __iter__(self) -> Iterator[Any]:
        for number in itertools.count():
            self._fetch(number + 1)
            if number >= len(self._fetched):
                return
            yield self._record(self._fetched[number])

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: Any) -> Any:
        """Return a row by its number, or a list of rows by a slice.

        :raises IndexError: when the row doesn't exist
        """
        if isinstance(index, slice):
            self._fetch()
            return [self._record(row) for row in self._fetched[index]]
        self._fetch(index + 1 if index >= 0 else None)
        return self._record(self._fetched[index])

    def dataframe(self, library: str | None = None) -> Any:
        """Return the rows as a data frame, whose columns are the table's.

        :param library: ``pandas`` or ``polars``; the first of them that is installed otherwise
        :raises StorletShellError: when the library isn't installed
        """
        from storlet_shell.results.frames import frame_of_rows  # with it comes a library that few lines need

        self._fetch()
        return frame_of_rows(self.columns, self._fetched, library)

    @cached_property
    def _record(self) -> Callable[[Iterable[Any]], Any]:
        row: Any = namedtuple("Row", self.columns, rename=True)  # type: ignore[misc]  # its fields are known here only
        return cast("Callable[[Iterable[Any]], Any]", row._make)

    def _fetch(self, count: int | None = None) -> None:
        """Fetch rows until there are so many, or all of them.

        :param count: how many; None for all
        :raises StorletShellError: when they can't be fetched, or have been shown without being kept
        """
        missing = None if count is None else max(0, count - len(self._fetched))
        if missing == 0:
            return
        self._check_complete()
        try:
            self._fetched.extend(itertools.islice(self._source, missing))  # one call: Ctrl-C in it loses no row
            self._is_complete = count is None or len(self._fetched) < count
        except BaseException as error:  # the rest can't be fetched, and must not look like the end
            if not self.keeps_part:
                interrupted = StorletShellError("fetching the rows was interrupted; list them again")
                self._failure = error if isinstance(error, StorletShellError) else interrupted
            raise

    def _check_complete(self) -> None:
        if self._failure is not None:
            raise self._failure

    # --- as it is shown

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Yield the rows in constant memory: rows that weren't fetched before are not kept."""
        self._has_rows = bool(self._fetched)
        yield from self._fetched
        self._check_complete()
        for row in self._source:
            self._has_rows = True
            self._failure = self._failure or StorletShellError(_GONE)
            yield row

    def keep(self) -> None:
        """Fetch every row; this holds all of them in memory."""
        self._fetch()

    def fields(self) -> dict[str, Any]:
        """Return every row, and the figures; this holds all of them in memory."""
        self._fetch()
        return {"rows": [dict(zip(self.columns, row, strict=True)) for row in self._fetched], **self.figures()}

    def figures(self) -> Mapping[str, Any]:
        """Return the totals, known after the last row; ``--json`` shows them next to the rows."""
        return {}

    def last_line(self) -> str:
        """Return the line that sums the rows up, after the last of them; empty for none."""
        if self.total:
            return self.total()
        return self._empty if self.is_headed and not self._has_rows else ""

    def as_rows(self) -> Tabular:
        """Return the table itself."""
        return self

    def render(self) -> Iterator[str]:
        """Yield the rows as lines of text, those columns that people see; see :func:`.formats.table_lines`."""
        return table_lines(Chosen(self, [field.name for field in self.fields_of_rows if field.is_shown]))

    def on_terminal(self, display: Display, columns: Sequence[str] = ()) -> Iterator[str]:
        """Yield the rows below their headings, aligned by what a terminal shows, in constant memory.

        A kind of table that people see in another form has its own :meth:`render`, which is shown then.
        """
        if not columns and type(self).render is not Table.render:
            return super().on_terminal(display)
        names = columns or [field.name for field in self.fields_of_rows if field.is_shown]
        return table_on_terminal(Chosen(self, names), display)

    def json_pieces(self, columns: Sequence[str] = ()) -> Iterator[str]:
        """Yield the rows as one JSON document in constant memory."""
        return document_pieces(Chosen(self, columns) if columns else self)

    def peek(self, count: int) -> tuple[list[tuple[Any, ...]], bool]:
        """Return the first rows, without consuming them, and whether there are no more."""
        if self._failure is None:
            self._fetch(count + 1)
        return self._fetched[:count], len(self._fetched) <= count

    def brief(self) -> str:
        """Count the rows that have been fetched, and name the columns."""
        further = "" if self._is_complete else " so far"
        names = ", ".join(field.name for field in self.fields_of_rows if field.is_shown)
        return f"{counted(len(self._fetched), 'row')}{further}: {names}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.brief()}>"

    def close(self) -> None:
        """End a listing in progress; the rows up to there can be used."""
        if isinstance(self._source, GeneratorType) and self._source.gi_frame is not None:
            if not self.keeps_part:
                self._failure = self._failure or StorletShellError(_CLOSED)
            self._source.close()

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        from storlet_shell.results.listings import SHOWN_ROWS, bundle, cut  # what a plain listing does not need

        rows, is_whole = self.peek(SHOWN_ROWS)
        total = len(self._fetched) if self._is_complete else None
        remarks = [] if is_whole else [cut(len(rows), total)]
        if self._is_complete and self.total is not None:
            remarks.append(self.total())
        elif not rows and self._empty:
            remarks.append(self._empty)
        text = [*Table(self.fields_of_rows, rows).render()]
        text += remarks if is_whole else [f"({'; '.join(remarks)})"]
        fields = [
            (at, field) for at, field in enumerate(self.fields_of_rows) if field.is_shown or self.shows_all_on_a_page
        ]
        return bundle(text, fields, rows, "; ".join(remarks))

    shows_all_on_a_page = False
    """Whether a notebook's page has all columns, since it has the room."""


def chosen(result: Result, columns: Sequence[str]) -> Table:
    """Return some columns of a result as a table; what isn't a listing is one row.

    :raises UsageError: when it has no such column
    """
    table = Chosen(result.as_rows(), columns)
    return Table(table.fields_of_rows, (tuple(row) for row in table.rows()), table.last_line)
