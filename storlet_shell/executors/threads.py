"""``threads``: the threads of this process, each with connections of its own."""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

from storlet_shell.batches.crew import Crew
from storlet_shell.batches.executor import Executor, How
from storlet_shell.batches.work import Outcome, Task, Work

GRACE = 3.0
"""Seconds for which runs that are under way may go on after Ctrl-C."""

_AHEAD = 2
"""How many tasks are taken for each thread, so that none waits for the one that hands them out."""


class Threads(Executor):
    """Does tasks in threads."""

    def run(self, work: Work, tasks: Iterator[Task], how: How) -> Iterator[Outcome]:
        """Do every task; see :meth:`Executor.run`."""
        waiting: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        done: queue.SimpleQueue[Outcome | BaseException] = queue.SimpleQueue()
        with Crew(work, how.connect) as crew:
            count = 0
            ended: Outcome | None = None  # and not yet told
            try:
                for task in itertools.islice(tasks, work.jobs * _AHEAD):
                    if count < work.jobs:
                        _start(crew, waiting, done)
                    count += 1
                    waiting.put(task)
                while count:
                    ended = _checked(done.get())
                    count -= 1
                    if following := next(tasks, None):
                        waiting.put(following)
                        count += 1
                    yield ended
                    ended = None
            except KeyboardInterrupt:
                if ended is not None:
                    yield ended
                yield from _finish(waiting, done, count)
                raise
            finally:
                for _ in _given_back(waiting):
                    pass
                for _ in range(work.jobs):
                    waiting.put(None)


def _start(
    crew: Crew, waiting: queue.SimpleQueue[Task | None], done: queue.SimpleQueue[Outcome | BaseException]
) -> None:
    def work() -> None:
        while (task := waiting.get()) is not None:
            try:
                done.put(crew.do(task))
            except BaseException as error:  # it belongs to whoever waits for outcomes
                done.put(error)

    # A daemon: a storlet that takes forty seconds must not hold the process that the user has ended.
    threading.Thread(target=work, name="storlet-shell batch", daemon=True).start()


def _checked(outcome: Outcome | BaseException) -> Outcome:
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


def _given_back(waiting: queue.SimpleQueue[Task | None]) -> Iterator[Outcome]:
    """Yield what no thread has begun with."""
    with suppress(queue.Empty):
        while True:
            if task := waiting.get_nowait():
                yield Outcome(task, is_begun=False)


def _finish(
    waiting: queue.SimpleQueue[Task | None], done: queue.SimpleQueue[Outcome | BaseException], count: int
) -> Iterator[Outcome]:
    """Yield what was not begun, and the outcomes of what is under way and ends soon."""
    for outcome in _given_back(waiting):
        count -= 1
        yield outcome
    until = time.monotonic() + GRACE
    while count > 0:
        try:
            ended = done.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            return
        count -= 1
        yield _checked(ended)
