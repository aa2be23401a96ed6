"""``reduce``: one object of many, by a storlet that takes several inputs."""

from __future__ import annotations

from typing import Any

from storlet_shell.batches.patterns import Pattern
from storlet_shell.batches.reducing import ReduceOptions, ReducePlan
from storlet_shell.commands.arguments import (
    BATCH_JOBS,
    DRY_RUN,
    INPUT,
    RUN,
    SCHEDULING,
    STORLET,
    make_invocation,
    number_option,
    object_option,
)
from storlet_shell.results import Done, Result
from storlet_shell.session import Session
from storlet_shell.spec.command import command
from storlet_shell.text import counted
from storlet_shell.values import ObjectPath, Parameter, StorletName


@command(
    "reduce",
    "Make one object of many, by a storlet that takes several inputs.",
    STORLET,
    INPUT,
    object_option("--output", "the object to make", required=True),
    number_option("--fan-in", metavar="K", help="how many further inputs a run has at most; 16", default=16),
    *(arg for arg in RUN if arg.dest != "extra"),
    BATCH_JOBS,
    *SCHEDULING,
    DRY_RUN,
)
def reduce(
    session: Session,
    storlet: StorletName,
    input: Pattern,
    output: ObjectPath,
    parameters: list[Parameter] | None = None,
    mapping: list[str] | None = None,
    on_proxy: bool | None = None,
    generate_log: bool = False,
    allow_unread: bool = False,
    dry_run: bool = False,
    **reduce_options: Any,
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
    plan = ReducePlan(run, input, output, ReduceOptions(**reduce_options))
    if dry_run:
        return plan.planned(session.client, session.access())
    reduced = plan.run(session.client, session.access())
    return Done(
        f"{output}: made of {counted(reduced.inputs, 'object')} in {counted(reduced.runs, 'run')}",
        {**reduced._asdict(), "object": str(output)},
    )
