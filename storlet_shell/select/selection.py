"""The result of a query: a table of its own columns, whose rows come while the query runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from storlet_shell.batches.report import Rows
from storlet_shell.batches.rows.row import Row
from storlet_shell.results import Field, Rendering, Table
from storlet_shell.results.formats import DOCUMENT, file_format
from storlet_shell.results.saving import replacing
from storlet_shell.select.joining.parts import Parts
from storlet_shell.select.joining.table import Row as Values
from storlet_shell.text import counted, escaped, size
from storlet_shell.wire.observer import Observer

_FOR_PEOPLE = Rendering()


class Selection(Table):
    """The rows of a query's result.

    :param columns: their names
    :param batch: the rows of the batch, one for each object
    :param parts: joins the objects' results
    :param observer: warned of malformed rows, and of objects that failed
    :param size: the size of all objects in bytes; None if unknown
    :param release: called at the end in any case, perhaps more than once
    """

    def __init__(
        self,
        columns: Sequence[str],
        batch: Rows,
        parts: Parts,
        observer: Observer,
        size: int | None,
        release: Callable[[], None],
    ) -> None:
        super().__init__([Field(name, is_data=True) for name in columns], self._run(), self.summary)
        self._batch = batch
        self._parts = parts
        self._observer = observer
        self._size = size
        self._release = release
        self._ends_with_summary = self._has_ended = False

    def _run(self) -> Iterator[Values]:
        try:
            for row in self._batch.rows():
                assert isinstance(row, Row)
                if row.error and self._batch.problem is None:
                    self._observer.warn(row.error if row.object in row.error else f"{row.object}: {row.error}")
                yield from self._parts.take()
            yield from self._parts.take()
            if self._batch.problem is not None:  # what has come isn't the whole
                raise self._batch.problem
            yield from self._parts.finish()
        finally:
            self._batch.close()
            self._release()
        self._has_ended = True
        if warning := self._parts.totals.warning:
            self._observer.warn(f"warning: {warning}")

    def save(self, path: str | Path) -> int:
        """Write the rows to a file, atomically: CSV, a JSON array (``.json``), or JSON lines (``.jsonl``).

        :param path: its suffix determines the format; without one, it is CSV
        :returns: the number of bytes
        :raises LocalFileError: when the file can't be written
        :raises UsageError: when no format has this suffix
        """
        form = file_format(str(path))
        count = 0
        with replacing(path) as file:
            for piece in form.pieces(self):
                count += file.write(f"{escaped(piece)}{form.end}".encode())
        return count

    def figures(self) -> dict[str, Any]:
        """Return what was read and moved, after the last row.

        After a LIMIT, it isn't known how much of the objects was read, and some may have been read in vain.
        """
        batch, totals, is_enough = self._batch.figures(), self._parts.totals, self._parts.is_enough
        return {
            "objects": self._parts.used if is_enough else batch["done"] + batch["done_before"],
            "failed": batch["failed"],
            "rows_read": None if is_enough else totals.rows,
            "rows_malformed": totals.malformed,
            "bytes_read": None if is_enough else self._size,
            "bytes_moved": batch["bytes"],
            "seconds": batch["seconds"],
        }

    def summary(self) -> str:
        """Summarize in one line what was read and moved."""
        figures = self.figures()
        objects = counted(figures["objects"], "object")
        amount = "" if figures["bytes_read"] is None else f", {size(figures['bytes_read'])}"
        failed = f", {counted(figures['failed'], 'object')} failed" if figures["failed"] else ""
        if figures["rows_read"] is None:
            read = f"ended by LIMIT in {objects}"
        else:
            read = f"{objects}, {counted(figures['rows_read'], 'row')}{amount} read next to the data"
        return f"{read}; {size(figures['bytes_moved'])} moved{failed}, {figures['seconds']:.1f} s"

    def pieces(self, rendering: Rendering = _FOR_PEOPLE) -> Iterator[str]:
        """Yield the rows in a format; what sums them up follows on standard error, where programs read the rows."""
        self._ends_with_summary = rendering.format != DOCUMENT
        return super().pieces(rendering)

    def last_line(self) -> str:
        """Return the summary for people."""
        if not self.is_headed:
            return ""
        self._ends_with_summary = False
        return self.summary()

    def close(self) -> None:
        """Cancel what still runs."""
        super().close()
        self._batch.close()
        self._release()
        if self._ends_with_summary and self._has_ended:
            self._ends_with_summary = False
            self._observer.warn(self.summary())
