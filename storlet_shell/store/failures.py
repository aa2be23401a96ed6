"""Find out why a request failed, by further requests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from storlet_shell import shelf
from storlet_shell.errors import (
    Action,
    Hint,
    IdentityError,
    NotDeployedError,
    NotFoundError,
    OverloadedError,
    StorletFailedError,
    StorletShellError,
)
from storlet_shell.store.functions import with_own_lines
from storlet_shell.store.metadata import exists
from storlet_shell.values import Location, ObjectPath
from storlet_shell.wire import headers as wire
from storlet_shell.wire.requests import Request
from storlet_shell.wire.statuses import FailedAnswer

if TYPE_CHECKING:
    from storlet_shell.errors import IncompleteBodyError
    from storlet_shell.values import Invocation
    from storlet_shell.wire.bodies import Body
    from storlet_shell.wire.client import Client
    from storlet_shell.wire.failures import Failure
    from storlet_shell.wire.transport import Reply


_FAILED = (499, 500, 503)
"""Statuses that may mean a failed storlet. Swift returns 499 for a copy whose result is shorter than its source (swift
``proxy/controllers/obj.py: _transfer_data``)."""


def send_run(client: Client, request: Request, body: Body | None = None) -> Reply:
    """Send a request that runs a storlet; if it fails, find out why.

    If Keystone's middleware leaves decisions to others (``delay_auth_decision``), the storlets middleware responds to
    an expired token as if the user weren't allowed to run the storlet. Looking the storlet up then gets a new token,
    and the request is sent once more with that, unless its body can't be read again.

    :raises NotDeployedError: if the storlet isn't deployed
    :raises StorletFailedError: if it fails
    :raises UnrunError: if no server ran it
    """
    can_repeat = body is None or body.replayable
    while True:
        try:
            return client.send(request, body)
        except StorletShellError as error:
            answer = error.answer
            if not isinstance(answer, FailedAnswer):
                raise
            if answer.status != 401 or not wire.is_storlet_refusal(answer.body):
                if isinstance(error, OverloadedError):  # nothing has run
                    raise
                raise (_failure(client, request, answer) or error) from None
        _check_refusal(client, request.headers[wire.RUN_STORLET], answer, can_repeat=can_repeat)
        can_repeat = False


def _check_refusal(client: Client, storlet: str, answer: FailedAnswer, *, can_repeat: bool) -> None:
    """Find out why the server refused to run a storlet.

    :raises StorletShellError: unless the token had expired, has been renewed, and the request can be sent again
    """
    refused = client.sent_token
    fields: dict[str, Any] = {"status": answer.status, "transaction_id": answer.transaction_id}
    try:
        is_deployed = exists(client, ObjectPath(client.storlet_container, storlet))
    except IdentityError as error:
        if not error.transaction_id:  # the login failed
            raise
        is_deployed = True  # this user can't find out
    if not is_deployed:
        raise NotDeployedError("storlet {subject} isn't deployed", subject=storlet, **fields)
    if client.sent_token == refused:
        raise IdentityError("permission denied: this user may not run storlet {subject}", subject=storlet, **fields)
    if not can_repeat:
        text = "the token had expired, and the input can't be read again; it has been renewed, so run the line again"
        raise IdentityError(text, **fields)


def _failure(client: Client, request: Request, answer: FailedAnswer) -> StorletShellError | None:
    """Return the error of a failed run; None if the failure is another."""
    from storlet_shell.wire import failures  # rarely needed

    storlet, transaction = request.headers[wire.RUN_STORLET], answer.transaction_id
    kind = answer.headers.get(wire.FAILURE)
    if kind == wire.UNRUN:
        return failures.unrun(request.subject, storlet, transaction)
    if answer.status not in _FAILED:
        return None
    if kind:
        log = log_of_failure(client, storlet, transaction)
        failure = failures.answered(kind, wire.failure_reason(answer.text), log)
    elif answer.text.startswith("Storlet execution"):
        failure = failures.Failure(answer.text)
    elif request.method == "GET" and _may_be_read(client, request):
        failure = failures.Failure("no response; the cluster's own log may tell why")
    else:
        return None
    return failure.error(storlet, request.subject, transaction, answer.status)


def _may_be_read(client: Client, request: Request) -> bool:
    """Tell a failed storlet from a failed server: a bare 503 can be either, but a HEAD runs no storlet."""
    try:
        return exists(client, ObjectPath(request.container, request.name))
    except StorletShellError:
        return False


def storlet_log(client: Client, storlet: str, transaction: str = "") -> str:
    """Return a storlet's log; empty without one.

    :param transaction: return only the log of this run, if the cluster can tell; empty for all runs
    """
    if client.is_embedded:
        query = [(wire.LOG_QUERY, storlet)] + ([("transaction", transaction)] if transaction else [])
        request = Request("GET", query=tuple(query))
    else:
        request = Request("GET", wire.LOG_CONTAINER, f"{storlet.split('-')[0]}.log")
    reply = client.find(request)
    return reply.read().decode("utf-8", "replace") if reply else ""


def log_of_failure(client: Client, storlet: str, transaction: str) -> str:
    """Return the log of a failed run; empty if it can't be read, which must not hide the failure itself."""
    return _failed_run(client, storlet, transaction).log


