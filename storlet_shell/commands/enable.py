"""``enable``: prepare an account for storlets, and find out where they can run."""

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
    "Enable the account for storlets and create their containers.",
    Arg("--probe", action="store_true", help="test again where storlets run, for all storage policies"),
    DRY_RUN,
    category="Storlets",
    examples=(
        "enable  # once for each account",
        "enable --dry-run  # show what it would send",
        "enable --probe  # test again where storlets can run",
    ),
)
def enable(session: Session, probe: bool = False, dry_run: bool = False) -> Result:
    """Enable the account for storlets and create their containers.

    Only the account's owner or an administrator may do this. Repeating it changes nothing.

    On a cluster other than the embedded Swift, it also tests which storage policies' nodes can run storlets, with a
    storlet and an object that it deletes afterward. The results are stored as metadata of the storlets' container, for
    all users: reads run on the nodes of those policies, and on the proxy server otherwise. --probe repeats the test,
    for example after the operator has changed a policy.
    """
    if dry_run:
        return plan(session.client, *account.enable_requests(session.client, again=probe))
    enabled = account.enable(session.client, again=probe)
    message = f"account {enabled.account} is enabled for storlets; containers: {', '.join(enabled.containers)}"
    if enabled.places is not None:
        spelled = ", ".join(f"{name}: {place}" for name, place in enabled.places.items())
        message += f"; reads run on, by storage policy: {spelled or 'proxy'}"
    return Done(
        message,
        {"account": enabled.account, "containers": list(enabled.containers), "policies": enabled.places},
    )
