"""What ``map`` and ``pipe`` have in common: one or several storlets over many objects."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from contextlib import ExitStack

from storlet_shell.batches.batch import Batch, Rules
from storlet_shell.batches.journal import Journal, Outputs
from storlet_shell.batches.patterns import Pattern
from storlet_shell.batches.report import Rows
from storlet_shell.batches.templates import Template
from storlet_shell.batches.work import Task, Work
from storlet_shell.commands._batches import (
    INPUT,
    JOBS,
    LIMIT,
    SCHEDULING,
    Objects,
    check_container,
    check_ready,
    find_endpoints,
    how,
    load_drivers,
)
from storlet_shell.commands.arguments import DRY_RUN
from storlet_shell.errors import UsageError
from storlet_shell.results import Result
from storlet_shell.results.saving import is_stdout
from storlet_shell.session import Session
from storlet_shell.spec.registry import Arg, Kind
from storlet_shell.store.metadata import head
from storlet_shell.store.requests import plan
from storlet_shell.store.runs import check_node, place
from storlet_shell.store.scratch import scratch
from storlet_shell.values import Invocation, Location, ObjectPath, expand
from storlet_shell.wire import headers as wire
from storlet_shell.wire.transport import host_of

_SHOWN = 10

PLACES = (
    INPUT,
    Arg(
        "--output",
        type=Template.parse_output,
        kind=Kind.OBJECT,
        metavar="path:/CONTAINER/TEMPLATE",
        help="store what is made of each as an object; fields: {path} {dir} {name} {stem} {suffix} {container}",
    ),
    Arg(
        "--save",
        type=Template.parse_files,
        kind=Kind.FILE,
        metavar="FOLDER",
        help="write what is made of each to a file below this folder, under the object's name, or as the fields say",
    ),
)
PACE = (
    Arg("--on", choices=("get", "copy"), help="run by GET, which --save wants, or by COPY, which --output wants"),
    JOBS,
    LIMIT,
    Arg("--journal", kind=Kind.FILE, metavar="FILE", help="record what is done; the same line goes on from there"),
    Arg("--ordered", action="store_true", help="show rows in the order of the listing"),
    Arg("--keep-going", dest="keep_going", action="store_const", const=True, help="go on after a failure (default)"),
    Arg("--fail-fast", dest="keep_going", action="store_const", const=False, help="end at the first failure"),
    Arg(
        "--allow-failures", action="store_true", help="end well though objects failed, as long as every one had its run"
    ),
    *SCHEDULING,
    DRY_RUN,
)


def run_over(
    session: Session,
    steps: tuple[Invocation, ...],
    input: Pattern,
    output: Template | None = None,
    save: Template | None = None,
    on: str | None = None,
    jobs: int = 8,
    limit: int | None = None,
    journal: str | None = None,
    ordered: bool = False,
    keep_going: bool | None = None,
    allow_failures: bool = False,
    endpoint: list[str] | None = None,
    scheduler: str = "least-outstanding",
    executor: str = "threads",
    scheduler_address: str = "",
    dry_run: bool = False,
) -> Result:
    """Run storlets over many objects, each over what the one before it made; the arguments are :data:`PLACES`', etc.

    :raises NotFoundError: when no object matches, or a storlet is not deployed
    :raises UsageError: when two objects would make one output, or an output would be an input
    """
    if allow_failures and keep_going is False:
        raise UsageError("--allow-failures goes on after a failure, --fail-fast ends there: give one of them")
    copies = _check_outputs(on, output, save)
    if journal is not None and is_stdout(journal):
        raise UsageError(f"--journal wants a file of its own, not standard output: {journal}")
    driver = load_drivers(executor, scheduler)
    if not dry_run:
        for run in steps:
            check_ready(session, run)
        check_node(session.client, input.container, steps[0])
    objects = Objects(session, input, limit)
    make, template = _maker(output, save), output or save
    total = None if template is None else _check_apart(session, input, template, limit)
    total = objects.total if total is None else total
    work = Work(steps, copies, find_endpoints(session, endpoint), scheduler, jobs, is_durable=bool(journal))
    if dry_run:
        return _plan(session, objects, make, work)
    if output is not None:
        check_container(session, output.output(ObjectPath(input.container, "x")).container)
    with ExitStack() as stack:
        kept = None
        if journal is not None:
            description = _description(session, steps, input, output, save)
            kept = stack.enter_context(Journal(journal, description, objects.span))
            _tell_of(session, kept)
        if len(steps) > 1:
            work = work._replace(scratch=stack.enter_context(scratch(session.client)))
        batch = Batch(objects, make, work, driver, kept, Rules(keep_going is not False, ordered))
        release = stack.pop_all().close
    label = f"{' | '.join(str(run.storlet) for run in steps)} over {input}"
    left = None if total is None else max(0, total - (kept.done if kept else 0))
    return Rows(
        batch,
        how(session, scheduler_address),
        session.surroundings,
        label,
        left,
        release,
        shows_endpoints=len(work.endpoints) > 1,
        allows_failures=allow_failures,
    )


def _check_outputs(on: str | None, output: Template | None, save: Template | None) -> bool:
    """Tell whether runs are copies.

    :raises UsageError: when the options do not fit together
    """
    if output is not None and save is not None:
        raise UsageError("--output stores in the cluster, --save here: give one of them")
    if on == "copy" and output is None:
        raise UsageError("--on copy wants an --output")
    if on == "get" and output is not None:
        raise UsageError("--on get fetches what is made: give --save or -o; --output is made by COPY, in the cluster")
    return output is not None


def _maker(output: Template | None, save: Template | None) -> Callable[[int, ObjectPath], Task]:
    folder = str(expand(save.folder)) if save is not None else ""

    def make(number: int, source: ObjectPath) -> Task:
        if output is not None:
            return Task(number, source, output.output(source))
        return Task(number, source, folder=folder, file=save.file(source) if save is not None else "")

    return make


def _check_apart(session: Session, pattern: Pattern, template: Template, limit: int | None) -> int | None:
    """Check that no two objects make one output and none makes an input, by a look at all names where it takes one.

    :returns: how many objects there are, if they were looked at
    :raises UsageError: when it is not so
    """
    is_own = template.text.startswith("path:") and template.output(ObjectPath(pattern.container, "x"))
    if template.keeps_apart(pattern) and not (is_own and is_own.container == pattern.container):
        return None
    outputs, matches, count = Outputs(), pattern.matcher(), 0
    try:
        for count, source in enumerate(Objects(session, pattern, limit), 1):  # noqa: B007  it is the result
            made = template.fill(source)
            outputs.add(made, str(source))
            if is_own and is_own.container == pattern.container and matches(template.output(source).name):
                raise UsageError(f"{made}, which {source} makes, would be matched by {pattern} itself; nothing was run")
    finally:
        outputs.close()
    return count


def _plan(session: Session, objects: Objects, make: Callable[[int, ObjectPath], Task], work: Work) -> Result:
    tasks = [make(number, source) for number, source in enumerate(itertools.islice(objects, _SHOWN))]
    count = f"{objects.total}" if objects.total is not None else "over 10000 listed"
    if objects.total is None or objects.total > len(tasks):
        session.surroundings.warn(f"{count} objects match; the requests of the first {len(tasks)} are shown")
    if not work.copies and tasks:
        work = work._replace(steps=(*work.steps[:-1], place(session.client, tasks[0].source.container, work.run)))
    return plan(session.client, *(work.request(task) for task in tasks))


def _description(
    session: Session, steps: tuple[Invocation, ...], pattern: Pattern, output: Template | None, save: Template | None
) -> dict[str, str]:
    """Say what tells a batch from others, for its journal.

    When its container was created tells a cluster from others, by whatever endpoint it is reached, and after a restart
    on another port, too. Where the server doesn't say it, the server's name must do.
    """
    created = head(session.client, Location(pattern.container)).headers.get(wire.TIMESTAMP, "")
    return {
        "account": session.client.account,
        "server": "" if created else host_of(session.client.storage_url),
        "container's date": created,
        "input": str(pattern),
        "output": str(output or ""),
        "save": str(save or ""),
        "storlet": json.dumps([_spelled(run) for run in steps], ensure_ascii=False),
    }


def _spelled(run: Invocation) -> str:
    parameters = [f"-p {parameter}" for parameter in sorted(run.parameters)]
    places = {True: ["--on-proxy"], False: ["--on-node"], None: []}[run.on_proxy]
    return " ".join([str(run.storlet), *parameters, *(f"--extra {path}" for path in run.extra), *places])


def _tell_of(session: Session, journal: Journal) -> None:
    if journal.under_way:
        session.surroundings.warn(
            f"up to {journal.under_way} runs were under way when the batch last ended; whether they ran is not known, "
            "and they run again"
        )