def _failed_run(client: Client, storlet: str, transaction: str) -> Failure:
    """Return why a run failed, and its log; only the embedded engine keeps a log for each run."""
    from storlet_shell.wire import failures  # rarely needed

    try:
        log = storlet_log(client, storlet, transaction) if client.is_embedded else ""
    except StorletShellError:
        log = ""
    return failures.logged(with_own_lines(client, storlet, log).splitlines(), transaction)


def broken_run(client: Client, storlet: str, subject: str, error: IncompleteBodyError) -> StorletShellError:
    """Return the error for a run whose body was cut short: the storlet failed if its log proves it.

    All code that reads a storlet's result uses this, so that all commands end with the same status.
    """
    return _failed_run(client, storlet, error.transaction_id).broken(storlet, subject, error)


@contextmanager
def explained(client: Client, request: Request, run: Invocation | None) -> Iterator[None]:
    """Add likely reasons to the error of a failed request.

    They are the name of a similar storlet if one isn't deployed; a missing container; and, for a run that generates a
    log, that an upstream engine can't: it uploads the log without an object name, which fails the run (storlets
    ``gateways/container/gateway.py: _upload_storlet_logs``).
    """
    try:
        yield
    except NotDeployedError as error:
        assert run is not None
        raise not_deployed(client, run.storlet.name, transaction_id=error.transaction_id) from error
    except NotFoundError as error:
        if request.method == "GET" and _is_missing(client, request.container):
            raise error.adding(f"; container {request.container} doesn't exist, either") from error
        raise
    except StorletFailedError as error:
        if run is None or not run.generate_log or client.is_embedded:
            raise
        explained = error.adding("; upstream's engine fails every run that generates a log")
        explained.hint = Hint(Action.DROP_LOG)
        raise explained from error


def _is_missing(client: Client, container: str) -> bool:
    """Tell whether a container is known not to exist."""
    try:
        return not exists(client, Location(container))
    except StorletShellError:
        return False


def not_deployed(client: Client, name: str, container: str = "", *, transaction_id: str = "") -> NotFoundError:
    """Return the error for a storlet that isn't deployed, with the name of a similar one.

    :param container: the container that was searched; empty for the cluster's storlet container
    """
    if standard := shelf.standard_of(name):
        hint = Hint(Action.DEPLOY_STANDARD, (f"{shelf.PREFIX}{standard}",))
        return NotFoundError("storlet {subject} isn't deployed", subject=name, hint=hint, transaction_id=transaction_id)
    suggestion = suggest_storlet(client, name, container)
    see = Hint(Action.SEE_STORLETS_IN, (container,)) if container else Hint(Action.SEE_STORLETS)
    text = f"storlet {{subject}} isn't deployed{suggestion}"
    return NotFoundError(text, subject=name, hint=None if suggestion else see, transaction_id=transaction_id)


def suggest_storlet(client: Client, name: str, container: str = "") -> str:
    """Return a suggestion of a deployed storlet with a similar name, for the end of a message; empty without one.

    Names are similar if their parts before the first dot or hyphen are.
    """
    try:
        reply = client.send(Request("GET", container or client.storlet_container))
        names = reply.read().decode("utf-8", "replace").splitlines()
    except StorletShellError:  # must not hide the error itself
        return ""
    import difflib  # rarely needed

    stems = {_stem(deployed): deployed for deployed in reversed(names)}
    close = difflib.get_close_matches(_stem(name), stems, n=1)
    return f"; did you mean {stems[close[0]]}?" if close and name not in names else ""


def _stem(name: str) -> str:
    return re.split("[.-]", name)[0].lower()
