"""``reduce``: combine many objects into one, by a storlet that takes several inputs."""

from __future__ import annotations

from typing import Any

from storlet_shell.batches.reducing import ReduceOptions, ReducePlan
from storlet_shell.commands.arguments import (
    BATCH_JOBS,
    BATCH_OPTIONS,
    DRY_RUN,
    INPUT,
    RUN,
    SCHEDULING,
    STORLET,
    make_invocation,
    number_option,
    object_option,
)
from storlet_shell.patterns import Pattern
from storlet_shell.results import Done, Result
from storlet_shell.session import Session
from storlet_shell.spec.command import command
from storlet_shell.text import counted
from storlet_shell.values import ObjectPath, Parameter, StorletName


@command(
    "reduce",
    "Combine many objects into one, by a storlet that takes several inputs.",
    STORLET,
    INPUT,
    object_option("--output", "the resulting object", required=True),
    number_option(
        "--fan-in",
        metavar="K",
        help="maximum number of extra inputs in a run (default: 16)",
        default=16,
        group=BATCH_OPTIONS,
    ),
    *(arg for arg in RUN if arg.dest != "extra"),
    BATCH_JOBS,
    *SCHEDULING,
    DRY_RUN,
    examples=(
        "reduce --storlet join.py --input 'path:/weather/2026/*.csv' --output path:/archive/2026.csv",
        "reduce --storlet join.py --input 'path:/weather/2026/*' --output path:/archive/all.csv --fan-in 4",
        "reduce --storlet join.py --input 'path:/weather/2026/*' --output path:/archive/2026.csv --dry-run",
    ),
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
    """Combine many objects into one, by a storlet that takes several inputs.

    Each run reads one object and up to --fan-in others, in the order of the listing. The results of these runs are
    combined in the same way, until a single run writes the output. So the storlet must be associative and must be able
    to read its own output: sums, merges and concatenations are fine, a mean of means isn't. Intermediate results are
    stored in a container that is deleted at the end.

    A storlet that doesn't read one of its inputs would lose that object. If its source shows that it can't read them
    all, nothing runs; the embedded engine also checks each run. --allow-unread turns both checks off.

    :raises NotFoundError: when no object matches, or the storlet isn't deployed
    :raises UsageError: when the storlet can't read all inputs
    :raises StorletFailedError: when a run fails or leaves an input unread; the output isn't stored then
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
        f"{output}: created from {counted(reduced.inputs, 'object')} in {counted(reduced.runs, 'run')}",
        {**reduced._asdict(), "object": str(output)},
    )
