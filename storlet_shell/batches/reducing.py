"""``reduce``: combine many objects into one by a storlet that takes several inputs, in a tree of runs."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from storlet_shell.batches.checks import check_ready
from storlet_shell.batches.endpoints import find_endpoints
from storlet_shell.batches.executor import Access, Executor, load_drivers
from storlet_shell.batches.objects import Objects
from storlet_shell.batches.work import Task, Work
from storlet_shell.equality import typed_equality
from storlet_shell.errors import UsageError
from storlet_shell.patterns import Pattern
from storlet_shell.results import Planned
from storlet_shell.store import containers
from storlet_shell.store.functions import check_count, check_parameters, most_inputs
from storlet_shell.store.requests import plan
from storlet_shell.store.runs import check_node
from storlet_shell.store.scratch import scratch
from storlet_shell.values import Invocation, ObjectPath, StorletName
from storlet_shell.wire import headers as wire

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client
    from storlet_shell.wire.observer import Observer

_HEADER_BYTES = 7000
"""The longest list of a run's extra inputs: Swift limits a line to 8 KiB (``max_header_size``)."""


@typed_equality
class ReduceOptions(NamedTuple):
    """The options of ``reduce``, with their defaults.

    :param fan_in: the largest number of further inputs of a run
    :param jobs: number of concurrent runs
    :param endpoint: where to send runs, see :func:`~storlet_shell.batches.endpoints.find_endpoints`; None for the
        account's URLs
    :param scheduler: the driver that chooses the endpoint of a run
    :param executor: the driver that does the work
    :param scheduler_address: the address of the executor's cluster; empty for none
    """

    fan_in: int = 16
    jobs: int = 8
    endpoint: Sequence[str] | None = None
    scheduler: str = "least-outstanding"
    executor: str = "threads"
    scheduler_address: str = ""


@typed_equality
class Reduced(NamedTuple):
    """An object that was made from others.

    :param inputs: the number of objects
    :param runs: the number of runs
    :param levels: the height of the tree of runs
    """

    object: ObjectPath
    inputs: int
    runs: int
    levels: int


class ReducePlan:
    """A plan to reduce the objects of a pattern; creating it sends nothing.

    :param output: the object to make
    :raises UsageError: when the output would be an input, or the scheduler or executor doesn't exist
    """

    def __init__(
        self, run: Invocation, pattern: Pattern, output: ObjectPath, options: ReduceOptions | None = None
    ) -> None:
        if output.container == pattern.container and pattern.matcher()(output.name):
            raise UsageError(f"the output {output} would match {pattern} itself; nothing was run")
        self._run = run
        self._pattern = pattern
        self._output = output
        self._options = options or ReduceOptions()
        self._executor = load_drivers(self._options.executor, self._options.scheduler)

    def planned(self, client: Client, access: Access) -> Planned:
        """Return the request of the first run; the objects are listed, and nothing is run.

        :raises NotFoundError: when no object matches
        """
        check_parameters(client, self._run)
        objects = Objects(client, self._pattern)
        work = self._work(client, access)
        first, *_ = _groups(objects, self._options.fan_in)
        return plan(client, work.request(_task(0, first, self._output)))

    def run(self, client: Client, access: Access) -> Reduced:
        """Reduce the objects.

        :raises NotFoundError: when no object matches, or the storlet is not deployed
        :raises UsageError: when the storlet can't read all inputs
        :raises StorletFailedError: when a run fails, or doesn't read an input; then nothing is stored
        """
        function = check_ready(client, self._run)
        check_node(client, self._pattern.container, self._run)
        containers.check(client, self._output.container)
        objects = Objects(client, self._pattern)
        work = self._work(client, access)._replace(functions=(function,))
        access = access._replace(address=self._options.scheduler_address).watched_by(client.observer)
        runs = _Runs(self._executor, access, client.observer)
        tree = _Tree(runs, self._options.fan_in, most_inputs(client, self._run))
        label = f"{self._run.storlet} over {self._pattern}"
        with (
            scratch(client) as container,
            client.observer.progress(label, None, "runs") as progress,
        ):
            tree.reduce(objects, self._output, work._replace(scratch=container), progress.advance)
        return Reduced(self._output, tree.inputs, runs.count, tree.levels)

    def _work(self, client: Client, access: Access) -> Work:
        endpoints = find_endpoints(client, access.storage_urls, self._options.endpoint)
        return Work((self._run,), True, endpoints, self._options.scheduler, self._options.jobs)


