"""``rm``: objects and empty containers."""

from __future__ import annotations

from storlet_shell.commands._arguments import DRY_RUN, YES
from storlet_shell.commands._exchange import plan
from storlet_shell.errors import StorletShellError, UsageError
from storlet_shell.registry import Arg, Kind, command
from storlet_shell.results import Done, Result
from storlet_shell.session import Session
from storlet_shell.values import Location, Request


@command(
    "rm",
    "Delete objects or empty containers.",
    Arg("targets", nargs="+", type=Location.parse, kind=Kind.OBJECT, metavar="CONTAINER[/OBJECT]"),
    YES,
    DRY_RUN,
)
def rm(session: Session, targets: list[Location], yes: bool = False, dry_run: bool = False) -> Result:
    """Delete objects or empty containers.

    A terminal is asked first, once for all of them; -y answers beforehand. The first that can't be deleted ends it.

    :raises NotFoundError: when one is not there
    :raises RefusedError: when the answer is no
    """
    if not all(target.container for target in targets):
        raise UsageError("rm deletes objects and containers, not the account")
    requests = [Request("DELETE", target.container, target.prefix) for target in targets]
    if dry_run:
        return plan(session, *requests)
    names = [request.subject for request in requests]
    what = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    session.confirm(f"Delete {what}?", yes=yes)
    for number, request in enumerate(requests):
        try:
            session.client.send(request).read()
        except StorletShellError:
            if number:
                session.surroundings.warn(f"deleted before that: {', '.join(names[:number])}")
            raise
    return Done(f"deleted {', '.join(names)}", {"deleted": names})
