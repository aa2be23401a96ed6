"""Why a request failed, by a look at what may be the reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

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
"""Statuses of requests whose storlet may have failed: of a copy, Swift says 499 where the storlet's result ended before
as many bytes as the source has (swift ``proxy/controllers/obj.py: _transfer_data``)."""


def send_run(client: Client, request: Request, body: Body | None = None) -> Reply:
    """Send a request that runs a storlet; if it fails, look why.

    Where Keystone's middleware leaves the decision to others (``delay_auth_decision``), the one of storlets says of an
    expired token, too, that the storlet may not be run. Looking for the storlet takes a new token then, with which the
    request is sent once more, if its body can be.

    :raises NotDeployedError: when the storlet is not there
    :raises StorletFailedError: when it fails
    :raises UnrunError: when no server has run it
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
    """Look why a storlet could not be run.

    :raises StorletShellError: unless it was for an expired token that has been renewed, and the request can be repeated
    """
    refused = client.sent_token
    fields: dict[str, Any] = {"status": answer.status, "transaction_id": answer.transaction_id}
    try:
        is_deployed = exists(client, ObjectPath(client.storlet_container, storlet))
    except IdentityError as error:
        if not error.transaction_id:  # it is the login that failed
            raise
        is_deployed = True  # for all that this user may know
    if not is_deployed:
        raise NotDeployedError("storlet {subject} is not deployed", subject=storlet, **fields)
    if client.sent_token == refused:
        raise IdentityError("this user may not run storlet {subject}", subject=storlet, **fields)
    if not can_repeat:
        what = "the token had expired, and what is sent can be read once only; there is a new token for the next"
        raise IdentityError(what, **fields)


def _failure(client: Client, request: Request, answer: FailedAnswer) -> StorletShellError | None:
    """Return why a run failed; None if it isn't the run that did."""
    from storlet_shell.wire import failures  # for those whose storlet fails

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
        failure = failures.Failure("it gave no answer; the cluster's own log may tell why")
    else:
        return None
    return failure.error(storlet, request.subject, transaction, answer.status)


def _may_be_read(client: Client, request: Request) -> bool:
    """Tell a failed storlet from a failed server: a 503 without text can be either, and a HEAD runs no storlet."""
    try:
        return exists(client, ObjectPath(request.container, request.name))
    except StorletShellError:
        return False


def storlet_log(client: Client, storlet: str, transaction: str = "") -> str:
    """Return what is kept of a storlet's log; nothing when there is none.

    :param transaction: only what the run of this transaction wrote, where the cluster can tell
    """
    if client.is_embedded:
        query = [(wire.LOG_QUERY, storlet)] + ([("transaction", transaction)] if transaction else [])
        request = Request("GET", query=tuple(query))
    else:
        request = Request("GET", wire.LOG_CONTAINER, f"{storlet.split('-')[0]}.log")
    reply = client.find(request)
    return reply.read().decode("utf-8", "replace") if reply else ""


def log_of_failure(client: Client, storlet: str, transaction: str) -> str:
    """Return the log of a failed run, or nothing: that it can't be had must not hide the failure itself."""
    return _failed_run(client, storlet, transaction).log


def _failed_run(client: Client, storlet: str, transaction: str) -> Failure:
    """Return why a run failed and its log, which only the embedded engine tells from those of others."""
    from storlet_shell.wire import failures  # the same

    try:
        lines = storlet_log(client, storlet, transaction).splitlines() if client.is_embedded else []
    except StorletShellError:
        lines = []
    return failures.logged(lines, transaction)


def broken_run(client: Client, storlet: str, subject: str, error: IncompleteBodyError) -> StorletShellError:
    """Return what a run failed of whose body ended early: the storlet, where its log proves it.

    Whatever reads what a storlet makes ends with this, so that all end with the same status.
    """
    return _failed_run(client, storlet, error.transaction_id).broken(storlet, subject, error)


@contextmanager
def explained(client: Client, request: Request, run: Invocation | None) -> Iterator[None]:
    """Say more of a request that fails, by a look at what may be the reason.

    Which storlet may be meant by one that is not deployed; that an object's container is not there; and of a run with
    ``--generate-log`` that the option may be it: an upstream engine uploads the log without an object's name, and the
    run fails with that (storlets ``gateways/container/gateway.py: _upload_storlet_logs``).
    """
    try:
        yield
    except NotDeployedError as error:
        assert run is not None
        raise not_deployed(client, run.storlet.name, transaction_id=error.transaction_id) from error
    except NotFoundError as error:
        if request.method == "GET" and _is_missing(client, request.container):
            raise error.adding(f"; container {request.container} is not there, either") from error
        raise
    except StorletFailedError as error:
        if run is None or not run.generate_log or client.is_embedded:
            raise
        explained = error.adding("; upstream's engine can't store a log and fails such a run")
        explained.hint = Hint(Action.DROP_LOG)
        raise explained from error


def _is_missing(client: Client, container: str) -> bool:
    """Tell whether a container is known not to be there."""
    try:
        return not exists(client, Location(container))
    except StorletShellError:
        return False


def not_deployed(client: Client, name: str, container: str = "", *, transaction_id: str = "") -> NotFoundError:
    """Say that a storlet is not deployed, and which one may be meant.

    :param container: where it was looked for, if that is not where storlets run from
    """
    meant = storlet_meant(client, name, container)
    see = Hint(Action.SEE_STORLETS_IN, (container,)) if container else Hint(Action.SEE_STORLETS)
    text = f"storlet {{subject}} is not deployed{meant}"
    return NotFoundError(text, subject=name, hint=None if meant else see, transaction_id=transaction_id)


def storlet_meant(client: Client, name: str, container: str = "") -> str:
    """Return a hint at the storlet that is meant by a name, by one look at those there are; nothing without one.

    That is one with the same letters before the first dot or hyphen, or with similar ones.
    """
    try:
        reply = client.send(Request("GET", container or client.storlet_container))
        names = reply.read().decode("utf-8", "replace").splitlines()
    except StorletShellError:  # this must not hide what is wrong
        return ""
    import difflib  # for those who mistype

    stems = {_stem(each): each for each in reversed(names)}
    close = difflib.get_close_matches(_stem(name), stems, n=1)
    return f"; did you mean {stems[close[0]]}?" if close and name not in names else ""


def _stem(name: str) -> str:
    return re.split("[.-]", name)[0].lower()
