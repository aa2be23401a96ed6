"""``reduce``: many objects into one, by a storlet that takes several inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from storlet_shell.batches.executor import Executor
from storlet_shell.batches.patterns import Pattern
from storlet_shell.batches.report import error_of
from storlet_shell.batches.work import Task, Work
from storlet_shell.commands._batches import (
    INPUT,
    JOBS,
    RUN,
    SCHEDULING,
    STORLET,
    Objects,
    check_container,
    check_ready,
    find_endpoints,
    how,
    load_drivers,
)
from storlet_shell.commands.arguments import DRY_RUN, make_invocation, number_option, object_option
from storlet_shell.errors import UsageError
from storlet_shell.results import Done, Result
from storlet_shell.session import Session
from storlet_shell.spec.registry import command
from storlet_shell.store.requests import plan
from storlet_shell.store.runs import check_node
from storlet_shell.store.scratch import scratch
from storlet_shell.store.unread import check_count, most_inputs
from storlet_shell.text import counted
from storlet_shell.values import Invocation, ObjectPath, Parameter, StorletName
from storlet_shell.wire import headers as wire

_HEADER_BYTES = 7000
"""How long the list of a run's extra inputs may be: Swift takes lines of 8 KiB (``max_header_size``)."""


@command(
    "reduce",
    "Make one object of many, by a storlet that takes several inputs.",
    STORLET,
    INPUT,
    object_option("--output", "the object to make", required=True),
    number_option("--fan-in", metavar="K", help="how many further inputs a run has at most; 16", default=16),
    *(arg for arg in RUN if arg.dest != "extra"),
    JOBS,
    *SCHEDULING,
    DRY_RUN,
)
def reduce(
    session: Session,
    storlet: StorletName,
    input: Pattern,
    output: ObjectPath,
    fan_in: int = 16,
    parameters: list[Parameter] | None = None,
    mapping: list[str] | None = None,
    on_proxy: bool | None = None,
    generate_log: bool = False,
    allow_unread: bool = False,
    jobs: int = 8,
    endpoint: list[str] | None = None,
    scheduler: str = "least-outstanding",
    executor: str = "threads",
    scheduler_address: str = "",
    dry_run: bool = False,
) -> Result:
    """Make one object of many, by a storlet that takes several inputs.

    Each run reads one object and at most --fan-in others, in the order of the listing; what the runs make is reduced in
    the same way, until one run is left, which makes the output. So the storlet has to be associative, and to read what
    it writes: sums, merges and concatenations are and do, a mean of means is not one. What is made on the way is kept
    in a container that is removed at the end.

    A storlet that reads nothing of an input would drop that object. Where its source shows that it can't read them all,
    nothing is run; the embedded engine looks at each run, too. --allow-unread is for those who mean it.

    :raises NotFoundError: when no object matches, or the storlet is not deployed
    :raises UsageError: when the storlet can't read all inputs
    :raises StorletFailedError: when a run fails, or reads nothing of an input; the output is not made then
    """
    run = make_invocation(
        session,
        storlet,
        parameters,
        mapping,
        on_proxy=on_proxy,
        generate_log=generate_log,
        allow_unread=allow_unread,
    )
    assert run is not None
    if output.container == input.container and input.matcher()(output.name):
        raise UsageError(f"{output} would be matched by {input} itself; nothing was run")
    driver = load_drivers(executor, scheduler)
    if not dry_run:
        check_ready(session, run)
        check_node(session.client, input.container, run)
        check_container(session, output.container)
    objects = Objects(session, input)
    work = Work((run,), True, find_endpoints(session, endpoint), scheduler, jobs)
    if dry_run:
        first, *_ = _groups(objects, fan_in)
        return plan(session.client, work.request(_task(0, first, output)))
    tree = _Tree(session, driver, work, scheduler_address, fan_in, most_inputs(session.client, run))
    with (
        scratch(session.client) as container,
        session.surroundings.progress(f"{storlet} over {input}", None, "runs") as shown,
    ):
        tree.reduce(objects, output, container, shown.advance)
    return Done(
        f"{output}: made of {counted(tree.inputs, 'object')} in {counted(tree.runs, 'run')}",
        {"object": str(output), "inputs": tree.inputs, "runs": tree.runs, "levels": tree.levels},
    )


