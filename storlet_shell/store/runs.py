"""Run a storlet over an object: choose where it runs, and check that it did run.

Object servers return some objects unchanged, with status 200 and the headers of a run, as if they were the storlet's
result: erasure-coded objects, and dynamic large ones (storlets ``handlers/obj.py: GET``). The embedded Swift states in
each response where the storlet ran. Other clusters don't, and no header identifies an erasure-coded object there. So
reads run on the proxy server there, which runs storlets over all objects, unless the nodes of the container's storage
policy are known to run them: ``enable`` tries that once, and stores the results with the storlet container.

All commands that read through a storlet use :func:`read_through` or :func:`copy_through`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from storlet_shell.equality import typed_equality
from storlet_shell.errors import (
    Action,
    ConnectionFailedError,
    Hint,
    IdentityError,
    OverloadedError,
    ServiceError,
    StorletFailedError,
    StorletShellError,
    UnrunError,
)
from storlet_shell.store.failures import send_run
from storlet_shell.store.metadata import Info, find, head
from storlet_shell.store.requests import NO_HEADERS, copy_request, read_request
from storlet_shell.values import Invocation, Location, ObjectPath
from storlet_shell.wire import headers as wire
from storlet_shell.wire.cluster import PROBES, policy_of, returned_as_is

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client
    from storlet_shell.wire.requests import Request
    from storlet_shell.wire.transport import Reply


@typed_equality
class Answer(NamedTuple):
    """The result of a storlet.

    :param request: the request that was sent in the end, whose headers tell where the storlet ran
    """

    request: Request
    reply: Reply


def check_storlets_run(client: Client) -> None:
    """Check that the cluster runs storlets: one that doesn't stores and returns objects unchanged, without an error.

    The observer is warned of a cluster whose gateway is a stub. A cluster that hides its capabilities (``expose_info =
    false``) is given the benefit of the doubt.

    :raises ServiceError: if it doesn't
    """
    _check_middleware(client)
    if client.capabilities().get("storlet_handler", {}).get("storlet_gateway_class") == "StubStorletGateway":
        client.observer.warn("warning: this cluster's storlets gateway is a stub, which doesn't run storlets")


def _check_middleware(client: Client) -> None:
    capabilities = client.capabilities()
    if capabilities and "storlet_handler" not in capabilities:
        raise ServiceError("this cluster doesn't run storlets: its GET /info doesn't list the storlets middleware")


def check_extra_resources(client: Client, run: Invocation) -> None:
    """Check that all extra resources exist: the server feeds the error page of a missing one to the storlet.

    Source: storlets ``handlers/proxy.py: _build_storlet_request``.

    A storlet that reads only its first input, by its source, is refused: it would silently drop the others.

    :raises NotFoundError: if one doesn't exist
    :raises UsageError: if the storlet can't read them all
    """
    if not run.extra:
        return
    for path in run.extra:
        head(client, path)
    from storlet_shell.store.functions import check_inputs_are_read  # few runs have several inputs

    check_inputs_are_read(client, run)


def ran(request: Request, reply: Reply) -> str:
    """Describe which storlet ran for a request, and where; empty for a plain request."""
    if wire.RUN_STORLET not in request.headers:
        return ""
    proxy = request.method == "PUT" or not {wire.RUN_ON_PROXY, wire.EXTRA_RESOURCES}.isdisjoint(request.headers)
    server = reply.headers.get(wire.RAN_ON, "proxy" if proxy else "object")
    return f"through {request.headers[wire.RUN_STORLET]} on the {server} server"


def names_places(client: Client) -> bool:
    """Tell whether responses state where a storlet ran, as the embedded Swift's do (``GET /info`` says so)."""
    return bool(client.capabilities().get("storlet_shell", {}).get("names_places"))


def read_through(
    client: Client, source: ObjectPath, run: Invocation, headers: Mapping[str, str] = NO_HEADERS
) -> Answer:
    """Run a storlet over an object and return its result, never the object itself.

    If the object server returns the object unchanged, the storlet runs on the proxy server instead.

    :param headers: further request headers
    :raises UnrunError: if it should run on the object's own server, which doesn't run storlets over it
    :raises ServiceError: if the cluster doesn't run storlets
    """
    if not runs_on_proxy(run):
        check_storlets_run(client)
    placed = place(client, source.container, run)
    answer = send_anywhere(client, source, placed, lambda run: _send(client, source, run, headers))
    if answer is None:
        raise unprocessed(source, run)
    return answer


