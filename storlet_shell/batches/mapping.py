"""``map``, and ``pipe`` over many objects: one storlet, or a chain of them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

from storlet_shell.batches.batch import Batch, Rules
from storlet_shell.batches.checks import check_apart, check_journal, check_ready
from storlet_shell.batches.endpoints import find_endpoints
from storlet_shell.batches.executor import Access, load_drivers
from storlet_shell.batches.joining.body import JoinedBody
from storlet_shell.batches.joining.concatenation import Concatenation
from storlet_shell.batches.joining.ordered import Ordered
from storlet_shell.batches.journal import Journal
from storlet_shell.batches.objects import Objects
from storlet_shell.batches.report import Rows
from storlet_shell.batches.rows.row import Row
from storlet_shell.batches.templates import Template
from storlet_shell.batches.work import Task, Work
from storlet_shell.equality import typed_equality
from storlet_shell.errors import UsageError
from storlet_shell.patterns import Pattern
from storlet_shell.results import Planned
from storlet_shell.results.saving import is_stdout
from storlet_shell.store import containers
from storlet_shell.store.functions import check_parameters
from storlet_shell.store.metadata import head
from storlet_shell.store.reading import place_result
from storlet_shell.store.requests import plan
from storlet_shell.store.runs import check_node
from storlet_shell.store.scratch import scratch
from storlet_shell.values import Invocation, Location, ObjectPath, expand
from storlet_shell.wire import headers as wire
from storlet_shell.wire.requests import host_of

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client

_SHOWN = 10
"""The number of requests that a dry run shows."""


@typed_equality
class MapOptions(NamedTuple):
    """The options of ``map`` and ``pipe``, with their defaults.

    :param output: the object that each result is stored as; with ``save``, at most one of them
    :param save: the local file that each result is written to
    :param concat: the local file that all results are joined in; ``-`` for standard output. It excludes the two above
    :param header: one of :data:`.joiner.HEADERS`; None to decide by the first results
    :param on: ``get`` or ``copy``, to insist on that; results are stored by COPY and returned by GET anyway
    :param jobs: number of concurrent runs
    :param limit: the number of matching objects to run over; None for all
    :param journal: the file that records progress, to resume the batch; None for none
    :param ordered: yield rows in the order of the listing
    :param keep_going: whether the batch continues after a failure; None means yes
    :param allow_failures: whether the batch succeeds although objects failed
    :param endpoint: where to send runs, see :func:`~storlet_shell.batches.endpoints.find_endpoints`; None for the
        account's URLs
    :param scheduler: the driver that chooses the endpoint of a run
    :param executor: the driver that does the work
    :param scheduler_address: the address of the executor's cluster; empty for none
    """

    output: Template | None = None
    save: Template | None = None
    concat: str | None = None
    header: str | None = None
    on: str | None = None
    jobs: int = 8
    limit: int | None = None
    journal: str | None = None
    ordered: bool = False
    keep_going: bool | None = None
    allow_failures: bool = False
    endpoint: Sequence[str] | None = None
    scheduler: str = "least-outstanding"
    executor: str = "threads"
    scheduler_address: str = ""

    def check(self) -> None:
        """Check that the options fit together.

        :raises UsageError: when they don't
        """
        if self.allow_failures and self.keep_going is False:
            raise UsageError("choose one: allow-failures continues after a failure, fail-fast stops there")
        if self.output is not None and self.save is not None:
            raise UsageError("choose one: output stores results as objects, save writes them to local files")
        if self.concat is not None and (self.output or self.save) is not None:
            raise UsageError("choose one: concat joins all results, output and save write each to its own place")
        if self.header is not None and self.concat is None:
            raise UsageError("header says how results are joined: it needs concat")
        if self.on == "copy" and self.output is None:
            raise UsageError("COPY stores results as objects; name them with output")
        if self.on == "get" and self.output is not None:
            raise UsageError("GET returns results, and COPY stores them: leave out output, or run by copy")
        check_journal(self.journal, self.concat)

    def task_maker(self, concat: Ordered | None = None) -> Callable[[int, ObjectPath], Task]:
        """Return the function that turns an object and its number into a task."""
        if (output := self.output) is not None:
            return lambda number, source: Task(number, source, output.output(source))
        if (save := self.save) is not None:
            folder = str(expand(save.folder))
            return lambda number, source: Task(number, source, folder=folder, file=save.file(source))
        if concat is not None:
            return lambda number, source: Task(number, source, None, *concat.place(source))
        return Task

    def concatenation(self, work: Work) -> Concatenation | None:
        """Return what joins the results of a batch; None if they aren't joined."""
        if self.concat is None:
            return None
        target = "" if is_stdout(self.concat) else self.concat
        return Concatenation(target, self.header or work.header, self.journal or "")


