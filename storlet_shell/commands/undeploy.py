"""``undeploy``: a storlet that is to run no more."""

from __future__ import annotations

from storlet_shell.commands._arguments import DRY_RUN, YES
from storlet_shell.commands._exchange import plan
from storlet_shell.errors import NotFoundError
from storlet_shell.registry import Arg, Kind, command
from storlet_shell.results import Done, Result
from storlet_shell.session import Session
from storlet_shell.values import ContainerName, Request, StorletName


@command(
    "undeploy",
    "Delete a deployed storlet.",
    Arg("storlet", type=StorletName.parse, kind=Kind.STORLET, metavar="STORLET"),
    Arg("-c", "--container", type=ContainerName.parse, kind=Kind.CONTAINER, help="another container of storlets"),
    YES,
    DRY_RUN,
    category="Storlets",
)
def undeploy(
    session: Session,
    storlet: StorletName,
    container: ContainerName | None = None,
    yes: bool = False,
    dry_run: bool = False,
) -> Result:
    """Delete a deployed storlet; its dependencies stay, since other storlets may use them.

    :raises NotFoundError: when it is not deployed
    :raises RefusedError: when the answer is no
    """
    where = container.name if container else session.client.storlet_container
    request = Request("DELETE", where, storlet.name)
    if dry_run:
        return plan(session, request)
    session.confirm(f"Undeploy {storlet}?", yes=yes)
    try:
        session.client.send(request).read()
    except NotFoundError as error:
        raise NotFoundError(f"storlet {storlet} is not deployed", transaction_id=error.transaction_id) from error
    return Done(f"undeployed {storlet}", {"undeployed": storlet.name})
