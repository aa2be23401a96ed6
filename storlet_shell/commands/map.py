"""``map``: run a storlet over many objects."""

from __future__ import annotations

from typing import Any

from storlet_shell.batches.mapping import MapOptions, MapPlan
from storlet_shell.commands.arguments import PACE, PLACES, RUN, STORLET, make_invocation
from storlet_shell.patterns import Pattern
from storlet_shell.results import Result
from storlet_shell.session import Session
from storlet_shell.spec.command import command
from storlet_shell.values import ObjectPath, Parameter, StorletName


@command(
    "map",
    "Run a storlet over many objects.",
    STORLET,
    *PLACES,
    *RUN,
    *PACE,
    examples=(
        "map --storlet warm.py --input 'path:/weather/2026/*.csv' -p least=20  # count what it writes",
        "map --storlet warm.py --input 'path:/weather/**.csv' -p least=20 --output 'path:/archive/{path}'  # store it",
        "map --storlet warm.py --input 'path:/weather/**.csv' -p least=20 --save warm --journal warm.journal  # files",
        "map --storlet warm.py --input 'path:/weather/**.csv' -p least=20 --concat warm.csv  # one file",
    ),
)
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

    Each object's row is shown as soon as its run is done. Results go to --output (inside the cluster), to --save, or to
    the variable of -o, which you then index by name; without any of these, their bytes are only counted.

    --concat FILE joins all results in one file, in the order of the listing. --concat - shows them instead of the
    rows, as get shows a body. Tables keep one header, and JSON arrays become JSON lines. An object that fails is
    missing from the result; the last line and the exit status say so.

    With --journal FILE, rerun the same command to resume a batch that ended early for any reason. Runs that were in
    progress when it crashed are repeated, since it isn't known whether they finished.

    :raises NotFoundError: when no object matches, or the storlet isn't deployed
    :raises UsageError: when two objects have the same output, or an output is an input
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
    return (plan.planned if dry_run else plan.result)(session.client, session.access())
