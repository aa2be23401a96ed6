"""The object store over one login: what may be repeated, and what an answer means to a user."""

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
"""How often a plain request is sent when the connection fails or the answer is a 503."""

BACK_OFF = 0.25
"""Seconds before the second attempt; each further pause is twice as long, and up to half of it is drawn by lot."""

_ERROR_BODY_BYTES = 64 * 1024


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
    def sent_token(self) -> str:
        """The token that the last request was sent with; empty before the first."""
        return self._token

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
        value = self.capabilities().get(section, {}).get(name)
        return value if isinstance(value, int) else default

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
        value = self.capabilities().get("storlet_handler", {})
        return str(value.get("storlet_dependency", wire.DEPENDENCY_CONTAINER))

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

        What is behind the failure of a storlet's run is for others to look up, by the error's ``answer``.

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
            answer = FailedAnswer(reply.status, reply.headers, _read_start(request, reply))
            if reply.status == 401 and not renewed and not wire.is_storlet_refusal(answer.body):
                self.login.renew(self._token)
                renewed, attempts = True, attempts + 1
            elif reply.status == 503 and attempts > 0:
                self._pause(attempts)
            else:
                raise error_of_answer(request, answer)

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

    def close(self) -> None:
        """Close every connection."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None


def _read_start(request: Request, reply: Reply) -> bytes:
    """Read what an error's body says, or as much of it as came."""
    try:
        return b"" if request.method == "HEAD" or reply.status < 400 else reply.read(_ERROR_BODY_BYTES)
    except IncompleteBodyError:
        return b""
    finally:
        reply.close()
