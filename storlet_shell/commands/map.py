"""``map``: one storlet over many objects."""

from __future__ import annotations

from typing import Any

from storlet_shell.batches.mapping import MapOptions, MapPlan
from storlet_shell.batches.patterns import Pattern
from storlet_shell.commands.arguments import PACE, PLACES, RUN, STORLET, make_invocation
from storlet_shell.results import Result
from storlet_shell.session import Session
from storlet_shell.spec.command import command
from storlet_shell.values import ObjectPath, Parameter, StorletName


@command("map", "Run a storlet over many objects.", STORLET, *PLACES, *RUN, *PACE)
def map(
    session: Session,
    storlet: StorletName,
    input: Pattern,
    parameters: list[Parameter] | None = None,
    mapping: list[str] | None = None,
    extra: list[ObjectPath] | None = None,
    on_proxy: bool | None = None,
    generate_log: bool = False,
    allow_unread: bool = False,
    dry_run: bool = False,
    **map_options: Any,
) -> Result:
    """Run a storlet over many objects.

    Each matching object gives a row as it is done. What the storlet makes goes to --output, inside the cluster, or to
    --save, or into the variable of -o, which is then indexed by names; else only its bytes are counted.

    With --journal FILE, a batch that has ended early, however that came, goes on where it was when the same line is
    given again. What was under way at a sudden end runs again: whether it ran is not known.

    :raises NotFoundError: when no object matches, or the storlet is not deployed
    :raises UsageError: when two objects would make one output, or an output would be an input
    """
    run = make_invocation(
        session,
        storlet,
        parameters,
        mapping,
        extra=extra,
        on_proxy=on_proxy,
        generate_log=generate_log,
        allow_unread=allow_unread,
    )
    assert run is not None
    plan = MapPlan((run,), input, MapOptions(**map_options))
    return (plan.planned if dry_run else plan.start)(session.client, session.access())
