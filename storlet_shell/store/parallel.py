"""Process many items in several threads, each with its own connections, and collect the failures."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from copy import copy
from queue import Empty, Queue
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from storlet_shell.equality import typed_equality
from storlet_shell.errors import IdentityError, ServiceError, Spelling, StorletShellError, in_python

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client

_KEPT_FAILURES = 1000
_HOPELESS = 10
_PATIENCE = 5.0

Item = TypeVar("Item")


class StoppedError(Exception):
    """The operation was stopped, so the current item is abandoned."""


class Tally:
    """The results of an operation so far; shared by threads.

    :param show: called with each advance, by one thread at a time
    :ivar spell: spells the hints of failures
    """

    def __init__(self, show: Callable[[int], None] = lambda _: None) -> None:
        self.counts: Counter[str] = Counter()
        self.bytes = 0
        self.failures: list[StorletShellError] = []
        self.failed = 0
        self.is_stopped = False
        self.end: BaseException | None = None
        self.notes: dict[str, tuple[int, str]] = {}
        self.spell: Spelling = in_python
        self._kinds: set[type[StorletShellError]] = set()
        self._in_a_row = 0
        self._show = show
        self._lock = threading.Lock()

    def advance(self, count: int) -> None:
        """Show progress.

        :param count: in bytes or objects
        :raises StoppedError: if the operation was stopped
        """
        if self.is_stopped:
            raise StoppedError
        with self._lock:
            self._show(count)

    def count(self, kind: str, number: int = 1, *, size: int = 0) -> None:
        """Count successes.

        :param kind: past participle of what was done, such as ``deleted``
        :param size: the number of transferred bytes
        """
        with self._lock:
            self.counts[kind] += number
            self.bytes += size
            self._in_a_row = 0

    def note(self, kind: str, text: str) -> None:
        """Record a note that isn't a failure; of each kind, the number and the first text are kept."""
        with self._lock:
            count, first = self.notes.get(kind, (0, text))
            self.notes[kind] = count + 1, first

    def fail(self, error: StorletShellError) -> None:
        """Record a failure, and stop the operation after too many in a row."""
        error = copy(error)  # drops the traceback, which references connections
        error.spell = self.spell
        with self._lock:
            self.failed += 1
            self._kinds.add(type(error))
            if self.failed <= _KEPT_FAILURES:
                self.failures.append(error)
            is_general = isinstance(error, ServiceError | IdentityError)  # likely to affect all items
            self._in_a_row = self._in_a_row + 1 if is_general else self._in_a_row
            if self._in_a_row >= _HOPELESS and self.end is None:
                self._stop(type(error)(f"gave up after {_HOPELESS} failures in a row; the last one: {error}"))

    def stop(self, error: BaseException) -> None:
        """Stop the operation with an error."""
        with self._lock:
            self._stop(error)

    def _stop(self, error: BaseException) -> None:
        self.end, self.is_stopped = self.end or error, True

    def check(self, action: str) -> None:
        """Raise all failures as one error.

        :param action: past participle of the intended action, such as ``deleted``
        :raises StorletShellError: of the common class of all failures, with a line for each
        """
        error = self.problem(action)
        if error is not None:
            raise error

    def problem(self, action: str) -> StorletShellError | None:
        """Return all failures as one error, as :meth:`check` raises it; None without any."""
        if not self.failed:
            return None
        kind = next(iter(self._kinds)) if len(self._kinds) == 1 else StorletShellError
        more = [f"(and {self.failed - _KEPT_FAILURES} more)"] if self.failed > _KEPT_FAILURES else []
        successes = ", ".join(f"{number} {name}" for name, number in self.counts.items() if number)
        return kind(
            f"{self.failed} could not be {action}" + (f"; {successes}" if successes else ""),
            details="\n".join([*map(str, self.failures), *more]),
        )


@typed_equality
class Worker(NamedTuple):
    """What a thread works with: its own client, and the shared tally."""

    client: Client
    tally: Tally


class _Crew(Generic[Item]):
    """The threads and their queue, which is short so that any number of items takes constant memory."""

    def __init__(self, client: Client, tally: Tally, jobs: int, work: Callable[[Worker, Item], None]) -> None:
        self._tally = tally
        self._work = work
        self._queue: Queue[Item | None] = Queue(2 * jobs)
        self._ended: Queue[None] = Queue()
        self._running = 0
        self._workers = [Worker(client.another(), tally) for _ in range(jobs)]
        self._threads = [threading.Thread(target=self._run, args=(worker,), daemon=True) for worker in self._workers]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()
            self._running += 1

    def put(self, item: Item) -> None:
        """Queue an item; wait while the queue is full."""
        self._queue.put(item)

    def finish(self, patience: float | None = None) -> None:
        """Wait until all items have been processed.

        ``Thread.join`` can't be used: after Ctrl-C has interrupted it, Python 3.11 takes a running thread for ended.

        :param patience: seconds to wait for each thread to end; None for as long as it takes
        """
        for _ in self._threads:
            self._queue.put(None)
        while self._running:
            self._ended.get(timeout=patience)
            self._running -= 1

    def leave(self) -> None:
        """Let each thread finish its current item, but don't wait for one whose server doesn't respond."""
        with suppress(Empty):
            while True:
                self._queue.get_nowait()
        with suppress(Empty):
            self.finish(_PATIENCE)

    def _run(self, worker: Worker) -> None:
        while (item := self._queue.get()) is not None:
            if self._tally.is_stopped:
                continue
            try:
                self._work(worker, item)
            except StorletShellError as error:
                self._tally.fail(error)
            except StoppedError:
                continue
            except BaseException as error:  # a bug: stop, and show it
                self._tally.stop(error)
        worker.client.close()
        self._ended.put(None)


def in_parallel(
    client: Client,
    tally: Tally,
    items: Iterable[Item],
    work: Callable[[Worker, Item], None],
    *,
    jobs: int,
) -> None:
    """Process items in several threads, and record the results in the tally.

    :param work: processes an item in a thread; a StorletShellError that it raises counts as one failure
    :param jobs: the number of threads
    :raises StorletShellError: if the iterator of items fails, or if there are too many failures in a row
    """
    tally.spell = client.observer.spell
    crew = _Crew(client, tally, jobs, work)
    crew.start()
    try:
        for item in items:
            if tally.is_stopped:
                break
            crew.put(item)
        crew.finish()
    except BaseException as error:
        tally.stop(error)
        crew.leave()
        raise
    if tally.end is not None:
        raise tally.end
