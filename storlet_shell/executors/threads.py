"""``threads``: the threads of this process, each with its own connections."""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress

from storlet_shell.batches.crew import Crew
from storlet_shell.batches.executor import Access, Executor
from storlet_shell.batches.work import Outcome, Task, Work

_AHEAD = 2
"""The number of tasks taken for each thread, so that none is idle."""


class Threads(Executor):
    """Does tasks in threads."""

    def run(self, work: Work, tasks: Iterator[Task], access: Access) -> Iterator[Outcome]:
        """Do every task; see :meth:`Executor.run`."""
        with Crew(work, access.connect) as crew:
            pool = _Pool(crew, work.jobs)
            yielded: Outcome | None = None
            try:
                for task in itertools.islice(tasks, work.jobs * _AHEAD):
                    pool.give(task)
                while pool.count:
                    outcome = pool.first()
                    if following := next(tasks, None):
                        pool.give(following)
                    yielded = outcome
                    yield outcome
                    pool.drop()
            except KeyboardInterrupt:
                yield from pool.finish(yielded, access.patience)
                raise
            finally:
                pool.end()


class _Pool:
    """Threads that do tasks. Interrupting the thread that waits for outcomes loses none of them.

    ``count`` is the number of tasks whose outcomes weren't dropped yet.
    """

    def __init__(self, crew: Crew, jobs: int) -> None:
        self._crew = crew
        self._jobs = jobs
        self._threads = 0
        self._waiting: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._outcomes: deque[Outcome | BaseException] = deque()
        self._changed = threading.Event()
        self.count = 0

    def give(self, task: Task) -> None:
        """Pass a task to the next idle thread."""
        if self._threads < self._jobs:
            self._threads += 1
            # A daemon: a storlet that takes forty seconds must not keep an interrupted process alive.
            threading.Thread(target=self._work, name="storlet-shell batch", daemon=True).start()
        self.count += 1
        self._waiting.put(task)

    def _work(self) -> None:
        while (task := self._waiting.get()) is not None:
            try:
                outcome: Outcome | BaseException = self._crew.do(task)
            except BaseException as error:  # raised in the thread that waits for outcomes
                outcome = error
            self._outcomes.append(outcome)
            self._changed.set()

    def first(self, until: float | None = None) -> Outcome:
        """Wait for the next outcome and return it; it stays the next one until it is dropped.

        :param until: when to give up, by the monotonic clock
        :raises TimeoutError: when no outcome arrives by then
        """
        while not self._outcomes:
            self._changed.clear()
            if self._outcomes:
                break
            if not self._changed.wait(None if until is None else max(0.0, until - time.monotonic())):
                raise TimeoutError
        outcome = self._outcomes[0]
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def drop(self) -> None:
        """Drop the next outcome."""
        self._outcomes.popleft()
        self.count -= 1

    def finish(self, yielded: Outcome | None, patience: Callable[[int], float | None]) -> Iterator[Outcome]:
        """Yield the tasks that weren't begun, and the outcomes of those that end soon.

        :param yielded: the last outcome that was yielded; it may have been dropped or not
        :param patience: see :class:`Access`
        """
        if yielded is not None and self._outcomes and self._outcomes[0] is yielded:
            self.drop()
        for task in self._taken_back():
            self.count -= 1
            yield Outcome(task, is_begun=False)
        running = self.count - len(self._outcomes)
        seconds = patience(running) if running else 0.0
        until = None if seconds is None else time.monotonic() + seconds
        with suppress(TimeoutError):
            while self.count > 0:
                try:
                    outcome = self.first(until)
                except KeyboardInterrupt:  # drop what still runs, but nothing that has ended
                    until = time.monotonic()
                    continue
                yield outcome
                self.drop()

    def _taken_back(self) -> Iterator[Task]:
        with suppress(queue.Empty):
            while True:
                if task := self._waiting.get_nowait():
                    yield task

    def end(self) -> None:
        """Let the threads end once they are idle; tasks that weren't begun are dropped."""
        for _ in self._taken_back():
            pass
        for _ in range(self._jobs):
            self._waiting.put(None)
