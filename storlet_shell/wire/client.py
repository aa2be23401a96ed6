"""Send requests to the object store: log in, retry safe requests, and turn failures into errors."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from typing import Any

from storlet_shell.errors import (
    Action,
    Hint,
    IncompleteBodyError,
    NotFoundError,
    ServiceError,
    UsageError,
)
from storlet_shell.wire import headers as wire
from storlet_shell.wire.bodies import Body
from storlet_shell.wire.cluster import CAPABILITIES, Cluster, ask_capabilities
from storlet_shell.wire.login import Login
from storlet_shell.wire.observer import Observer
from storlet_shell.wire.requests import Request, host_of
from storlet_shell.wire.statuses import FailedAnswer, error_of_answer, is_done
from storlet_shell.wire.transport import Reply, Transport

ATTEMPTS = 4
"""How many times a plain request is sent if the connection fails or the server returns 503."""

BACK_OFF = 0.25
"""Seconds before the second attempt; each further pause is twice as long. A random quarter is added or removed."""

_ERROR_BODY_BYTES = 64 * 1024


class Client:
    """Access to one account of the object store.

    Only one thread at a time may use a client; :meth:`another` returns a client with its own connections over the same
    login.

    :param record: called with each request as it is sent, for diagnosis; never sees the token
    :param endpoint: a storage URL to use instead of the login's; empty for the login's
    :param clusters: facts about clusters, by storage URL; shared with the clients that :meth:`another` returns
    :param observer: notified of progress and warnings; None to ignore them
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
        """The account's name if it is already known, else empty; sends no request."""
        return self.login.known_storage_url.rsplit("/", 1)[-1]

    @property
    def sent_token(self) -> str:
        """The token of the last request; empty before the first."""
        return self._token

    @property
    def cluster(self) -> Cluster:
        """What has been learned about the cluster."""
        return self.clusters.setdefault(self.storage_url, Cluster())

    def capabilities(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the cluster's ``GET /info``, requested once; empty if the cluster doesn't offer it.

        :raises IdentityError: if the login is refused
        :raises ServiceError: if no response arrives; without the facts, a deployment might not run
        """
        return self.cluster.recall(CAPABILITIES, lambda: ask_capabilities(self._ask_info, self._pause, ATTEMPTS))

    def _ask_info(self) -> Reply:
        return self._send_once(Request("GET"), None, url=host_of(self.storage_url) + "/info")

    def limit(self, section: str, name: str, default: int) -> int:
        """Return a number from a section of ``GET /info``, or the default."""
        value = self.capabilities().get(section, {}).get(name)
        return value if isinstance(value, int) else default

    @property
    def is_embedded(self) -> bool:
        """Whether this is the embedded Swift, whose engine keeps all logs and notices all changes."""
        return bool(self.capabilities().get("storlet_shell"))

    @property
    def storlet_container(self) -> str:
        """The name of the cluster's storlet container."""
        return str(self.capabilities().get("storlet_handler", {}).get("storlet_container", wire.STORLET_CONTAINER))

    @property
    def dependency_container(self) -> str:
        """The name of the cluster's dependency container."""
        value = self.capabilities().get("storlet_handler", {})
        return str(value.get("storlet_dependency", wire.DEPENDENCY_CONTAINER))

    def another(self, endpoint: str = "", observer: Observer | None = None) -> Client:
        """Return a client with its own connections over the same login.

        :param endpoint: its storage URL; empty for this client's
        :param observer: its observer; None for this client's
        """
        endpoint = endpoint or self._endpoint
        return Client(self.login, self._record, endpoint, self.clusters, observer or self.observer)

    @property
    def storage_url(self) -> str:
        """The account's URL, without a slash at its end."""
        return self._endpoint or self.login.storage_url()

    def url(self, request: Request) -> str:
        """Return the URL of a request."""
        return self.storage_url + request.path

    def send(self, request: Request, body: Body | None = None) -> Reply:
        """Send a request, and retry it where that is safe.

        A request that runs a storlet is never retried, except after a 401 due to an expired token: nothing has run.
        Others are retried after a failed connection or a 503, if the body can be read again.

        Callers find out why a storlet failed by the error's ``answer``.

        :raises StorletShellError: the error for the status (:data:`.statuses.STATUS_ERRORS`)
        :raises UsageError: if the headers are too large for the server; nothing is sent then
        """
        self._check_size(request)
        is_single_use = body is not None and not body.replayable
        attempts = 1 if is_single_use or wire.RUN_STORLET in request.headers else ATTEMPTS
        renewed, cut = is_single_use, False
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
                if request.method in ("PUT", "DELETE"):
                    self.cluster.forget_changed(request.container, request.name)
                return reply
            if cut and reply.status == 404 and request.method == "DELETE":
                return reply  # the attempt whose response was lost has deleted it
            answer = FailedAnswer(reply.status, reply.headers, _read_start(request, reply))
            if reply.status == 401 and not renewed and not wire.is_storlet_refusal(answer.body):
                self.login.renew(self._token)
                renewed, attempts = True, attempts + 1
            elif reply.status == 503 and attempts > 0:
                self._pause(attempts)
            else:
                raise error_of_answer(request, answer)

    def find(self, request: Request) -> Reply | None:
        """Send a request and return the response; None if its subject doesn't exist."""
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

    def close(self) -> None:
        """Close every connection."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None


def _read_start(request: Request, reply: Reply) -> bytes:
    """Read the beginning of an error's body; empty if it is cut short."""
    try:
        return b"" if request.method == "HEAD" or reply.status < 400 else reply.read(_ERROR_BODY_BYTES)
    except IncompleteBodyError:
        return b""
    finally:
        reply.close()
