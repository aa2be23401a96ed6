"""Run a storlet over an object that is read: where it runs, and that it has run.

Object servers return some objects as they are, with status 200 and the headers of a run, as if the storlet had made
that of them: erasure-coded objects, and dynamic large ones (storlets ``handlers/obj.py: GET``). The embedded Swift says
of each answer where the storlet has run. No other cluster does, and there no header tells an erasure-coded object. So
reads run on the proxy server there, which runs storlets over everything, unless the container's storage policy is known
to run them on its nodes: ``enable`` tries that once, and keeps the answers with the container of the storlets.

Every command that reads through a storlet does it by :func:`read_through` or :func:`copy_through`.
"""

from __future__ import annotations

from collections.abc import Mapping
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
    """What a storlet made of an object.

    :param request: the request that it was made for; where it ran is part of it
    """

    request: Request
    reply: Reply


def check_storlets_run(client: Client) -> None:
    """Check that the cluster runs storlets: one that does not stores and returns objects as they are, and says nothing.

    Its observer is warned of a cluster that only seems to. One that hides what it can do (``expose_info = false``) is
    given the benefit of the doubt.

    :raises ServiceError: when it runs none
    """
    _check_middleware(client)
    if client.capabilities().get("storlet_handler", {}).get("storlet_gateway_class") == "StubStorletGateway":
        client.observer.warn("warning: this cluster's storlets gateway is the stub, which runs nothing")


def _check_middleware(client: Client) -> None:
    capabilities = client.capabilities()
    if capabilities and "storlet_handler" not in capabilities:
        raise ServiceError("this cluster runs no storlets: GET /info does not name their middleware")


def check_extra_resources(client: Client, run: Invocation | None) -> None:
    """Check that each extra resource is there: the server feeds an error page to the storlet when one is not.

    Source: storlets ``handlers/proxy.py: _build_storlet_request``.

    The storlet, too, is looked at: one that surely reads its first input only would drop the others in silence.

    :raises NotFoundError: when one is not
    :raises UsageError: when the storlet can't read them all
    """
    if run is None or not run.extra:
        return
    for path in run.extra:
        head(client, path)
    from storlet_shell.store.unread import check_inputs_are_read  # for those who have several inputs

    check_inputs_are_read(client, run)


def ran(request: Request, reply: Reply) -> str:
    """Say which storlet has answered a request and where it ran; nothing of a plain request."""
    if wire.RUN_STORLET not in request.headers:
        return ""
    proxy = request.method == "PUT" or not {wire.RUN_ON_PROXY, wire.EXTRA_RESOURCES}.isdisjoint(request.headers)
    server = reply.headers.get(wire.RAN_ON, "proxy" if proxy else "object")
    return f"through {request.headers[wire.RUN_STORLET]} on the {server} server"


def names_places(client: Client) -> bool:
    """Tell whether each result of a storlet says where it ran: the embedded Swift's do, and ``GET /info`` says so."""
    return bool(client.capabilities().get("storlet_shell", {}).get("names_places"))


def read_through(
    client: Client, source: ObjectPath, run: Invocation, headers: Mapping[str, str] = NO_HEADERS
) -> Answer:
    """Run a storlet over an object, and return its result as it comes; never the object itself.

    An answer that no storlet has made is dropped, and the storlet runs on the proxy server instead.

    :param headers: further headers of the request
    :raises UnrunError: when it is to run on the object's own server, which doesn't run storlets over it
    :raises ServiceError: when the cluster runs no storlets
    """
    if not runs_on_proxy(run):
        check_storlets_run(client)
    placed = place(client, source.container, run)
    answer = _send(client, source, placed, headers)
    if answer is None and not runs_on_proxy(placed):
        answer = _send(client, source, placed._replace(on_proxy=True), headers)
        if answer is not None and run.on_proxy is False:
            _warn_of_place(client, source, run, "ran")
    if answer is None:
        raise ServiceError(f"{source}: the server returned it without running {run.storlet}")
    return answer


def _warn_of_place(client: Client, source: ObjectPath, run: Invocation, verb: str) -> None:
    text = f"warning: {source}: object servers return it without running {run.storlet}; it {verb} on the proxy"
    client.observer.warn(text)


def place(client: Client, container: str, run: Invocation) -> Invocation:
    """Return the invocation with the place where it is to run over an object of a container.

    :raises UnrunError: when that is to be the object's own server, which is known not to run storlets
    """
    if runs_on_proxy(run):
        return run
    if run.on_proxy is False:
        check_node(client, container, run)
        return run
    if names_places(client):  # each answer will tell
        does_run = not client.cluster.knows(returned_as_is(container))
    else:
        does_run = bool(runs_on_nodes(client, container))
    return run if does_run else run._replace(on_proxy=True)


def runs_on_proxy(run: Invocation) -> bool:
    """Tell whether an invocation runs on the proxy server: over ranges and several inputs it does in any case."""
    return bool(run.on_proxy or run.extra or run.range is not None)


