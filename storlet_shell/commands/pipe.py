"""``pipe``: run a chain of storlets over one object or many."""

from __future__ import annotations

from typing import Any

from storlet_shell.batches.mapping import MapOptions, MapPlan
from storlet_shell.batches.pipeline import parse_chain, run_chain
from storlet_shell.commands.arguments import PACE, PLACES
from storlet_shell.patterns import Pattern
from storlet_shell.results import Result
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg, Kind
from storlet_shell.spec.command import command
from storlet_shell.values import Invocation, ObjectPath


@command(
    "pipe",
    "Run a chain of storlets over objects.",
    Arg(
        "chain",
        type=parse_chain,
        kind=Kind.STORLET,
        metavar="'STORLET [KEY=VALUE …] | STORLET …'",
        help="the storlets with their parameters, in quotes",
    ),
    *PLACES,
    *PACE,
    examples=(
        "pipe 'warm.py least=20 | upper.py' --input path:/weather/today.csv  # show the result",
        "pipe 'warm.py least=20 | upper.py' --input 'path:/weather/2026/*' --output 'path:/archive/{path}'  # store it",
        "pipe 'warm.py least=20 | upper.py' --input 'path:/weather/2026/*' --save warm  # write files",
    ),
)
def pipe(
    session: Session, chain: tuple[Invocation, ...], input: Pattern, dry_run: bool = False, **map_options: Any
) -> Result:
    """Run a chain of storlets over objects.

    Each storlet reads what the previous one wrote, inside the cluster: in a container that is deleted at the end. The
    result of the last one goes to --output, --save, --concat or -o, with a row for each object, as in map. For one
    object, named without a pattern, the result is shown, as by get.

    :raises NotFoundError: when no object matches, or a storlet isn't deployed
    :raises UsageError: when two objects have the same output, or an output is an input
    """
    options = MapOptions(**map_options)
    gives_rows = options.output or options.save or options.concat or options.journal or options.allow_failures
    if input.is_name and not dry_run and not gives_rows:
        return run_chain(session.client, chain, ObjectPath(input.container, input.prefix))
    plan = MapPlan(chain, input, options)
    return (plan.planned if dry_run else plan.result)(session.client, session.access())
