"""The result of a batch: a row for each object, and how the batch ended."""

from __future__ import annotations

import io
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, cast, overload

from storlet_shell.batches.batch import Batch
from storlet_shell.batches.executor import Access
from storlet_shell.batches.joining.body import JoinedBody
from storlet_shell.batches.joining.concatenation import Concatenation
from storlet_shell.batches.joining.joiner import Header, Joiner, check_header
from storlet_shell.batches.work import Outcome
from storlet_shell.equality import typed_equality
from storlet_shell.errors import HINT, SUBJECT, PartFailedError, Spelling, StorletShellError
from storlet_shell.results import Response, Table
from storlet_shell.results.fields import Field, dashed
from storlet_shell.text import counted, escaped, size
from storlet_shell.values import ObjectPath
from storlet_shell.wire.observer import Observer


@typed_equality
class _Columns(NamedTuple):
    status: int | None
    bytes: int | None
    seconds: float
    endpoint: str | None
    object: str
    output: str | None
    error: str | None
    transaction: str | None


class Row(_Columns):
    """One object of a batch: a named tuple of the table's columns, and the storlet's result.

    ``status`` is the HTTP status, ``bytes`` the size of the result, ``seconds`` the time that the endpoint took,
    ``error`` one line, ``transaction`` Swift's transaction ID; ``object`` and ``output`` are spelled as on a line.
    Unknown and missing values are None.

    ``content`` is the storlet's result, if the batch keeps it: if it is stored neither as objects nor as files.
    """

    content: bytes | None = None
    number = 0
    """The object's position in the listing, from 0."""

    @classmethod
    def of(cls, outcome: Outcome, spell: Spelling) -> Row:
        """Return the row of an outcome.

        :param spell: spells the hint of its error
        """
        task = outcome.task
        file = str(Path(task.folder, task.file)) if task.file else None
        row = cls(
            status=outcome.status or None,
            bytes=outcome.size,
            seconds=round(outcome.seconds, 4),
            endpoint=outcome.endpoint or None,
            object=str(task.source),
            output=str(task.output) if task.output else file,
            error=outcome.error.explained(spell) if outcome.error else None,
            transaction=outcome.transaction_id or None,
        )
        row.content = outcome.body if isinstance(outcome.body, bytes) else None
        row.number = task.number
        return row

    @property
    def name(self) -> str:
        """The object's name in its container."""
        return self.object.split("/", 2)[2]


_ERROR = _Columns._fields.index("error")


def _fields(*, shows_endpoints: bool) -> tuple[Field, ...]:
    """Return the columns as people see them: of a width that most rows fit in, since they come one by one."""
    return (
        Field("status", spell=dashed, width=3, is_number=True),
        Field("bytes", spell=dashed, width=10, is_number=True),
        Field("seconds", spell="{:.3f}".format, width=7, is_number=True),
        Field("endpoint", spell=dashed, width=16, is_shown=shows_endpoints),
        Field("object", spell=escaped),
        Field("output", is_shown=False),
        Field("error"),
        Field("transaction", is_shown=False),
    )


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
        super().__init__(_fields(shows_endpoints=shows_endpoints), self._run(), self.summary)
        self._batch = batch
        self.concatenation = batch.concatenation
        self._access = access
        self._observer = observer
        self._label = label
        self._remaining = remaining
        self._release = release
        self._allows_failures = allows_failures
        self._numbers: dict[str, int] = {}
        self._first_error: StorletShellError | None = None
        self._done_count = self._failed_count = self._size = 0
        self._has_ended = False
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
        parts = [(f"{self._done_count} of " if self._failed_count else "") + f"{counted(count, 'object')} done"]
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
                for outcome in outcomes:
                    self._count(outcome)
                    progress.advance(1)
                    yield Row.of(outcome, self._observer.spell)
                if self.concatenation and self._batch.last_error is None:
                    self.concatenation.complete()
            self._has_ended = True
        except (KeyboardInterrupt, GeneratorExit):
            early = f"ended early: {self.summary()}"
            self._broken = PartFailedError(early)
            self._observer.warn(early)
            raise
        except StorletShellError as error:
            self._broken = error
            raise
        finally:
            self._ended = time.monotonic()
            self._release()

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

    def further_rows_to_show(self, count: int) -> list[tuple[Any, ...]]:
        """Return failed rows after the first so many, as many at most."""
        return list(itertools.islice((row for row in self._fetched[count:] if row[_ERROR]), count))

    def close(self) -> None:
        """Cancel what still runs."""
        super().close()
        self._release()


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
