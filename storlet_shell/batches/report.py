"""The result of a batch: a row for each object as it comes, and how the batch ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, overload

from storlet_shell.batches.batch import Batch
from storlet_shell.batches.executor import Access
from storlet_shell.batches.work import Outcome
from storlet_shell.equality import typed_equality
from storlet_shell.errors import (
    HINT,
    ExitStatus,
    IdentityError,
    NotFoundError,
    PartFailedError,
    ServiceError,
    Spelling,
    StorletFailedError,
    StorletShellError,
    UsageError,
    advise,
)
from storlet_shell.results import Table
from storlet_shell.text import counted, escaped, size
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
    """What came of one object: a named tuple of a table's columns, and what the storlet made.

    ``status`` is the HTTP status, ``bytes`` the size of the result, ``seconds`` the time that the endpoint took,
    ``error`` one line, ``transaction`` Swift's transaction id; ``object`` and ``output`` are spelled as on a line. What
    isn't known, or doesn't exist, is None.

    ``content`` is the storlet's result, where the batch keeps it: if it goes neither to objects nor to files.
    """

    content: bytes | None = None

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
            error=advise(outcome.error, outcome.hint, spell) or None,
            transaction=outcome.transaction_id or None,
        )
        row.content = outcome.body
        return row

    @property
    def name(self) -> str:
        """The object's name in its container."""
        return self.object.split("/", 2)[2]


_ERRORS: dict[int, type[StorletShellError]] = {
    ExitStatus.USAGE: UsageError,
    ExitStatus.IDENTITY: IdentityError,
    ExitStatus.NOT_FOUND: NotFoundError,
    ExitStatus.SERVICE: ServiceError,
    ExitStatus.STORLET_FAILED: StorletFailedError,
}


