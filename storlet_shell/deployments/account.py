"""Enable an account for storlets: set its flag, create its containers, and find out where reads run."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from storlet_shell.deployments.probe import Probe, policies, try_policies, untried
from storlet_shell.equality import typed_equality
from storlet_shell.errors import StorletShellError
from storlet_shell.store.runs import names_places
from storlet_shell.wire import headers as wire
from storlet_shell.wire.requests import Request

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client


@typed_equality
class Enabled(NamedTuple):
    """An account that is enabled for storlets.

    :param containers: the containers of storlets, dependencies and logs
    :param places: where reads run (``node`` or ``proxy``), by storage policy; None if each answer says where it ran
    """

    account: str
    containers: tuple[str, ...]
    places: dict[str, str] | None = None


def enable_requests(client: Client, *, again: bool = False) -> list[Request]:
    """Return the requests that :func:`enable` sends; asks the cluster which storage policies were probed."""
    names = [] if names_places(client) else untried(client, again=again)
    return [*_requests(client), *(Probe(client.storlet_container).plan(names) if names else ())]


def enable(client: Client, *, again: bool = False) -> Enabled:
    """Enable the account for storlets, create their containers, and probe where storlets run.

    :param again: probe all storage policies, not only new ones
    :raises IdentityError: if this user isn't allowed to
    """
    for request in _requests(client):
        client.send(request).read()
    places = None if names_places(client) else _places(client, again=again)
    return Enabled(client.account, _containers(client), places)


def _containers(client: Client) -> tuple[str, ...]:
    return client.storlet_container, client.dependency_container, wire.LOG_CONTAINER


def _requests(client: Client) -> list[Request]:
    flag = Request("POST", headers={wire.STORLETS_ENABLED: "True"})
    return [flag, *(Request("PUT", container) for container in _containers(client))]


def _places(client: Client, *, again: bool) -> dict[str, str]:
    """Return where reads run, by storage policy; policies that couldn't be probed are left out."""
    try:
        results = try_policies(client, again=again)
    except StorletShellError as error:
        reason = client.observer.line_of(error)
        client.observer.warn(f"warning: storage policies couldn't be probed, so reads run on the proxy: {reason}")
        results = dict.fromkeys(policies(client))
    return {name: wire.PLACES[bool(runs)] for name, runs in results.items()}
