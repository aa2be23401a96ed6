"""The result of a batch: a row for each object, and how the batch ended."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, nullcontext, suppress
from functools import cached_property
from pathlib import Path
from typing import Any, cast, overload

from storlet_shell.batches.batch import Batch
from storlet_shell.batches.executor import GRACE, Access
from storlet_shell.batches.joining.body import JoinedBody
from storlet_shell.batches.joining.concatenation import Concatenation
from storlet_shell.batches.joining.joiner import Header, Joiner, check_header
from storlet_shell.batches.rows.excerpt import Excerpt, excerpt
from storlet_shell.batches.rows.row import Row, fields_of_rows, spelled
from storlet_shell.batches.work import Outcome
from storlet_shell.errors import HINT, SUBJECT, PartFailedError, Spelling, StorletShellError
from storlet_shell.results import Response, Table
from storlet_shell.results.on_terminal import Display, table_on_terminal
from storlet_shell.text import counted, size
from storlet_shell.values import ObjectPath
from storlet_shell.wire.observer import Observer, remark


class Rows(Table):
    """The rows of a batch, which runs while they are read.

    Rows that came before Ctrl-C, or before a failure that ended the batch, stay usable; see ``is_whole``.

    :param observer: notified of progress, and of an interruption
    :param label: a description of the batch
    :param remaining: the number of objects still to do; None if unknown
    :param release: called at the end in any case, perhaps more than once
    :param shows_endpoints: whether people see the endpoints
    :param allows_failures: whether the batch succeeds although objects failed, as long as every object was run
    """

    is_live = True
    keeps_part = True
    shows_all_on_a_page = True

    def __init__(
        self,
        batch: Batch,
        access: Access,
        observer: Observer,
        label: str,
        remaining: int | None,
        release: Callable[[], None] = lambda: None,
        *,
        shows_endpoints: bool = False,
        allows_failures: bool = False,
    ) -> None:
        super().__init__(fields_of_rows(shows_endpoints=shows_endpoints), self._run(), self.summary)
        self._batch = batch
        self.concatenation = batch.concatenation
        self._access = access._replace(patience=self._patience)
        self._observer = observer
        self._label = label
        self._remaining = remaining
        self._release = release
        self._allows_failures = allows_failures
        self._numbers: dict[str, int] = {}
        self._first_error: StorletShellError | None = None
        self._done_count = self._failed_count = self._size = 0
        self._has_ended = self._was_left = False
        self._cut_from: int | None = None  # the number of objects of a batch that was interrupted
        self._broken: StorletShellError | None = None
        self._started, self._ended = time.monotonic(), 0.0

    # --- as a sequence

    def __iter__(self) -> Iterator[Row]:
        return super().__iter__()

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...
    @overload
    def __getitem__(self, index: str) -> bytes: ...
    def __getitem__(self, index: Any) -> Any:
        """Return a row by its number, rows by a slice, or the storlet's result by an object's name.

        :raises IndexError: when there are fewer rows
        :raises KeyError: when the object isn't among them, it failed, or its result wasn't kept
        """
        if not isinstance(index, str):
            return super().__getitem__(index)
        self.keep()
        if len(self._numbers) < len(self._fetched):
            self._numbers = {row.name: number for number, row in enumerate(self)}
        row = self[self._numbers[index]]
        content = row.content
        if content is None:
            raise KeyError(f"{index}: {row.error or 'its result was not kept'}")
        return content

    @cached_property
    def _record(self) -> Callable[[Any], Row]:
        return lambda row: row  # they are rows already

    @property
    def failed(self) -> list[Row]:
        """The rows of the objects that failed."""
        return [row for row in self if row.error]

    def raise_for_failed(self) -> None:
        """Raise an error if an object failed or the batch ended early; its ``result`` is these rows.

        :raises StorletShellError: the error that a command line would end with
        """
        self._fetch()
        if problem := self._problem(allows_failures=False):
            problem.result = self
            raise problem

    def concat(self, *, header: Header | None = None, name_column: str = "", allow_missing: bool = False) -> Response:
        """Join the results into one, in the order of the listing: ``rows.concat().dataframe()`` is one data frame.

        CSV keeps one header, JSON arrays become JSON lines, and a missing line end is added between results. The joined
        result is in memory; the option ``concat`` of a batch writes it to a file instead.

        :param header: ``once``, ``keep`` or ``none``; None means ``once`` for objects named ``.csv`` or ``.tsv`` whose
            results begin with a header, else ``keep``
        :param name_column: the name of a column to add in front of CSV and JSON lines, with the objects' names
        :param allow_missing: leave out objects that failed, rather than raise their error
        :raises PartFailedError: when objects failed
        :raises StorletShellError: when results don't fit together, or weren't kept
        """
        check_header(header)
        self.keep()
        if not allow_missing:
            self.raise_for_failed()
        file = io.BytesIO()
        joiner = Joiner(file, header or self._batch.header, name_column)
        for row in sorted(self, key=lambda row: row.number):
            if row.error:
                continue
            if row.content is None:
                raise StorletShellError("its result wasn't kept", subject=row.object)
            joiner.add(ObjectPath.parse(row.object), [row.content])
        headers = {"Content-Length": str(joiner.size), "Content-Type": joiner.content_type}
        response = Response(200, {name: value for name, value in headers.items() if value}, subject=self._label)
        response.hold(file.getvalue())
        return response

    def save(self, path: str | Path) -> int:
        """Write the joined results to a file, atomically; see :meth:`concat`.

        :returns: the number of bytes
        :raises PartFailedError: when objects failed
        :raises LocalFileError: when the file can't be written
        """
        return self.concat().save(path)

    def body(self, subject: str) -> JoinedBody:
        """Return the joined results as one body; reading it runs the batch, and reports failed objects as warnings.

        :param subject: the pattern of the objects
        """
        assert isinstance(self.concatenation, Concatenation)
        return JoinedBody(
            self._pieces(self.concatenation),
            self.concatenation,
            subject=subject,
            find_problem=lambda: self.problem,
            close=self.close,
        )

    def _pieces(self, concatenation: Concatenation) -> Iterator[bytes]:
        with closing(concatenation):
            for row in cast("Iterator[Row]", self.rows()):
                if row.error:
                    self._observer.warn(row.error if row.object in row.error else f"{row.object}: {row.error}")
                yield from concatenation.take()
            yield from concatenation.take()
        if self.problem is None:
            self._observer.warn(self.summary())

    def stream(self) -> Iterator[Row]:
        """Run the batch, and yield each row as soon as it is there, with its result; no row is kept.

        :raises StorletShellError: after the last row, when the batch has ended early
        """
        self._batch.keep_bodies()
        try:
            yield from self.rows()  # type: ignore[misc]  # they are rows already
        finally:
            self.close()
        if last := self._batch.last_error:
            raise _ended_by(last, self.summary())

    # --- how far it is

    @property
    def is_whole(self) -> bool:
        """Whether every object was run, successfully or not; known when the batch has ended."""
        return self._has_ended and self._batch.last_error is None

    @property
    def problem(self) -> StorletShellError | None:
        """The error that a line ends with after the rows are shown; known at the end."""
        return self._problem(allows_failures=self._allows_failures)

    def _problem(self, *, allows_failures: bool) -> StorletShellError | None:
        if last := self._batch.last_error:
            return _ended_by(last, self.summary())
        if self._broken is not None:
            return self._broken
        if (first := self._first_error) and not allows_failures:
            return _failed_in_part(first, self.summary())
        return None

    def summary(self) -> str:
        """Summarize the progress of the batch in one line."""
        seconds = self._elapsed()
        count = self._done_count + self._failed_count
        total = self._cut_from or count
        parts = [(f"{self._done_count} of " if total > self._done_count else "") + f"{counted(total, 'object')} done"]
        parts += [f"{self._failed_count} failed"] if self._failed_count else []
        parts += [f"{self._batch.earlier} done before"] if self._batch.earlier else []
        parts += [size(self._size)] if self._size else []
        text = ", ".join([*parts, f"{seconds:.1f} s", f"{count / max(seconds, 0.001):.3g}/s"])
        return f"{text}; {self.concatenation.summary()}" if self.concatenation and self.is_whole else text

    def _elapsed(self) -> float:
        return (self._ended or time.monotonic()) - self._started

    def figures(self) -> dict[str, Any]:
        """Return the counts, and whether every object was run."""
        return {
            "done": self._done_count,
            "failed": self._failed_count,
            "done_before": self._batch.earlier,
            "bytes": self._size,
            "seconds": round(self._elapsed(), 3),
            "is_whole": self.is_whole,
            **self._file_figures(),
        }

    def _file_figures(self) -> dict[str, Any]:
        if self.concatenation is None:
            return {}
        return {"file": self.concatenation.target or None, "file_bytes": self.concatenation.size}

    # --- as it runs, and is shown

    def _run(self) -> Iterator[Row]:
        self._started = time.monotonic()
        try:
            with (
                self.concatenation or nullcontext(),
                self._observer.progress(self._label, self._remaining, "objects") as progress,
                closing(self._batch.outcomes(self._access)) as outcomes,
            ):
                remark(progress, self._failures)
                for outcome in outcomes:
                    self._count(outcome)
                    progress.advance(1)
                    try:
                        yield _row_of(outcome, self._observer.spell)
                    except GeneratorExit as end:
                        self._was_left = not isinstance(end.__context__, KeyboardInterrupt)
                        if not self._was_left:  # Ctrl-C came while the row was shown
                            self._count_last(outcomes)
                        raise
                if self.concatenation and self._batch.last_error is None:
                    self.concatenation.complete()
            self._has_ended = True
        except (KeyboardInterrupt, GeneratorExit):
            self._cut_from = self._remaining
            resume = f"; rerun the same line to resume from {self._batch.journal}" if self._batch.journal else ""
            early = f"ended early: {self.summary()}{resume}"
            self._broken = PartFailedError(early)
            self._observer.warn(early)
            raise
        except StorletShellError as error:
            self._broken = error
            raise
        finally:
            self._ended = time.monotonic()
            self._release()

    def _count_last(self, outcomes: Generator[Outcome]) -> None:
        """Interrupt the batch, and count the runs that end after that."""
        with suppress(KeyboardInterrupt, StopIteration):
            outcome = outcomes.throw(KeyboardInterrupt)
            while True:
                self._count(outcome)
                outcome = next(outcomes)

    def _patience(self, running: int) -> float | None:
        """Return the seconds to wait for runs: without a limit after Ctrl-C, if a user knows, and can drop them."""
        is_interrupted = not self._was_left and not self._batch.is_over
        return None if is_interrupted and self._observer.awaits(running) else GRACE

    def _failures(self) -> str:
        return f"{self._failed_count:,} failed" if self._failed_count else ""

    def _count(self, outcome: Outcome) -> None:
        for note in outcome.notes:
            self._observer.warn(*note)
        if outcome.error:
            self._failed_count += 1
            self._first_error = self._first_error or outcome.error
            return
        self._done_count += 1
        self._size += outcome.size or 0

    def keep(self) -> None:
        """Run the whole batch, and keep its results, unless they are stored elsewhere."""
        self._batch.keep_bodies()
        super().keep()

    def look(self) -> None:
        """Run the whole batch, so that it runs once, however often it is shown."""
        super().keep()

    def last_line(self) -> str:
        """Return the summary, unless the problem says it."""
        return self.summary() if self.problem is None else ""

    def brief(self) -> str:
        """Count the rows, and the objects that were done and that failed."""
        objects = f"{counted(self._done_count, 'object')} done, {self._failed_count} failed"
        return f"{counted(len(self._fetched), 'row')}{'' if self._ended else ' so far'}, {objects}"

    def peek(self, count: int) -> tuple[list[tuple[Any, ...]], bool]:
        """Return the rows that a page shows: of a large batch, those that failed, the first, and the last.

        :param count: the largest number of rows to return
        """
        rows, is_whole = super().peek(count)
        return (rows, True) if is_whole else (excerpt(self._fetched, count), False)

    def on_terminal(self, display: Display, columns: Sequence[str] = ()) -> Iterator[str]:
        """Yield the rows as they come; of a large batch, those that failed, the first, and the last."""
        names = columns or [field.name for field in self.fields_of_rows if field.is_shown]
        table = Excerpt(self, names, self._remaining)
        for line in table_on_terminal(table, display):
            if table.note:
                yield table.note
                table.note = ""
            yield line

    def close(self) -> None:
        """Cancel what still runs."""
        super().close()
        self._release()


def _row_of(outcome: Outcome, spell: Spelling) -> Row:
    """Return the row of an outcome.

    :param spell: spells the hint of its error
    """
    task = outcome.task
    file = str(Path(task.folder, task.file)) if task.file else None
    row = Row(
        status=outcome.status or None,
        bytes=outcome.size,
        seconds=round(outcome.seconds, 4),
        endpoint=outcome.endpoint or None,
        object=str(task.source),
        output=str(task.output) if task.output else file,
        error=spelled(outcome.error, spell) if outcome.error else None,
        transaction=outcome.transaction_id or None,
    )
    row.content = outcome.body if isinstance(outcome.body, bytes) else None
    row.number = task.number
    return row


def _ended_by(error: StorletShellError, summary: str) -> StorletShellError:
    """Return the error that ended a batch early, as a command of its own would have raised it."""
    hint = HINT if error.hint and HINT not in str(error.args[0]) else ""
    return error.adding(f"{hint}; ended there, {summary}")


def _failed_in_part(first: StorletShellError, summary: str) -> PartFailedError:
    """Return the error of a batch with failed objects, with the details of the first failure."""
    text = str(first.args[0])
    if first.subject is not None and SUBJECT not in text:
        text = f"{SUBJECT}: {text}"
    return PartFailedError(
        f"{summary}; the first: {text}",
        subject=first.subject,
        status=first.status,
        hint=first.hint,
        transaction_id=first.transaction_id,
        details=first.details,
    )
