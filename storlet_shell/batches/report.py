"""What a batch shows: a row for each object as it comes, and how it ended."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from storlet_shell.batches.batch import Batch
from storlet_shell.batches.executor import How
from storlet_shell.batches.work import Outcome
from storlet_shell.errors import (
    ExitStatus,
    IdentityError,
    NotFoundError,
    PartFailedError,
    ServiceError,
    StorletFailedError,
    StorletShellError,
    UsageError,
)
from storlet_shell.results import Table
from storlet_shell.text import counted, escaped, size
from storlet_shell.wire.observer import Observer

COLUMNS = ("status", "bytes", "seconds", "endpoint", "object", "output", "error", "transaction")

_ERRORS: dict[int, type[StorletShellError]] = {
    ExitStatus.USAGE: UsageError,
    ExitStatus.IDENTITY: IdentityError,
    ExitStatus.NOT_FOUND: NotFoundError,
    ExitStatus.SERVICE: ServiceError,
    ExitStatus.STORLET_FAILED: StorletFailedError,
}


class Rows(Table):
    """The rows of a batch, which runs while they are shown; and, once it is kept, what the storlet made.

    Indexed by an object's name, it gives what the storlet made of it, as bytes: where the batch has no other output,
    and its result was stored in a variable.

    :param observer: where is shown how far the batch is, and how far it was when it is interrupted
    :param label: what the batch does
    :param left: how many objects are still to be done; None when nobody knows
    :param release: called at its end, however that comes, and perhaps again
    :param shows_endpoints: whether lines tell the endpoint
    :param allows_failures: whether failed objects are no problem, as long as every object had its run
    """

    keeps_part = True

    def __init__(
        self,
        batch: Batch,
        how: How,
        observer: Observer,
        label: str,
        left: int | None,
        release: Callable[[], None] = lambda: None,
        *,
        shows_endpoints: bool = False,
        allows_failures: bool = False,
    ) -> None:
        super().__init__(COLUMNS, self._run(), self.summary)
        self._batch = batch
        self._how = how
        self._observer = observer
        self._label = label
        self._left = left
        self._release = release
        self._shows_endpoints = shows_endpoints
        self._allows_failures = allows_failures
        self._bodies: dict[str, bytes] = {}
        self._first: Outcome | None = None
        self._done = self._failed = self._size = 0
        self._started, self._ended = time.monotonic(), 0.0

    @property
    def problem(self) -> StorletShellError | None:
        """Why the batch is not wholly done; known at its end."""
        if last := self._batch.last:
            return error_of(last, f"; ended there, {self.summary()}")
        if (first := self._first) and not self._allows_failures:
            text = f"{self.summary()}; the first: {first.error}"
            return PartFailedError(text, transaction_id=first.transaction_id, details=first.details)
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

    def _run(self) -> Iterator[tuple[Any, ...]]:
        self._started = time.monotonic()
        try:
            with (
                self._observer.progress(self._label, self._left, "objects") as progress,
                closing(self._batch.outcomes(self._how)) as outcomes,
            ):
                for outcome in outcomes:
                    self._count(outcome)
                    progress.advance(1)
                    yield _row(outcome)
        except (KeyboardInterrupt, GeneratorExit):
            self._observer.warn(f"ended early: {self.summary()}")
            raise
        finally:
            self._ended = time.monotonic()
            self._release()

    def _count(self, outcome: Outcome) -> None:
        for note in outcome.notes:
            self._observer.warn(note)
        if outcome.error:
            self._failed += 1
            self._first = self._first or outcome
            return
        self._done += 1
        self._size += outcome.size or 0
        if outcome.body is not None:
            self._bodies[outcome.task.source.name] = outcome.body

    def __getitem__(self, name: str) -> bytes:
        return self._bodies[name]

    def keep(self) -> None:
        """Run the batch to its end."""
        self._batch.keep_bodies()
        super().keep()

    def look(self) -> None:
        """Run the batch to its end, so that it runs once, and here, however often it is shown."""
        super().keep()

    def fields(self) -> dict[str, Any]:
        """Run the batch to its end and return every row."""
        return {**super().fields(), **self._figures()}

    def _figures(self) -> dict[str, Any]:
        return {
            "done": self._done,
            "failed": self._failed,
            "done_before": self._batch.earlier,
            "bytes": self._size,
            "is_whole": self._batch.last is None,
        }

    def render(self) -> Iterator[str]:
        """Yield a line for each row as it comes; the summary, unless the problem says it."""
        for number, (status, count, seconds, endpoint, source, _, error, _) in enumerate(self.rows()):
            if self.is_headed and not number:
                yield self._line("STATUS", "BYTES", "SECONDS", "ENDPOINT", "OBJECT")
            made = "-" if count is None else str(count)
            line = self._line(str(status or "-"), made, f"{seconds:.3f}", endpoint or "-", escaped(source))
            yield f"{line}  {error}" if error else line
        if self.problem is None:
            yield self.summary()

    def _line(self, status: str, count: str, seconds: str, endpoint: str, source: str) -> str:
        width = len("STATUS") if self.is_headed else 3
        where = f"{endpoint:<16}  " if self._shows_endpoints else ""
        return f"{status:>{width}}  {count:>10}  {seconds:>7}  {where}{source}"

    def json_pieces(self) -> Iterator[str]:
        """Yield the rows as they come, and the figures, as one JSON document."""
        yield '{"rows": ['
        for number, row in enumerate(self.rows()):
            yield (",\n" if number else "") + json.dumps(dict(zip(COLUMNS, row, strict=True)), ensure_ascii=False)
        yield "], " + json.dumps(self._figures())[1:]

    def close(self) -> None:
        """Drop what still runs."""
        if isinstance(self._rows, Generator):
            self._rows.close()
        self._release()


def error_of(outcome: Outcome, more: str = "") -> StorletShellError:
    """Return the error that a failed task would have raised in a line of its own.

    :param more: what its message ends with
    """
    kind = _ERRORS.get(outcome.exit_status, StorletShellError)
    return kind(outcome.error + more, transaction_id=outcome.transaction_id, details=outcome.details)


def _row(outcome: Outcome) -> tuple[Any, ...]:
    task = outcome.task
    file = str(Path(task.folder, task.file)) if task.file else None
    return (
        outcome.status or None,
        outcome.size,
        round(outcome.seconds, 4),
        outcome.endpoint or None,
        str(task.source),
        str(task.output) if task.output else file,
        outcome.error or None,
        outcome.transaction_id or None,
    )
