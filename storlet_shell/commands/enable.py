"""``enable``: the account's flag and the containers without which no storlet runs, and where reads are to run."""

from __future__ import annotations

from storlet_shell.commands.arguments import DRY_RUN
from storlet_shell.deployments.probe import Probe, policies, try_policies, untried
from storlet_shell.errors import StorletShellError
from storlet_shell.results import Done, Result
from storlet_shell.session import Session
from storlet_shell.spec.registry import Arg, command
from storlet_shell.store.requests import plan
from storlet_shell.store.runs import names_places
from storlet_shell.wire import headers as wire
from storlet_shell.wire.requests import Request


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
    client = session.client
    containers = [client.storlet_container, client.dependency_container, wire.LOG_CONTAINER]
    requests = [Request("POST", headers={wire.STORLETS_ENABLED: "True"})]
    requests += [Request("PUT", container) for container in containers]
    if dry_run:
        names = [] if names_places(client) else untried(session.client, again=probe)
        return plan(session.client, *requests, *(Probe(client.storlet_container).plan(names) if names else ()))
    for request in requests:
        client.send(request).read()
    message = f"account {client.account} is enabled for storlets; containers: {', '.join(containers)}"
    facts = {"account": client.account, "enabled": True, "containers": containers}
    if names_places(client):
        return Done(message, facts)
    places = _places(session, again=probe)
    spelled = ", ".join(f"{name}: {place}" for name, place in places.items())
    return Done(f"{message}; reads run on, by storage policy: {spelled or 'proxy'}", {**facts, "policies": places})


def _places(session: Session, *, again: bool) -> dict[str, str]:
    """Return where reads run, by the storage policies' names; nothing is known of those that can't be tried."""
    try:
        results = try_policies(session.client, again=again)
    except StorletShellError as error:
        session.surroundings.warn(f"warning: the storage policies can't be tried, so reads run on the proxy: {error}")
        results = dict.fromkeys(policies(session.client))
    return {name: wire.PLACES[bool(runs)] for name, runs in results.items()}
