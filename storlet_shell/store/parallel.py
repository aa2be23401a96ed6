"""Many things done at a time, each thread with its own connections; failures are told at the end, the rest goes on."""

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
    """The whole has been ended, so this part of it ends as well."""


class Tally:
    """What has become of the parts so far; threads share it.

    :param shown: told how much more has been done, by one thread at a time
    :ivar spell: spells the hints of failures
    """

    def __init__(self, shown: Callable[[int], None] = lambda _: None) -> None:
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
        self._shown = shown
        self._lock = threading.Lock()

    def advance(self, count: int) -> None:
        """Show that so much more has been done.

        :raises StoppedError: when the whole has been ended
        """
        if self.is_stopped:
            raise StoppedError
        with self._lock:
            self._shown(count)

    def count(self, what: str, number: int = 1, *, size: int = 0) -> None:
        """Note something that went well.

        :param size: how many bytes were transferred
        """
        with self._lock:
            self.counts[what] += number
            self.bytes += size
            self._in_a_row = 0

    def note(self, kind: str, text: str) -> None:
        """Note something that is no failure; how often it came and the first text of a kind are kept."""
        with self._lock:
            count, first = self.notes.get(kind, (0, text))
            self.notes[kind] = count + 1, first

    def fail(self, error: StorletShellError) -> None:
        """Note something that failed; the whole is given up when it is no use to go on."""
        error = copy(error)  # without its traceback, which holds connections
        error.spell = self.spell
        with self._lock:
            self.failed += 1
            self._kinds.add(type(error))
            if self.failed <= _KEPT_FAILURES:
                self.failures.append(error)
            is_elsewhere = isinstance(error, ServiceError | IdentityError)
            self._in_a_row = self._in_a_row + 1 if is_elsewhere else self._in_a_row
            if self._in_a_row >= _HOPELESS and self.end is None:
                self._stop(type(error)(f"given up after {_HOPELESS} failures in a row; the last: {error}"))

    def stop(self, error: BaseException) -> None:
        """End the whole by an error."""
        with self._lock:
            self._stop(error)

    def _stop(self, error: BaseException) -> None:
        self.end, self.is_stopped = self.end or error, True

    def check(self, what: str) -> None:
        """Raise what has failed as one error.

        :param what: what was to be done, as "deleted"
        :raises StorletShellError: of the kind that all failures have in common, with a line for each
        """
        error = self.problem(what)
        if error is not None:
            raise error

    def problem(self, what: str) -> StorletShellError | None:
        """Return what has failed as one error, as :meth:`check` raises it; None if nothing has."""
        if not self.failed:
            return None
        kind = next(iter(self._kinds)) if len(self._kinds) == 1 else StorletShellError
        more = [f"(and {self.failed - _KEPT_FAILURES} more)"] if self.failed > _KEPT_FAILURES else []
        well = ", ".join(f"{number} {name}" for name, number in self.counts.items() if number)
        return kind(
            f"{self.failed} could not be {what}" + (f"; {well}" if well else ""),
            details="\n".join([*map(str, self.failures), *more]),
        )


@typed_equality
class Worker(NamedTuple):
    """One thread's share: its client, and the tally."""

    client: Client
    tally: Tally


class _Crew(Generic[Item]):
    """The threads, and the queue that feeds them; it is short, so that items of any number take constant memory."""

    def __init__(self, client: Client, tally: Tally, jobs: int, work: Callable[[Worker, Item], None]) -> None:
        self._tally = tally
        self._work = work
        self._queue: Queue[Item | None] = Queue(2 * jobs)
        self._ended: Queue[None] = Queue()
        self._running = 0
        self._workers = [Worker(client.another(), tally) for _ in range(jobs)]
        self._threads = [threading.Thread(target=self._run, args=(each,), daemon=True) for each in self._workers]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()
            self._running += 1

    def put(self, item: Item) -> None:
        self._queue.put(item)

    def finish(self, patience: float | None = None) -> None:
        """Wait until everything is done.

        Not by ``Thread.join``: Python 3.11 takes a thread for ended when Ctrl-C has interrupted that.

        :param patience: seconds to wait for the next thread that ends
        """
        for _ in self._threads:
            self._queue.put(None)
        while self._running:
            self._ended.get(timeout=patience)
            self._running -= 1

    def leave(self) -> None:
        """Let each thread end with what it is at; one that waits for a silent server is not waited for."""
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
            except BaseException as error:  # a mistake in the program: it ends the whole, and is shown
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
    """Do something with each item, several at a time, and count in the tally what came of it.

    :param work: called in a thread with its share and an item; a StorletShellError from it is one failure
    :raises StorletShellError: when the items end with an error, or going on was no use
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
