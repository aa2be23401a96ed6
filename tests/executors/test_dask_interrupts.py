"""Ctrl-C while outcomes of a Dask cluster are taken: none is lost, and none comes twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import distributed
import pytest

from storlet_shell.batches.work import Outcome, Task, Work
from storlet_shell.executors import dask
from storlet_shell.values import ObjectPath

TASKS = [Task(number, ObjectPath("c", str(number))) for number in range(4)]


class Future:
    """A task of a cluster that is done at once; the first look at some of them is interrupted."""

    def __init__(self, task: Task, interrupts: list[int]) -> None:
        self.task, self._interrupts = task, interrupts

    def done(self) -> bool:
        """Tell that it is done."""
        return True

    def result(self) -> Outcome:
        """Return the outcome, or be where Ctrl-C comes."""
        if self.task.number in self._interrupts:
            self._interrupts.remove(self.task.number)
            raise KeyboardInterrupt
        return Outcome(self.task, 200)


class Cluster:
    """A cluster of one thread."""

    loop = None

    def __init__(self, *interrupts: int) -> None:
        self._interrupts = list(interrupts)

    def nthreads(self) -> dict[str, int]:
        """Return the threads of each worker."""
        return {"tcp://one": 1}

    def submit(self, _do: object, _part: object, task: Task, **_: Any) -> Future:
        """Take a task."""
        return Future(task, self._interrupts)


class Completed:
    """The futures in order, more of which may be added on the way."""

    def __init__(self, futures: Iterable[Future], **_: object) -> None:
        self._futures = list(futures)

    def add(self, future: Future) -> None:
        """Add one."""
        self._futures.append(future)

    def __iter__(self) -> Iterator[Future]:
        while self._futures:
            yield self._futures.pop(0)


@pytest.fixture(autouse=True)
def without_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Dask's iterator take the futures of this file."""
    monkeypatch.setattr(distributed, "as_completed", Completed)


def run(cluster: Cluster) -> dask._Run:
    """Return what takes outcomes of a cluster."""
    part = dask._Part("batch", Work((), False, (), "random", 1), (), None, None)
    return dask._Run(cluster, part, lambda _: 0.1)  # type: ignore[arg-type]


def test_interrupt_while_an_outcome_is_taken_loses_none() -> None:
    """It is taken again, with those after it; then the interrupt goes on."""
    outcomes = run(Cluster(1)).outcomes(iter(TASKS))
    numbers: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        numbers.extend(outcome.task.number for outcome in outcomes)
    assert sorted(numbers)[:3] == [0, 1, 2]
    assert len(set(numbers)) == len(numbers)


def test_interrupt_after_an_outcome_was_yielded_yields_it_once() -> None:
    """Whoever asked for it has it."""
    outcomes = run(Cluster()).outcomes(iter(TASKS))
    numbers = [next(outcomes).task.number]
    assert hasattr(outcomes, "throw")
    numbers.append(outcomes.throw(KeyboardInterrupt).task.number)
    with pytest.raises(KeyboardInterrupt):
        numbers.extend(outcome.task.number for outcome in outcomes)
    assert len(set(numbers)) == len(numbers)