def send_anywhere(
    client: Client, source: ObjectPath, run: Invocation, send: Callable[[Invocation], Answer | None]
) -> Answer | None:
    """Send a run, and if the object server returns the object unchanged, send it once more to run on the proxy server.

    :param send: sends a run; returns None if the storlet didn't run
    :returns: None if it didn't run on the proxy server, either
    """
    answer = send(run)
    if answer is None and not runs_on_proxy(run):
        answer = send(run._replace(on_proxy=True))
        if answer is not None and run.on_proxy is False:
            _warn_of_place(client, source, run, "ran")
    return answer


def unprocessed(source: ObjectPath, run: Invocation) -> ServiceError:
    """Return the error for an object that even the proxy server returned without running the storlet."""
    return ServiceError(f"{source}: the server returned it without running {run.storlet}")


def _warn_of_place(client: Client, source: ObjectPath, run: Invocation, verb: str) -> None:
    text = f"warning: {source}: object servers return it without running {run.storlet}; it {verb} on the proxy server"
    client.observer.warn(text)


def place(client: Client, container: str, run: Invocation) -> Invocation:
    """Return an invocation with the place where it should run, for the objects of a container.

    :raises UnrunError: if the user chose the object's own server, which is known not to run storlets
    """
    if runs_on_proxy(run):
        return run
    if run.on_proxy is False:
        check_node(client, container, run)
        return run
    if names_places(client):  # the response will tell
        does_run = not client.cluster.knows(returned_as_is(container))
    else:
        does_run = bool(runs_on_nodes(client, container))
    return run if does_run else run._replace(on_proxy=True)


def runs_on_proxy(run: Invocation) -> bool:
    """Tell whether an invocation must run on the proxy server; with a range or several inputs, it always must."""
    return bool(run.on_proxy or run.extra or run.range is not None)


def runs_on_nodes(client: Client, container: str) -> bool | None:
    """Tell whether storlets run on the nodes of a container's storage policy; None if unknown.

    A session requests the recorded probes once, and the policy of each container once if there are any. For users who
    aren't allowed to, the answer is unknown, so their storlets run on the proxy server.
    """
    try:
        probes = client.cluster.recall(PROBES, lambda: ask_probes(client))
        if not probes:
            return None
        return probes.get(client.cluster.recall(policy_of(container), lambda: _ask_policy(client, container)))
    except (ConnectionFailedError, OverloadedError):
        raise
    except StorletShellError:
        return None


def ask_probes(client: Client) -> dict[str, bool]:
    """Return whether nodes run storlets, by the name of the storage policy in lower case; empty if unknown."""
    places = wire.decode_metadata(_container_headers(client, client.storlet_container), wire.PLACE_OF_POLICY)
    return {policy.lower(): place == wire.PLACES[True] for policy, place in places.items()}


def _ask_policy(client: Client, container: str) -> str:
    return _container_headers(client, container).get(wire.STORAGE_POLICY, "").lower()


def _container_headers(client: Client, container: str) -> Mapping[str, str]:
    """Return a container's headers; empty if it doesn't exist, or the user may not see them."""
    try:
        info = find(client, Location(container))
    except IdentityError:
        return {}
    return {} if info is None else info.headers


def _send(client: Client, source: ObjectPath, run: Invocation, headers: Mapping[str, str]) -> Answer | None:
    """Send the request of a run; discard the response and return None if the storlet didn't run.

    :raises UnrunError: if the user chose the object's own server, but only the proxy server runs the storlet
    """
    request = read_request(source, run, headers)
    reply = send_run(client, request)
    try:
        if wire.RAN_ON in reply.headers or _has_run_elsewhere(client, source, reply, run):
            return Answer(request, reply)
    except StorletShellError:
        reply.close()
        raise
    discard(client, source, run, reply)
    return None


def discard(client: Client, source: ObjectPath, run: Invocation, reply: Reply) -> None:
    """Discard a response that isn't the storlet's result, and remember where the storlet didn't run.

    :raises UnrunError: if the user chose the object's own server, but only the proxy server runs the storlet
    """
    reply.close()
    is_large = wire.DYNAMIC_MANIFEST in reply.headers
    if run.on_proxy is False and (is_large or not names_places(client)):
        raise _unrun(source, run, reply.transaction_id)
    if not is_large and not runs_on_proxy(run):
        client.cluster.note(returned_as_is(_container_read(client, source, reply.headers)), fact=True)


def _has_run_elsewhere(client: Client, source: ObjectPath, reply: Reply, run: Invocation) -> bool:
    """Tell whether a response that doesn't state where the storlet ran is the storlet's result.

    :raises ServiceError: if the cluster doesn't run storlets
    """
    _check_middleware(client)
    if names_places(client):
        return False
    return runs_on_proxy(run) or not _may_be_source(client, source, reply, run)


