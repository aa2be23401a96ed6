"""``enable``: the account's flag and the containers without which no storlet runs, and where reads are to run."""

from __future__ import annotations

from storlet_shell.commands.arguments import DRY_RUN
from storlet_shell.deployments import account
from storlet_shell.results import Done, Result
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg
from storlet_shell.spec.command import command
from storlet_shell.store.requests import plan


@command(
    "enable",
    "Enable the account for storlets and make their containers.",
    Arg("--probe", action="store_true", help="try again where storlets run, also for storage policies that were tried"),
    DRY_RUN,
    category="Storlets",
)
def enable(session: Session, probe: bool = False, dry_run: bool = False) -> Result:
    """Enable the account for storlets and make their containers.

    Only the account's owner or administrator may do this. Doing it twice changes nothing.

    On a cluster other than the embedded Swift, it also tries on which storage policies' nodes storlets run, with a
    storlet and an object of its own that it removes again. The answers are kept as metadata of the storlets' container,
    for everybody: reads run on the nodes of the policies that do, and on the proxy server otherwise. --probe tries
    again, as when the cluster's operator has changed a policy.
    """
    if dry_run:
        return plan(session.client, *account.enable_requests(session.client, again=probe))
    enabled = account.enable(session.client, again=probe)
    message = f"account {enabled.account} is enabled for storlets; containers: {', '.join(enabled.containers)}"
    facts = {"account": enabled.account, "enabled": True, "containers": list(enabled.containers)}
    if enabled.places is None:
        return Done(message, facts)
    spelled = ", ".join(f"{name}: {place}" for name, place in enabled.places.items())
    message += f"; reads run on, by storage policy: {spelled or 'proxy'}"
    return Done(message, {**facts, "policies": enabled.places})
