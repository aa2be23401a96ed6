"""A running batch: names become tasks, the executor turns them into outcomes, the journal records them."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from storlet_shell.batches.executor import Access, Executor
from storlet_shell.batches.joining.ordered import Ordered
from storlet_shell.batches.journal import Journal
from storlet_shell.batches.work import Outcome, Task, Work
from storlet_shell.equality import typed_equality
from storlet_shell.errors import StorletShellError
from storlet_shell.text import SURROGATE
from storlet_shell.values import ObjectPath
from storlet_shell.wire.quoting import check_encodable

_MOST_AHEAD = 16


@typed_equality
class Rules(NamedTuple):
    """The rules of a batch.

    :param keeps_going: whether it continues after an object has failed
    :param is_ordered: whether outcomes are yielded in the order of the listing, rather than as they finish
    """

    keeps_going: bool = True
    is_ordered: bool = False


class Batch:
    """Work over many objects; :meth:`outcomes` runs it, once.

    :param sources: the objects, consumed on demand
    :param make: turns an object and its number into a task; an object that it refuses has failed
    :param journal: records progress, and knows the progress of earlier runs
    :param concatenation: joins the results, in the order of the listing; outcomes are ordered then

    ``earlier`` counts the objects that the journal knew as done; ``last_error`` is the one that
    ended the batch early.
    """

    def __init__(
        self,
        sources: Iterable[ObjectPath],
        make: Callable[[int, ObjectPath], Task],
        work: Work,
        executor: Executor,
        journal: Journal | None = None,
        rules: Rules | None = None,
        concatenation: Ordered | None = None,
    ) -> None:
        self._sources = sources
        self._make = make
        self._work = work
        self._executor = executor
        self._journal = journal
        self._rules = rules or Rules()
        self.concatenation = concatenation
        self._is_ordered = self._rules.is_ordered or concatenation is not None
        self._refused: deque[Outcome] = deque()
        self._unfit: deque[Outcome] = deque()
        self._order: deque[int] = deque()
        self._early: dict[int, Outcome] = {}
        self._ahead: deque[Task] = deque()
        self._most_ahead = _MOST_AHEAD if journal else 1
        self.earlier = 0
        self.last_error: StorletShellError | None = None

    @property
    def header(self) -> str | None:
        """See :attr:`.Work.header`."""
        return self._work.header

    @property
    def journal(self) -> str:
        """The path of the journal; empty without one."""
        return str(self._journal.path) if self._journal else ""

    def keep_bodies(self) -> None:
        """Keep the results in the outcomes, unless they are stored elsewhere."""
        self._work = self._work._replace(keeps_bodies=True)

    def outcomes(self, access: Access) -> Generator[Outcome]:
        """Run the batch, and yield the outcome of each object that wasn't done before."""
        outcomes = self._executor.run(self._work, self._tasks(), access)
        try:
            for outcome in outcomes:
                yield from self._ended(outcome)
                yield from self._drained()
                if self.is_over:
                    break
        except KeyboardInterrupt:  # what is done has its row
            for outcome in self._settled(outcomes):
                yield from self._ended(outcome)
            yield from self._rest()
            raise
        finally:
            for outcome in self._settled(outcomes):
                self._record(outcome)
        yield from self._rest()

    @property
    def is_over(self) -> bool:
        """Whether no further objects are needed: one has ended the batch, or the joined result is complete."""
        return self.last_error is not None or self._is_complete

    @property
    def _is_complete(self) -> bool:
        return self.concatenation is not None and self.concatenation.is_enough

    def _rest(self) -> Iterator[Outcome]:
        """Yield the rest at the end: refused objects, and ordered outcomes after one that was cancelled."""
        yield from self._drained()
        while self._early:
            outcome = self._early.pop(min(self._early))
            if not outcome.is_earlier:
                yield outcome

    def _drained(self) -> Iterator[Outcome]:
        """Yield the outcomes of objects that no executor got."""
        while self._unfit:
            yield self._unfit.popleft()
        while self._refused:
            yield from self._ended(self._refused.popleft())

    def _tasks(self) -> Iterator[Task]:
        """Yield tasks, recorded as taken a few at a time, since one record costs about as much as many."""
        fresh = self._fresh()
        while chunk := list(itertools.islice(fresh, self._most_ahead)):
            if self._journal:
                self._journal.take([task.source.name for task in chunk])
            self._ahead.extend(chunk)
            while self._ahead and not self.is_over:
                yield self._ahead.popleft()

    def _fresh(self) -> Iterator[Task]:
        for number, source in enumerate(self._sources):
            if self.is_over:
                return
            if self._journal and self._is_done(source):
                self.earlier += 1
                if self.concatenation:
                    self._join_earlier(number, source)
                continue
            if self._is_ordered:
                self._order.append(number)
            try:
                check_encodable(source.name, source)
                yield self._make(number, source)
            except StorletShellError as error:
                self._refused.append(Outcome.of_failure(Task(number, source), error))

    def _settled(self, outcomes: Iterator[Outcome]) -> Iterator[Outcome]:
        """Interrupt an executor that hasn't finished; yield its last outcomes, and the tasks that it never got."""
        if self._is_complete and not self._journal and isinstance(outcomes, Generator):
            outcomes.close()  # nothing waits for its last outcomes
            return
        while self._ahead:
            yield Outcome(self._ahead.popleft(), is_begun=False)
        if isinstance(outcomes, Generator):
            with suppress(KeyboardInterrupt, StopIteration):
                outcome = outcomes.throw(KeyboardInterrupt)
                while True:
                    yield outcome
                    outcome = next(outcomes)

    def _is_done(self, source: ObjectPath) -> bool:
        assert self._journal is not None
        is_done = not SURROGATE.search(source.name) and self._journal.is_done(source.name)
        return is_done and (self.concatenation is None or self.concatenation.has(source))

    def _record(self, outcome: Outcome) -> None:
        if self._journal and not SURROGATE.search(outcome.task.source.name):
            self._journal.end(outcome.task.source.name, succeeded=outcome.is_begun and not outcome.error)

    def _ended(self, outcome: Outcome) -> Iterator[Outcome]:
        self._record(outcome)
        if not outcome.is_begun:
            return
        if outcome.error and self.last_error is None and (outcome.is_final or not self._rules.keeps_going):
            self.last_error = outcome.error
        if not self._is_ordered:
            yield outcome
            return
        number = outcome.task.number
        is_next = self._order and self._order[0] == number
        if self.concatenation and not is_next and isinstance(outcome.body, bytes):
            outcome = outcome._replace(body=self.concatenation.hold(outcome.body))
        self._early[number] = outcome
        while self._order and self._order[0] in self._early:
            following = self._joined(self._early.pop(self._order.popleft()))
            if following.error or not following.is_earlier:
                yield following

    def _joined(self, outcome: Outcome) -> Outcome:
        """Append an outcome's result to the joined one; an object whose result doesn't fit has failed."""
        if self.concatenation is None:
            return outcome
        task, body = outcome.task, outcome.body
        outcome = outcome._replace(task=task._replace(folder="", file=""), body=None)
        if outcome.error:
            self.concatenation.skip()
            return outcome
        try:
            self.concatenation.add(task.source, body)
        except StorletShellError as error:
            self.concatenation.skip()
            self.earlier -= outcome.is_earlier
            outcome = outcome._replace(error=Outcome.of_failure(task, error).error, size=None)
            self._record(outcome)
            if not self._rules.keeps_going:
                self.last_error = self.last_error or error
        return outcome

    def _join_earlier(self, number: int, source: ObjectPath) -> None:
        """Append a result of an earlier process as soon as its turn comes."""
        outcome = Outcome(self._make(number, source), is_earlier=True)
        if self._order:
            self._order.append(number)
            self._early[number] = outcome
        elif (joined := self._joined(outcome)).error:
            self._unfit.append(joined)