class MapPlan:
    """A plan to run storlets over the objects of a pattern; creating it sends nothing.

    :param steps: the storlets' runs, at least one
    :raises UsageError: when the options contradict each other, or the scheduler or executor doesn't exist
    """

    def __init__(self, steps: tuple[Invocation, ...], pattern: Pattern, options: MapOptions | None = None) -> None:
        self._steps = steps
        self._pattern = pattern
        self._options = options or MapOptions()
        self._options.check()
        self._executor = load_drivers(self._options.executor, self._options.scheduler)

    def planned(self, client: Client, access: Access) -> Planned:
        """Return the requests that the first runs would send; the objects are listed, and nothing is run.

        :raises StorletShellError: as :meth:`start`
        """
        functions = [check_parameters(client, run) for run in self._steps]
        objects, _ = self._objects(client)
        work, make = self._work(client, access), self._options.task_maker()
        tasks = [make(number, source) for number, source in enumerate(itertools.islice(objects, _SHOWN))]
        count = f"{objects.total}" if objects.total is not None else "over 10000 listed"
        if objects.total is None or objects.total > len(tasks):
            client.observer.warn(f"{count} objects match; the requests of the first {len(tasks)} are shown")
        if not work.copies and tasks:
            last = place_result(client, tasks[0].source.container, work.run, functions[-1])
            work = work._replace(steps=(*work.steps[:-1], last))
        return plan(client, *(work.request(task) for task in tasks))

    def start(
        self, client: Client, access: Access, joining: Ordered | None = None, objects: Objects | None = None
    ) -> Rows:
        """Return the rows of the batch, which runs while they are read.

        :param joining: joins the results in its own way; None for the way of the options
        :param objects: the objects, if they are listed already
        :raises NotFoundError: when no object matches, or a storlet is not deployed
        :raises UsageError: when two objects have the same output, or an output is an input
        """
        options = self._options
        functions = tuple(check_ready(client, run) for run in self._steps)
        proves_to_run = functions[0] is not None and len(functions) == 1 and options.output is None
        if not proves_to_run:
            check_node(client, self._pattern.container, self._steps[0])
        objects, total = self._objects(client) if objects is None else (objects, objects.total)
        work = self._work(client, access)._replace(functions=functions)
        concat = joining or options.concatenation(work)
        if concat is not None:
            work = work._replace(keeps_bodies=True, spool=concat.spool)
        if options.output is not None:
            containers.check(client, options.output.output(ObjectPath(self._pattern.container, "x")).container)
        with ExitStack() as stack:
            journal = None
            if options.journal:
                journal = stack.enter_context(self._journal(client, objects, concat.work if concat else ""))
            if len(self._steps) > 1:
                work = work._replace(scratch=stack.enter_context(scratch(client)))
            rules = Rules(options.keep_going is not False, options.ordered)
            batch = Batch(objects, options.task_maker(concat), work, self._executor, journal, rules, concat)
            release = stack.pop_all().close
        return Rows(
            batch,
            access._replace(address=options.scheduler_address),
            client.observer,
            f"{' | '.join(str(run.storlet) for run in self._steps)} over {self._pattern}",
            None if total is None else max(0, total - (journal.done_count if journal else 0)),
            release,
            shows_endpoints=len(work.endpoints) > 1,
            allows_failures=options.allow_failures,
        )

    def result(self, client: Client, access: Access) -> Rows | JoinedBody:
        """Return the rows of the batch, or its joined results as one body; reading them runs it.

        :raises StorletShellError: as :meth:`start`
        """
        rows = self.start(client, access)
        if self._options.concat is None or not is_stdout(self._options.concat):
            return rows
        return rows.body(str(self._pattern))

    def run(self, client: Client, access: Access) -> Rows:
        """Run the whole batch, even if objects fail, and return its rows.

        Results that are stored neither as objects nor as files are kept in memory: ``rows[name]``.

        :raises StorletShellError: as :meth:`start`
        """
        rows = self.start(client, access)
        rows.keep()
        return rows

    def stream(self, client: Client, access: Access) -> Iterator[Row]:
        """Yield each row as soon as it is there, with its result, in constant memory; reading starts the batch.

        :raises StorletShellError: as :meth:`start`, and when the batch ends before its end
        """
        yield from self.start(client, access).stream()

    def _objects(self, client: Client) -> tuple[Objects, int | None]:
        """Return the objects and their number; None if it is unknown."""
        objects = Objects(client, self._pattern, self._options.limit)
        template = self._options.output or self._options.save
        count = check_apart(client, self._pattern, template, self._options.limit) if template is not None else None
        return objects, objects.total if count is None else count

    def _work(self, client: Client, access: Access) -> Work:
        options = self._options
        endpoints = find_endpoints(client, access.storage_urls, options.endpoint)
        copies, is_durable = options.output is not None, bool(options.journal)
        return Work(self._steps, copies, endpoints, options.scheduler, options.jobs, is_durable=is_durable)

    def _journal(self, client: Client, objects: Objects, work: str) -> Journal:
        journal = Journal(str(self._options.journal), self._description(client, work), objects.span)
        if journal.under_way:
            client.observer.warn(
                f"up to {journal.under_way} runs were under way when the batch last ended; they run again, since "
                "whether they ran is unknown"
            )
        return journal

    def _description(self, client: Client, work: str) -> dict[str, str]:
        """Return the description of the batch for its journal.

        :param work: what makes the results; empty for the storlets' runs

        The container's creation date identifies the cluster, whatever endpoint it is reached by, and after a restart on
        another port. Without a date, the server's name must do.
        """
        created = head(client, Location(self._pattern.container)).headers.get(wire.TIMESTAMP, "")
        concat = {} if self._options.concat is None else {"concat": "yes"}  # journals of other batches lack it
        return concat | {
            "account": client.account,
            "server": "" if created else host_of(client.storage_url),
            "container's date": created,
            "input": str(self._pattern),
            "output": str(self._options.output or ""),
            "save": str(self._options.save or ""),
            "storlet": work or json.dumps([_spelled(run) for run in self._steps], ensure_ascii=False),
        }


def _spelled(run: Invocation) -> str:
    parameters = [f"-p {parameter}" for parameter in sorted(run.parameters)]
    places = {True: ["--on-proxy"], False: ["--on-node"], None: []}[run.on_proxy]
    return " ".join([str(run.storlet), *parameters, *(f"--extra {path}" for path in run.extra), *places])
