"""Results that are tables: shown as their rows come, or used from a program as a sequence of rows."""

from __future__ import annotations

import itertools
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from types import GeneratorType
from typing import Any, cast, overload

from storlet_shell.errors import StorletShellError
from storlet_shell.results.formats import FORMATS
from storlet_shell.results.reports import Result
from storlet_shell.text import printable

_SHOWN_ROWS = 200
"""How many rows of a table a notebook shows."""

_GONE = "the rows have been read once, and were not kept; ask for them again"
_CLOSED = "the table was closed before all of its rows were fetched; ask for them again"


class Table(Result):
    """Rows of equal fields.

    A program uses it as a sequence: ``len(table)``, ``for row in table``, ``table[0]``, ``table[:10]``. A row is a
    named tuple, the standard library's own record: ``row.bytes``, ``row[0]``, ``row._asdict()``, and what pandas takes
    as it is. Rows that come from a server are fetched when they are first needed, and kept.

    A front end shows it by :meth:`render` or :meth:`json_pieces`, which keep nothing: a listing of any length is shown
    in constant memory.

    :param columns: the names of the fields, in order
    :param rows: the rows; a list, or an iterable that is read once
    :param total: a last line that sums the rows up, asked for after the last of them
    :param problem: returns what is wrong with the rows, asked for after the last of them

    ``is_headed`` tells whether the fields' names stand above the rows: on a terminal they do, elsewhere programs read.
    """

    is_headed = False
    separator = ", "
    """What stands between rows in a JSON document."""

    def __init__(
        self,
        columns: tuple[str, ...],
        rows: Iterable[tuple[Any, ...]],
        total: Callable[[], str] | None = None,
        problem: Callable[[], StorletShellError | None] = lambda: None,
    ) -> None:
        self.columns = columns
        self.total = total
        self._find_problem = problem
        self._fetched: list[tuple[Any, ...]] = rows if isinstance(rows, list) else []
        self._source: Iterator[tuple[Any, ...]] = iter(()) if isinstance(rows, list) else iter(rows)
        self._failure: StorletShellError | None = None

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

        :raises IndexError: when there is no such row
        """
        if isinstance(index, slice):
            self._fetch()
            return [self._record(row) for row in self._fetched[index]]
        self._fetch(index + 1 if index >= 0 else None)
        return self._record(self._fetched[index])

    def dataframe(self, library: str | None = None) -> Any:
        """Return the rows as a data frame, whose columns are the table's.

        :param library: ``pandas`` or ``polars``; the first of them that is installed otherwise
        :raises StorletShellError: when neither is installed
        """
        from storlet_shell.results.frames import frame_of_rows  # with it comes a library that few lines need

        self._fetch()
        return frame_of_rows(self.columns, self._fetched, library)

    @cached_property
    def _record(self) -> Callable[[Iterable[Any]], Any]:
        row: Any = namedtuple("Row", self.columns, rename=True)  # type: ignore[misc]  # its fields are known here only
        return cast("Callable[[Iterable[Any]], Any]", row._make)

    def _fetch(self, count: int | None = None) -> None:
        """Have so many rows, if there are; all of them, if no number is given.

        :raises StorletShellError: when they can't be had, or have been shown without being kept
        """
        missing = None if count is None else max(0, count - len(self._fetched))
        if missing == 0:
            return
        self._check_complete()
        try:
            self._fetched.extend(itertools.islice(self._source, missing))  # one call: Ctrl-C in it loses no row
        except BaseException as error:  # what is left can't be had, and must not look like the end
            if not self.keeps_part:
                interrupted = StorletShellError("fetching the rows was interrupted; ask for them again")
                self._failure = error if isinstance(error, StorletShellError) else interrupted
            raise

    def _check_complete(self) -> None:
        if self._failure is not None:
            raise self._failure

    # --- as it is shown

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Yield the rows in constant memory: those that have not been fetched yet come once, and are not kept."""
        yield from self._fetched
        self._check_complete()
        for row in self._source:
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
        """Return what machines are told of all rows together, beside the rows; known after the last of them."""
        return {}

    def render(self) -> Iterator[str]:
        """Yield the rows as lines of text; see :func:`.formats.text_lines`."""
        return FORMATS["text"](self)

    def json_pieces(self) -> Iterator[str]:
        """Yield the rows as one JSON document in constant memory."""
        return FORMATS["json"](self)

    def peek(self, count: int) -> tuple[list[tuple[Any, ...]], bool]:
        """Return the first rows, which stay to be shown, and whether there are no more."""
        if self._failure is None:
            self._fetch(count + 1)
        return self._fetched[:count], len(self._fetched) <= count

    def close(self) -> None:
        """Let go of a listing in progress; its rows up to there can be used."""
        if isinstance(self._source, GeneratorType) and self._source.gi_frame is not None:
            if not self.keeps_part:
                self._failure = self._failure or StorletShellError(_CLOSED)
            self._source.close()

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        from storlet_shell.results.views import note, rows_as_html  # what a plain listing does not need

        rows, is_whole = self.peek(_SHOWN_ROWS)
        last = "" if is_whole else f"cut: only the first {len(rows)} rows are shown"
        text = [printable(line) for line in Table(self.columns, rows, self.total if is_whole else None).render()]
        if is_whole and self.total is not None:
            last = self.total()
        shown = "\n".join(text if is_whole else [*text, f"({last})"])
        return {"text/plain": shown, "text/html": rows_as_html(self.columns, rows) + note(last)}
