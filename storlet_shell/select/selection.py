"""The result of a query: a table of its own columns, whose rows come while the query runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from storlet_shell.batches.report import Row, Rows
from storlet_shell.results import Table
from storlet_shell.results.formats import FORMATS
from storlet_shell.results.saving import replacing
from storlet_shell.select.joining import Parts
from storlet_shell.select.joining import Row as Values
from storlet_shell.select.storlet import plainly
from storlet_shell.text import counted, escaped, size
from storlet_shell.wire.observer import Observer


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
        super().__init__(columns, self._run(), self.summary)
        self._batch = batch
        self._parts = parts
        self._observer = observer
        self._size = size
        self._release = release

    def _run(self) -> Iterator[Values]:
        try:
            for row in self._batch.rows():
                assert isinstance(row, Row)
                if row.error and self._batch.problem is None:
                    self._observer.warn(row.error if row.object in row.error else f"{row.object}: {row.error}")
                yield from self._parts.take()
            yield from self._parts.take()
            if self._batch.problem is not None:  # what has come isn't the whole
                raise plainly(self._batch.problem)
            yield from self._parts.finish()
        finally:
            self._batch.close()
            self._release()
        if warning := self._parts.totals.warning:
            self._observer.warn(f"warning: {warning}")

    def save(self, path: str | Path) -> int:
        """Write the rows to a file, atomically: as JSON (``.json``), JSON lines (``.jsonl``), or CSV (any other name).

        :returns: the number of bytes
        :raises LocalFileError: when the file can't be written
        """
        form = FORMATS[{".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl"}.get(Path(path).suffix.lower(), "csv")]
        count = 0
        with replacing(path) as file:
            for piece in form.pieces(self):
                count += file.write(f"{escaped(piece)}{form.end}".encode())
        return count

    def figures(self) -> dict[str, Any]:
        """Return what was read and moved, after the last row."""
        batch, totals = self._batch.figures(), self._parts.totals
        return {
            "objects": batch["done"] + batch["done_before"],
            "failed": batch["failed"],
            "rows_read": totals.rows,
            "rows_malformed": totals.malformed,
            "bytes_read": None if self._parts.is_enough else self._size,
            "bytes_moved": batch["bytes"],
            "seconds": batch["seconds"],
        }

    def summary(self) -> str:
        """Summarize in one line what was read and moved."""
        figures = self.figures()
        read, moved = figures["bytes_read"], size(figures["bytes_moved"])
        parts = [
            f"{counted(figures['objects'], 'object')}, {counted(figures['rows_read'], 'row')} read",
            *([f"{counted(figures['failed'], 'object')} failed"] if figures["failed"] else []),
            f"{moved} moved" if read is None else f"{moved} of {size(read)} moved",
            f"{figures['seconds']:.1f} s",
        ]
        return ", ".join(parts)

    def last_line(self) -> str:
        """Return the summary for people; programs that read the rows find it on standard error."""
        if self.is_headed:
            return self.summary()
        self._observer.warn(self.summary())
        return ""

    def close(self) -> None:
        """Cancel what still runs."""
        super().close()
        self._batch.close()
        self._release()
