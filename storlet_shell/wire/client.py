"""The object store over one login: what may be repeated, and what an answer means to a user."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from storlet_shell.errors import (
    Action,
    Hint,
    IdentityError,
    IncompleteBodyError,
    NotDeployedError,
    NotFoundError,
    OverloadedError,
    ServiceError,
    StorletShellError,
    UsageError,
)
from storlet_shell.wire import headers as wire
from storlet_shell.wire.bodies import Body
from storlet_shell.wire.cluster import CAPABILITIES, Cluster, ask_capabilities
from storlet_shell.wire.login import Login
from storlet_shell.wire.observer import Observer
from storlet_shell.wire.requests import Request
from storlet_shell.wire.statuses import error_of_status, is_done
from storlet_shell.wire.transport import Reply, Transport, host_of

if TYPE_CHECKING:
    from storlet_shell.wire.failures import Failure

ATTEMPTS = 4
"""How often a plain request is sent when the connection fails or the answer is a 503."""

BACK_OFF = 0.25
"""Seconds before the second attempt; each further pause is twice as long, and up to half of it is drawn by lot."""

_ERROR_BODY_BYTES = 64 * 1024

_FAILED = (499, 500, 503)
"""Statuses of requests whose storlet may have failed: of a copy, Swift says 499 where the storlet's result ended before
as many bytes as the source has (swift ``proxy/controllers/obj.py: _transfer_data``)."""


class Client:
    """The object store as one account sees it.

    One client is used by one thread at a time; :meth:`another` gives another thread its own connections over the same
    login.

    :param record: called with each request as it is sent, for diagnosis; never sees the token
    :param endpoint: the account's storage URL at another place than the login names; empty for that one
    :param clusters: what is known of clusters, by storage URLs; :meth:`another` shares it
    :param observer: told of progress and warnings; None for nobody
    """

    def __init__(
        self,
        login: Login,
        record: Callable[[str], None] = lambda _: None,
        endpoint: str = "",
        clusters: dict[str, Cluster] | None = None,
        observer: Observer | None = None,
    ) -> None:
        self.login = login
        self.observer = observer or Observer()
        self._record = record
        self._endpoint = endpoint
        self._transport: Transport | None = None
        self._token = ""
        self.clusters: dict[str, Cluster] = {} if clusters is None else clusters

    @property
    def account(self) -> str:
        """The account's name: the last part of the storage URL."""
        return self.login.storage_url().rsplit("/", 1)[-1]

    @property
    def known_account(self) -> str:
        """The account's name if a login has told it; asks nobody."""
        return self.login.known_storage_url.rsplit("/", 1)[-1]

    @property
    def cluster(self) -> Cluster:
        """What is known of the cluster."""
        return self.clusters.setdefault(self.storage_url, Cluster())

    def capabilities(self) -> Mapping[str, Mapping[str, Any]]:
        """Return what ``GET /info`` says, asked once; empty when the cluster does not tell, however often it is asked.

        :raises IdentityError: when the login is refused
        :raises ServiceError: when no answer comes: for an unknown cluster, what is deployed might not run
        """
        return self.cluster.recall(CAPABILITIES, lambda: ask_capabilities(self._ask_info, self._pause, ATTEMPTS))

    def _ask_info(self) -> Reply:
        return self._send_once(Request("GET"), None, url=host_of(self.storage_url) + "/info")

    def limit(self, section: str, name: str, default: int) -> int:
        """Return a number that ``GET /info`` tells, in one of its sections; the default where it tells none."""
        told = self.capabilities().get(section, {}).get(name)
        return told if isinstance(told, int) else default

    @property
    def is_embedded(self) -> bool:
        """Whether this is the embedded Swift, whose engine keeps every log and notices every change."""
        return bool(self.capabilities().get("storlet_shell"))

    @property
    def storlet_container(self) -> str:
        """The container that holds the storlets on this cluster."""
        return str(self.capabilities().get("storlet_handler", {}).get("storlet_container", wire.STORLET_CONTAINER))

    @property
    def dependency_container(self) -> str:
        """The container that holds the storlets' dependencies on this cluster."""
        told = self.capabilities().get("storlet_handler", {})
        return str(told.get("storlet_dependency", wire.DEPENDENCY_CONTAINER))

    def another(self, endpoint: str = "", observer: Observer | None = None) -> Client:
        """Return a client with connections of its own.

        :param endpoint: the account's storage URL at another place; empty for this client's
        :param observer: its own; None for this client's
        """
        endpoint = endpoint or self._endpoint
        return Client(self.login, self._record, endpoint, self.clusters, observer or self.observer)

    @property
    def storage_url(self) -> str:
        """The account's URL, without a slash at its end."""
        return self._endpoint or self.login.storage_url()

    def url(self, request: Request) -> str:
        """Return the URL that a request goes to."""
        return self.storage_url + request.path

    def send(self, request: Request, body: Body | None = None) -> Reply:
        """Send a request, and again where that is safe, until it is answered well.

        A request that runs a storlet is never repeated, except after a 401 that means an expired token: nothing has
        run then. Others are repeated when the connection fails or the answer is a 503, if the body can be read again.

        :raises StorletShellError: the error that the status stands for (:data:`.statuses.STATUS_ERRORS`)
        :raises UsageError: when the headers are larger than servers take; nothing is sent then
        """
        self._check_size(request)
        once = body is not None and not body.replayable
        attempts = 1 if once or wire.RUN_STORLET in request.headers else ATTEMPTS
        renewed, cut = once, False
        while True:
            attempts -= 1
            try:
                reply = self._send_once(request, body)
            except ServiceError:
                if attempts <= 0:
                    raise
                self._pause(attempts)
                cut = True
                continue
            if is_done(request, reply.status):
                if not request.name and request.method in ("PUT", "DELETE"):
                    self.cluster.forget_container(request.container)
                return reply
            if cut and reply.status == 404 and request.method == "DELETE":
                return reply  # the attempt whose answer was lost has done it
            text = _error_text(request, reply)
            if reply.status == 401 and not renewed:
                self._renew(request, reply, text)
                renewed, attempts = True, attempts + 1
            elif reply.status == 503 and attempts > 0:
                self._pause(attempts)
            else:
                raise self._error(request, reply, text)

    def _renew(self, request: Request, reply: Reply, text: bytes) -> None:
        """Forget a token that was refused, unless it is the storlet that was.

        Where Keystone's middleware leaves the decision to others (``delay_auth_decision``), the one of storlets says of
        an expired token, too, that the storlet may not be run. Then looking for the storlet takes a new token.

        :raises StorletShellError: what else the refusal means
        """
        refused = self._token
        if not wire.is_storlet_refusal(text):
            self.login.renew(refused)
            return
        error = self._error(request, reply, text)
        try:
            if self._token == refused or isinstance(error, NotFoundError):
                raise error
        finally:
            del error  # it holds this frame, which would hold it: a circle that keeps sockets open

    def find(self, request: Request) -> Reply | None:
        """Send a request and return its answer, or None when what it names is not there."""
        try:
            return self.send(request)
        except NotFoundError:
            return None

    def _check_size(self, request: Request) -> None:
        if not wire.oversize(request.headers, wire.HEADER_BYTES):
            return
        oversize = wire.oversize(request.headers, self.limit("swift", "max_header_size", wire.HEADER_BYTES))
        if oversize:
            raise UsageError(oversize, subject=request.subject, hint=Hint(Action.PASS_AS_INPUT))

    @staticmethod
    def _pause(attempts_left: int) -> None:
        pause = BACK_OFF * 2.0 ** (ATTEMPTS - 1 - attempts_left)
        time.sleep(pause * random.uniform(0.75, 1.25))  # noqa: S311  no secret depends on it

    def _send_once(self, request: Request, body: Body | None, url: str = "") -> Reply:
        url, self._token = url or self.url(request), self.login.token()
        if self._transport is None:
            self._transport = Transport(url, self.login.connection)
        self._record(f"{request.method} {url}")
        try:
            return self._transport.send(request.method, url, {**request.headers, wire.AUTH_TOKEN: self._token}, body)
        except ServiceError as error:
            raise error.about(request.subject) from error

    def _error(self, request: Request, reply: Reply, body: bytes) -> StorletShellError:
        text = _plain_text(body, reply.headers)
        answer: dict[str, Any] = {"status": reply.status, "transaction_id": reply.transaction_id}
        if wire.RUN_STORLET in request.headers:
            error = self._storlet_error(request, reply, body, text)
            if error is not None:
                return error
        if reply.status == 400 and wire.is_account_disabled(body):
            text, hint = "the account is not enabled for storlets", Hint(Action.ENABLE_ACCOUNT)
            return StorletShellError(text, subject=request.subject, hint=hint, **answer)
        if reply.status == 404 and request.method == "PUT" and request.name:
            hint = Hint(Action.MAKE_CONTAINER, (request.container,))
            return NotFoundError("container {subject} is not there", subject=request.container, hint=hint, **answer)
        answer["subject"] = request.subject
        kind, meaning = error_of_status(request, reply.status, reply.headers)
        if kind is OverloadedError or _was_turned_away(reply):
            pause = wire.read_retry_after(reply.headers)
            return OverloadedError(f"{meaning} (HTTP {reply.status})", retry_after=pause, **answer)
        said = f", {text}" if text and reply.status in (400, 403, 405, 409, 412, 413, 422) else ""
        return kind(f"{meaning}{said} (HTTP {reply.status})", **answer)

    def _storlet_error(self, request: Request, reply: Reply, body: bytes, text: str) -> StorletShellError | None:
        from storlet_shell.wire import failures  # for those whose storlet fails

        storlet, transaction = request.headers[wire.RUN_STORLET], reply.transaction_id
        if reply.status == 401 and wire.is_storlet_refusal(body):
            return self._refusal(storlet, transaction)
        name = reply.headers.get(wire.FAILURE)
        if name == wire.UNRUN:
            return failures.unrun(request.subject, storlet, reply)
        if reply.status not in _FAILED or _was_turned_away(reply):
            return None
        if name:
            failure = failures.answered(name, wire.failure_reason(text), self.log_of_failure(storlet, transaction))
        elif text.startswith("Storlet execution"):
            failure = failures.Failure(text)
        elif self._is_there(request):
            failure = failures.Failure("it gave no answer; the cluster's own log may tell why")
        else:
            return None
        return failure.error(storlet, request.subject, transaction, reply.status)

    def _refusal(self, storlet: str, transaction: str) -> StorletShellError:
        """Say why a storlet could not be run; looking for it takes a new login if the token has expired."""
        refused = self._token
        fields: dict[str, Any] = {"subject": storlet, "status": 401, "transaction_id": transaction}
        try:
            if self.find(Request("HEAD", self.storlet_container, storlet)) is None:
                return NotDeployedError("storlet {subject} is not deployed", **fields)
        except IdentityError as error:
            if not error.transaction_id:
                return error  # it is the login that failed
        if self._token != refused:
            message = "the token had expired, and what is sent can be read once only; there is a new token for the next"
            return IdentityError(message, transaction_id=transaction, status=401)
        return IdentityError("this user may not run storlet {subject}", **fields)

    def storlet_log(self, storlet: str, transaction: str = "") -> str:
        """Return what is kept of a storlet's log; nothing when there is none.

        :param transaction: only what the run of this transaction wrote, where the cluster can tell
        """
        if self.is_embedded:
            query = [(wire.LOG_QUERY, storlet)] + ([("transaction", transaction)] if transaction else [])
            request = Request("GET", query=tuple(query))
        else:
            request = Request("GET", wire.LOG_CONTAINER, f"{storlet.split('-')[0]}.log")
        reply = self.find(request)
        return reply.read().decode("utf-8", "replace") if reply else ""

    def log_of_failure(self, storlet: str, transaction: str) -> str:
        """Return the log of a failed run, or nothing: that it can't be had must not hide the failure itself."""
        return self._failed_run(storlet, transaction).log

    def _failed_run(self, storlet: str, transaction: str) -> Failure:
        """Return why a run failed and its log, which only the embedded engine tells from those of others."""
        from storlet_shell.wire import failures  # for those whose storlet fails

        try:
            lines = self.storlet_log(storlet, transaction).splitlines() if self.is_embedded else []
        except StorletShellError:
            lines = []
        return failures.logged(lines, transaction)

    def broken_run(self, storlet: str, subject: str, error: IncompleteBodyError) -> StorletShellError:
        """Return what a run failed of whose body ended early: the storlet, where its log proves it.

        Every command that reads what a storlet makes ends with this, so that all end with the same status.
        """
        return self._failed_run(storlet, error.transaction_id).broken(storlet, subject, error)

    def _is_there(self, request: Request) -> bool:
        """Tell a failed storlet from a failed server: a 503 without text can be either, and a HEAD runs no storlet."""
        try:
            return request.method == "GET" and self.find(Request("HEAD", request.container, request.name)) is not None
        except StorletShellError:
            return False

    def close(self) -> None:
        """Close every connection."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None


def _was_turned_away(reply: Reply) -> bool:
    """Tell a 503 that means overload from one that a failing storlet leaves: a load balancer's own, or one with a date.

    Swift names every request that has reached it, and says nothing of when to come back.
    """
    is_quiet = reply.status == 503 and wire.FAILURE not in reply.headers
    return is_quiet and (wire.RETRY_AFTER in reply.headers or not reply.transaction_id)


def _error_text(request: Request, reply: Reply) -> bytes:
    """Read what an error's body says, or as much of it as came."""
    try:
        return b"" if request.method == "HEAD" or reply.status < 400 else reply.read(_ERROR_BODY_BYTES)
    except IncompleteBodyError:
        return b""
    finally:
        reply.close()


def _plain_text(body: bytes, headers: Mapping[str, str]) -> str:
    """Return an error's body as one line, or nothing when it is a page of HTML that repeats the status."""
    if headers.get(wire.CONTENT_TYPE, "").startswith("text/html") and b"<html" in body:
        return ""
    return " ".join(body.decode("utf-8", "replace").split())[:2000]