class _Level(NamedTuple):
    """What the runs of one level have made, in order.

    :param runs: how many runs there were
    :param left: an object that was alone at the level's end, and goes on as it is
    """

    number: int
    runs: int
    left: ObjectPath | None

    def objects(self, container: str) -> Iterator[ObjectPath]:
        """Yield their outputs."""
        for number in range(self.runs):
            yield _made(container, self.number, number)
        if self.left is not None:
            yield self.left


class _Tree:
    """Runs level after level, and counts.

    :param most: how many inputs the storlet can read at most; None if that isn't known
    """

    def __init__(
        self, session: Session, driver: Executor, work: Work, address: str, fan_in: int, most: int | None = None
    ) -> None:
        self._session = session
        self._driver = driver
        self._work = work
        self._address = address
        self._fan_in = fan_in
        self._most = most
        self.inputs = self.runs = self.levels = 0

    def reduce(
        self, objects: Iterable[ObjectPath], output: ObjectPath, container: str, advance: Callable[[int], None]
    ) -> None:
        """Reduce objects into one.

        :raises StorletShellError: when a run fails
        """
        work = self._work._replace(scratch=container)
        groups = self._checked(_groups(self._counted(objects), self._fan_in))
        first, second = next(groups), next(groups, None)
        while second is not None:
            left: list[ObjectPath] = []
            tasks = self._tasks(_chain(first, second, groups), container, left)
            count = self._run(work, tasks, advance)
            level = _Level(self.levels, count, left[0] if left else None)
            self.levels += 1
            groups = self._checked(_groups(level.objects(container), self._fan_in))
            first, second = next(groups), next(groups, None)
        self._run(work, iter([_task(0, first, output)]), advance)
        self.levels += 1

    def _checked(self, groups: Iterator[list[ObjectPath]]) -> Iterator[list[ObjectPath]]:
        """Yield groups, unless the storlet would drop objects of one; the first has as many as any, as a rule."""
        for group in groups:
            check_count(self._work.run, len(group), self._most)
            yield group

    def _counted(self, objects: Iterable[ObjectPath]) -> Iterator[ObjectPath]:
        for path in objects:
            self.inputs += 1
            yield path

    def _tasks(self, groups: Iterator[list[ObjectPath]], container: str, left: list[ObjectPath]) -> Iterator[Task]:
        for number, group in enumerate(groups):
            if len(group) == 1 and number:
                left += group
                return
            yield _task(number, group, _made(container, self.levels, number))

    def _run(self, work: Work, tasks: Iterator[Task], advance: Callable[[int], None]) -> int:
        count = 0
        outcomes = self._driver.run(work, tasks, how(self._session, self._address))
        for count, outcome in enumerate(outcomes, 1):  # noqa: B007  it is the result
            if outcome.error:
                raise error_of(outcome)
            for note in outcome.notes:
                self._session.surroundings.warn(note)
            advance(1)
        self.runs += count
        return count


def _made(container: str, level: int, number: int) -> ObjectPath:
    return ObjectPath(container, f"{level}/{number}")


def _task(number: int, group: list[ObjectPath], output: ObjectPath) -> Task:
    return Task(number, group[0], output, extra=tuple(group[1:]))


def _chain(first: list[ObjectPath], second: list[ObjectPath], rest: Iterator[list[ObjectPath]]) -> Any:
    yield first
    yield second
    yield from rest


def _groups(objects: Iterable[ObjectPath], fan_in: int) -> Iterator[list[ObjectPath]]:
    """Yield objects in groups: one, and as many others as a run may have, and as a header can name."""
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
