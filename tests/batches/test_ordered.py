"""What joins results in the order of the listing may have enough before the last object."""

from __future__ import annotations

from collections.abc import Iterator

from storlet_shell.batches.batch import Batch
from storlet_shell.batches.executor import Access, Executor
from storlet_shell.batches.joining.ordered import Ordered
from storlet_shell.batches.work import Outcome, Task, Work
from storlet_shell.schedulers.base import Endpoint
from storlet_shell.values import Invocation, ObjectPath, StorletName

WORK = Work((Invocation(StorletName("s.py")),), False, (Endpoint("e", "http://e"),), "least-outstanding", 1)


class Pairs(Executor):
    """Does tasks in pairs, the later one first; ``taken`` are their numbers."""

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.is_closed = False

    def run(self, work: Work, tasks: Iterator[Task], access: Access) -> Iterator[Outcome]:
        """Yield an outcome for each task."""
        try:
            for first, second in zip(tasks, tasks, strict=False):
                self.taken += [first.number, second.number]
                for task in (second, first):
                    yield Outcome(task, 200, size=1, body=str(task.number).encode())
        finally:
            self.is_closed = True


class Few(Ordered):
    """Keeps results until there are so many."""

    def __init__(self, count: int) -> None:
        super().__init__(None)
        self._count = count
        self.results: list[bytes] = []

    @property
    def is_enough(self) -> bool:
        """Whether there are so many."""
        return len(self.results) >= self._count

    def _append(self, source: ObjectPath, chunks: Iterator[bytes]) -> None:
        self.results.append(b"".join(chunks))

    def summary(self) -> str:
        """Return their number."""
        return str(len(self.results))


def outcomes(joining: Few, executor: Pairs) -> list[int]:
    """Run a batch over ten objects; return the numbers of those that have outcomes."""
    sources = (ObjectPath("c", f"o{number}") for number in range(10))
    batch = Batch(sources, Task, WORK, executor, concatenation=joining)
    numbers = [outcome.task.number for outcome in batch.outcomes(Access(lambda: None))]  # type: ignore[arg-type, return-value]
    assert batch.last_error is None
    return numbers


def test_batch_stops_once_there_is_enough() -> None:
    """Without an error; the executor takes no more tasks, and ends."""
    executor, joining = Pairs(), Few(3)
    assert outcomes(joining, executor)[:3] == [0, 1, 2]
    assert joining.results[:3] == [b"0", b"1", b"2"]
    assert executor.taken == [0, 1, 2, 3]
    assert executor.is_closed


def test_batch_goes_on_until_there_is_enough() -> None:
    """To its end if there never is; results that come early wait for their turn."""
    executor, joining = Pairs(), Few(100)
    assert outcomes(joining, executor) == list(range(10))
    assert joining.results == [str(number).encode() for number in range(10)]
