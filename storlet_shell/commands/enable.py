"""``enable``: the account's flag and the containers without which no storlet runs."""

from __future__ import annotations

from storlet_shell import headers as wire
from storlet_shell.commands._arguments import DRY_RUN
from storlet_shell.commands._exchange import plan
from storlet_shell.registry import command
from storlet_shell.results import Done, Result
from storlet_shell.session import Session
from storlet_shell.values import Request


@command(
    "enable",
    "Enable the account for storlets and make their containers.",
    DRY_RUN,
    category="Storlets",
)
def enable(session: Session, dry_run: bool = False) -> Result:
    """Enable the account for storlets and make their containers.

    Only the account's owner or administrator may do this. Doing it twice changes nothing.
    """
    client = session.client
    containers = [client.storlet_container, client.dependency_container, wire.LOG_CONTAINER]
    requests = [Request("POST", headers={wire.STORLETS_ENABLED: "True"})]
    requests += [Request("PUT", container) for container in containers]
    if dry_run:
        return plan(session, *requests)
    for request in requests:
        client.send(request).read()
    return Done(
        f"account {client.account} is enabled for storlets; containers: {', '.join(containers)}",
        {"account": client.account, "enabled": True, "containers": containers},
    )