def _may_be_source(client: Client, source: ObjectPath, reply: Reply, run: Invocation) -> bool:
    """Tell whether an object server's response may be the unchanged object, on a cluster that doesn't say so.

    The middleware removes the length of a storlet's result (storlets ``handlers/base.py: apply_storlet``). A symbolic
    link may have led to a container with another storage policy.
    """
    if wire.DYNAMIC_MANIFEST in reply.headers or wire.CONTENT_LENGTH in reply.headers:
        return True
    container = _container_read(client, source, reply.headers)
    if container == source.container:
        return False
    if run.on_proxy is False:
        check_node(client, container, run)
        return False
    return not (container and runs_on_nodes(client, container))


def _container_read(client: Client, source: ObjectPath, headers: Mapping[str, str]) -> str:
    """Return the container of the object that was read, which may be the target of a symbolic link.

    :returns: empty if it is in another account, or unknown
    """
    try:
        parts = unquote(urlsplit(headers.get(wire.CONTENT_LOCATION, "")).path).split("/", 4)
    except ValueError:  # not a URL
        return ""
    if len(parts) < 5:
        return source.container
    _, _, account, container, _ = parts
    return container if account == client.account else ""


def check_node(client: Client, container: str, run: Invocation) -> None:
    """Check a run for which the user chose the object's own server; warn if it isn't known to run storlets.

    :param container: the object's container; empty if unknown
    :raises UnrunError: if the server is known not to run storlets
    """
    if run.on_proxy is not False or runs_on_proxy(run) or names_places(client):
        return
    does_run = runs_on_nodes(client, container) if container else None
    if does_run is False:
        policy = client.cluster.recall(policy_of(container), lambda: _ask_policy(client, container))
        raise UnrunError(
            f"container {{subject}}: object servers don't run storlets over objects of its storage policy {policy}",
            subject=container,
            hint=Hint(Action.DROP_ON_NODE),
        )
    if does_run is None:
        subject = f"container {container}" if container else "the container behind the link"
        client.observer.warn(f"warning: the nodes of {subject} may not run {run.storlet}", Hint(Action.SEE_ENABLE))


def _unrun(source: ObjectPath, run: Invocation, transaction_id: str) -> UnrunError:
    from storlet_shell.wire.failures import unrun  # rarely needed

    return unrun(str(source), str(run.storlet), transaction_id)


def copy_through(
    client: Client,
    run: Invocation,
    source: ObjectPath,
    output: ObjectPath,
    headers: Mapping[str, str] = NO_HEADERS,
    extra: tuple[ObjectPath, ...] = (),
) -> Reply:
    """Copy an object through a storlet, and return the response.

    All inputs are looked up first: upstream's middleware would store the error page of a missing one, or feed it to the
    storlet.

    :param headers: further request headers
    :param extra: further inputs of the storlet
    :raises StorletFailedError: if the storlet fails, or didn't run
    """
    run = run._replace(extra=(*run.extra, *extra))
    check_copy(client, source, run, head(client, source))
    for path in extra:
        head(client, path)
    request = copy_request(source, output, run, headers=headers)
    return send_copy(client, request, run, source, output)


def check_copy(client: Client, source: ObjectPath, run: Invocation, info: Info) -> None:
    """Check that a copy on the object's own server isn't known to store the object unchanged.

    :param info: the headers of the source
    :raises UnrunError: if it is
    """
    if runs_on_proxy(run) or run.on_proxy is None:
        return
    if wire.DYNAMIC_MANIFEST in info.headers:
        raise _unrun(source, run, info.transaction_id)
    check_node(client, _container_read(client, source, info.headers), run)


def send_copy(client: Client, request: Request, run: Invocation, source: ObjectPath, output: ObjectPath) -> Reply:
    """Send a copy through a storlet, and return the response.

    :raises StorletFailedError: if the storlet fails, or didn't run
    """
    try:
        reply = send_run(client, request)
    except UnrunError:  # refused by the embedded Swift: nothing was stored
        _warn_of_place(client, source, run, "runs")
        reply = send_run(client, request._replace(headers={**request.headers, wire.RUN_ON_PROXY: ""}))
    reply.read()
    if wire.GENERATED_FROM not in reply.headers:
        raise StorletFailedError(
            f"{output}: the server copied {source} without running {run.storlet}: it has no storlets middleware",
            transaction_id=reply.transaction_id,
        )
    return reply