class Rows(Table):
    """The rows of a batch. It runs while they are shown, or needed: a program has them all, as of any table.

    Rows that came before Ctrl-C, or before a failure that ended the batch, can be used after it; ``is_whole`` tells.

    :param observer: shown how far the batch is, and how far it was when it is interrupted
    :param label: what the batch does
    :param remaining: how many objects are still to be done; None when nobody knows
    :param release: called at its end, however that comes, and perhaps again
    :param shows_endpoints: whether lines tell the endpoint
    :param allows_failures: whether failed objects are no problem, as long as every object had its run
    """

    separator = ",\n"  # each row can be read as it comes
    keeps_part = True

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
        super().__init__(_Columns._fields, self._run(), self.summary)
        self._batch = batch
        self._access = access
        self._observer = observer
        self._label = label
        self._remaining = remaining
        self._release = release
        self._shows_endpoints = shows_endpoints
        self._allows_failures = allows_failures
        self._numbers: dict[str, int] = {}
        self._first: Outcome | None = None
        self._done = self._failed = self._size = 0
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
        """Return a row by its number, rows by a slice, or by an object's name what the storlet made of that object.

        :raises IndexError: when there are fewer rows
        :raises KeyError: when there is no such object, it has failed, or what the storlet made was not kept
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
        return lambda row: row  # they are records already

    @property
    def failed(self) -> list[Row]:
        """The rows of the objects that failed."""
        return [row for row in self if row.error]

    def raise_for_failed(self) -> None:
        """Raise an error if an object failed, or the batch has ended before its end; its ``result`` is these rows.

        :raises StorletShellError: as a line would end with it
        """
        self._fetch()
        if problem := self._problem(allows_failures=False):
            problem.result = self
            raise problem

    def stream(self) -> Iterator[Row]:
        """Run the batch, and yield each row as it comes, with what the storlet made; no row is kept.

        :raises StorletShellError: after the last row, when the batch has ended before its end
        """
        self._batch.keep_bodies()
        try:
            yield from self.rows()  # type: ignore[misc]  # they are records already
        finally:
            self.close()
        if last := self._batch.last:
            raise error_of(last, f"; ended there, {self.summary()}")

    # --- how far it is

    @property
    def is_whole(self) -> bool:
        """Whether every object had its run, well or not; known when the batch has ended."""
        return self._has_ended and self._batch.last is None

    @property
    def problem(self) -> StorletShellError | None:
        """Why the batch is not wholly done; known at its end."""
        return self._problem(allows_failures=self._allows_failures)

    def _problem(self, *, allows_failures: bool) -> StorletShellError | None:
        if last := self._batch.last:
            return error_of(last, f"; ended there, {self.summary()}")
        if self._broken is not None:
            return self._broken
        if (first := self._first) and not allows_failures:
            text = f"{self.summary()}; the first: {first.error}"
            return PartFailedError(text, transaction_id=first.transaction_id, details=first.details, hint=first.hint)
        return None

    def summary(self) -> str:
        """Say in one line how far the batch has come."""
        seconds = (self._ended or time.monotonic()) - self._started
        count = self._done + self._failed
        parts = [(f"{self._done} of " if self._failed else "") + f"{counted(count, 'object')} done"]
        parts += [f"{self._failed} failed"] if self._failed else []
        parts += [f"{self._batch.earlier} were done before"] if self._batch.earlier else []
        parts += [size(self._size)] if self._size else []
        return ", ".join([*parts, f"{seconds:.1f} s", f"{count / max(seconds, 0.001):.3g}/s"])

    def figures(self) -> dict[str, Any]:
        """Return how many objects were done, and whether that is all of them."""
        return {
            "done": self._done,
            "failed": self._failed,
            "done_before": self._batch.earlier,
            "bytes": self._size,
            "is_whole": self.is_whole,
        }

    # --- as it runs, and is shown

    def _run(self) -> Iterator[Row]:
        self._started = time.monotonic()
        try:
            with (
                self._observer.progress(self._label, self._remaining, "objects") as progress,
                closing(self._batch.outcomes(self._access)) as outcomes,
            ):
                for outcome in outcomes:
                    self._count(outcome)
                    progress.advance(1)
                    yield Row.of(outcome, self._observer.spell)
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
            self._failed += 1
            self._first = self._first or outcome
            return
        self._done += 1
        self._size += outcome.size or 0

    def keep(self) -> None:
        """Run the batch to its end, and keep what the storlet makes, where it goes nowhere else."""
        self._batch.keep_bodies()
        super().keep()

    def look(self) -> None:
        """Run the batch to its end, so that it runs once, and here, however often it is shown."""
        super().keep()

    def render(self) -> Iterator[str]:
        """Yield a line for each row as it comes; the summary, unless the problem says it."""
        for number, row in enumerate(self.rows()):
            status, count, seconds, endpoint, source, _, error, _ = row
            if self.is_headed and not number:
                yield self._line("STATUS", "BYTES", "SECONDS", "ENDPOINT", "OBJECT")
            amount = "-" if count is None else str(count)
            line = self._line(str(status or "-"), amount, f"{seconds:.3f}", endpoint or "-", escaped(source))
            yield f"{line}  {error}" if error else line
        if self.problem is None:
            yield self.summary()

    def _line(self, status: str, count: str, seconds: str, endpoint: str, source: str) -> str:
        width = len("STATUS") if self.is_headed else 3
        place = f"{endpoint:<16}  " if self._shows_endpoints else ""
        return f"{status:>{width}}  {count:>10}  {seconds:>7}  {place}{source}"

    def close(self) -> None:
        """Drop what still runs."""
        super().close()
        self._release()


def error_of(outcome: Outcome, more: str = "") -> StorletShellError:
    """Return the error that a failed task would have raised in a line of its own.

    :param more: what its message ends with
    """
    kind = _ERRORS.get(outcome.exit_status, StorletShellError)
    text = f"{outcome.error}{HINT if outcome.hint else ''}{more}"
    return kind(text, hint=outcome.hint, transaction_id=outcome.transaction_id, details=outcome.details)