class _Runs:
    """Does the runs of a level in parallel; ``count`` is their number so far."""

    def __init__(self, executor: Executor, access: Access, observer: Observer) -> None:
        self._executor = executor
        self._access = access
        self._observer = observer
        self.count = 0

    def do(self, work: Work, tasks: Iterator[Task], advance: Callable[[int], None]) -> int:
        """Do all tasks, and return their number.

        :raises StorletShellError: when one fails
        """
        count = 0
        outcomes = self._executor.run(work, tasks, self._access)
        for count, outcome in enumerate(outcomes, 1):  # noqa: B007  it is the result
            if outcome.error:
                raise outcome.error
            for note in outcome.notes:
                self._observer.warn(*note)
            advance(1)
        self.count += count
        return count


class _Tree:
    """Reduces level by level, and counts.

    :param most_inputs: the number of inputs that the storlet can read; None if unknown
    """

    def __init__(self, runs: _Runs, fan_in: int, most_inputs: int | None) -> None:
        self._runs = runs
        self._fan_in = fan_in
        self._most_inputs = most_inputs
        self.inputs = self.levels = 0

    def reduce(
        self, objects: Iterable[ObjectPath], output: ObjectPath, work: Work, advance: Callable[[int], None]
    ) -> None:
        """Reduce objects into one.

        :raises StorletShellError: when a run fails
        """
        groups = self._checked(work.run, self._counted(objects))
        first, second = next(groups), next(groups, None)
        while second is not None:
            alone: list[ObjectPath] = []
            tasks = self._tasks(itertools.chain([first, second], groups), work.scratch, alone)
            count = self._runs.do(work, tasks, advance)
            results = _results(work.scratch, self.levels, count)
            self.levels += 1
            groups = self._checked(work.run, itertools.chain(results, alone))
            first, second = next(groups), next(groups, None)
        self._runs.do(work, iter([_task(0, first, output)]), advance)
        self.levels += 1

    def _checked(self, run: Invocation, objects: Iterable[ObjectPath]) -> Iterator[list[ObjectPath]]:
        """Yield groups after checking that the storlet can read all of each; the first is usually as large as any."""
        for group in _groups(objects, self._fan_in):
            check_count(run, len(group), self._most_inputs)
            yield group

    def _counted(self, objects: Iterable[ObjectPath]) -> Iterator[ObjectPath]:
        for path in objects:
            self.inputs += 1
            yield path

    def _tasks(self, groups: Iterator[list[ObjectPath]], container: str, alone: list[ObjectPath]) -> Iterator[Task]:
        """Yield a level's tasks.

        :param alone: receives an object that is alone at the end, and moves up unchanged
        """
        for number, group in enumerate(groups):
            if len(group) == 1 and number:
                alone += group
                return
            yield _task(number, group, _result(container, self.levels, number))


def _result(container: str, level: int, number: int) -> ObjectPath:
    return ObjectPath(container, f"{level}/{number}")


def _results(container: str, level: int, count: int) -> Iterator[ObjectPath]:
    """Yield the results of a level, in order."""
    for number in range(count):
        yield _result(container, level, number)


def _task(number: int, group: list[ObjectPath], output: ObjectPath) -> Task:
    return Task(number, group[0], output, extra=tuple(group[1:]))


def _groups(objects: Iterable[ObjectPath], fan_in: int) -> Iterator[list[ObjectPath]]:
    """Yield objects in groups, as large as a run and a header line allow."""
    group: list[ObjectPath] = []
    length = 0
    for path in objects:
        long = len(wire.encode_invocation(Invocation(StorletName("s"), extra=(path,)))[wire.EXTRA_RESOURCES]) + 1
        if group and (len(group) > fan_in or length + long > _HEADER_BYTES):
            yield group
            group, length = [], 0
        length += long if group else 0
        group.append(path)
    if group:
        yield group