def runs_on_nodes(client: Client, container: str) -> bool | None:
    """Tell whether storlets run on the nodes of a container's storage policy; None where that isn't known.

    A session asks once for the answers of the probe, and, where there are any, once for the policy of each container.
    Who may not ask runs on the proxy server.
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
    """Return on which storage policies' nodes storlets run, by the policies' names in lower case; empty if unknown."""
    places = wire.decode_metadata(_container_headers(client, client.storlet_container), wire.PLACE_OF_POLICY)
    return {policy.lower(): place == wire.PLACES[True] for policy, place in places.items()}


def _ask_policy(client: Client, container: str) -> str:
    return _container_headers(client, container).get(wire.STORAGE_POLICY, "").lower()


def _container_headers(client: Client, container: str) -> Mapping[str, str]:
    """Return a container's headers; empty for a user who may not see them, or if it isn't there."""
    try:
        info = find(client, Location(container))
    except IdentityError:
        return {}
    return {} if info is None else info.headers


def _send(client: Client, source: ObjectPath, run: Invocation, headers: Mapping[str, str]) -> Answer | None:
    """Send the request of a run; return None, having dropped the answer, if nothing has run.

    :raises UnrunError: when the user has asked for a run on the object's own server, and only the proxy can
    """
    request = read_request(source, run, headers)
    reply = send_run(client, request)
    try:
        if wire.RAN_ON in reply.headers or _has_run_elsewhere(client, source, reply, run):
            return Answer(request, reply)
    except StorletShellError:
        reply.close()
        raise
    reply.close()
    is_large = wire.DYNAMIC_MANIFEST in reply.headers
    if run.on_proxy is False and (is_large or not names_places(client)):
        raise _unrun(source, run, reply.transaction_id)
    if not is_large:
        client.cluster.note(returned_as_is(_container_read(client, source, reply.headers)), fact=True)
    return None


def _has_run_elsewhere(client: Client, source: ObjectPath, reply: Reply, run: Invocation) -> bool:
    """Tell whether an answer that doesn't say where the storlet ran, as other clusters' don't, is its result.

    :raises ServiceError: when the cluster runs no storlets
    """
    _check_middleware(client)
    if names_places(client):
        return False
    return runs_on_proxy(run) or not _may_be_source(client, source, reply, run)


def _may_be_source(client: Client, source: ObjectPath, reply: Reply, run: Invocation) -> bool:
    """Tell whether an object server's answer may be the object as it is, on a cluster that doesn't say so.

    The middleware takes the length off what a storlet makes (storlets ``handlers/base.py: apply_storlet``). A symbolic
    link may have led to a container of another storage policy.
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
    """Return the container of the object that was read, which a symbolic link may have led to.

    :returns: empty if that is another account's, or can't be read
    """
    try:
        parts = unquote(urlsplit(headers.get(wire.CONTENT_LOCATION, "")).path).split("/", 4)
    except ValueError:  # it is no URL
        return ""
    if len(parts) < 5:
        return source.container
    _, _, account, container, _ = parts
    return container if account == client.account else ""


def check_node(client: Client, container: str, run: Invocation) -> None:
    """Check that a run on an object's own server, if the user has asked for one, isn't known to be none.

    :param container: the object's; empty if it isn't known
    :raises UnrunError: when it is
    """
    if run.on_proxy is not False or runs_on_proxy(run) or names_places(client):
        return
    does_run = runs_on_nodes(client, container) if container else None
    if does_run is False:
        policy = client.cluster.recall(policy_of(container), lambda: _ask_policy(client, container))
        raise UnrunError(
            f"container {{subject}}: object servers run no storlets over objects of its storage policy {policy}",
            subject=container,
            hint=Hint(Action.DROP_ON_NODE),
        )
    if does_run is None:
        subject = f"container {container}" if container else "the container behind the link"
        client.observer.warn(
            f"warning: it isn't known whether the nodes of {subject} run {run.storlet}", Hint(Action.SEE_ENABLE)
        )


def _unrun(source: ObjectPath, run: Invocation, transaction_id: str) -> UnrunError:
    from storlet_shell.wire.failures import unrun  # for those whose storlet has not run

    return unrun(str(source), str(run.storlet), transaction_id)


def copy_through(
    client: Client,
    run: Invocation,
    source: ObjectPath,
    output: ObjectPath,
    headers: Mapping[str, str] = NO_HEADERS,
    extra: tuple[ObjectPath, ...] = (),
) -> Reply:
    """Copy through a storlet, and return the answer.

    Each input is looked up first: upstream's middleware would store, or feed in, the error page of a missing one.

    :param headers: further headers of the request
    :param extra: further inputs of the storlet
    :raises StorletFailedError: when the storlet fails, or has not run
    """
    run = run._replace(extra=(*run.extra, *extra))
    check_copy(client, source, run, head(client, source))
    for path in extra:
        head(client, path)
    request = copy_request(source, output, run, headers=headers)
    return send_copy(client, request, run, source, output)


def check_copy(client: Client, source: ObjectPath, run: Invocation, info: Info) -> None:
    """Check that a copy on the object's own server isn't known to store the object as it is.

    :param info: the source's
    :raises UnrunError: when it is
    """
    if runs_on_proxy(run) or run.on_proxy is None:
        return
    if wire.DYNAMIC_MANIFEST in info.headers:
        raise _unrun(source, run, info.transaction_id)
    check_node(client, _container_read(client, source, info.headers), run)


def send_copy(client: Client, request: Request, run: Invocation, source: ObjectPath, output: ObjectPath) -> Reply:
    """Send a copy that runs a storlet, and return its answer.

    :raises StorletFailedError: when the storlet fails, or has not run
    """
    try:
        reply = send_run(client, request)
    except UnrunError:  # the embedded Swift's refusal: nothing is stored
        _warn_of_place(client, source, run, "runs")
        reply = send_run(client, request._replace(headers={**request.headers, wire.RUN_ON_PROXY: ""}))
    reply.read()
    if wire.GENERATED_FROM not in reply.headers:
        raise StorletFailedError(
            f"{output}: the server copied {source} without {run.storlet}: it has no storlets middleware",
            transaction_id=reply.transaction_id,
        )
    return reply
