"""The endpoints of a batch: which one takes the next run, and which ones are skipped because they don't answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from storlet_shell.errors import ConnectionFailedError, ServiceError, UnreachedError, UsageError
from storlet_shell.schedulers.base import Endpoint, Scheduler

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client

REGIONS = "regions"
"""Instead of a URL: every region of the catalog."""

FIRST_PAUSE = 0.5
"""Seconds that a failed endpoint is skipped; doubled each time."""

LONGEST_PAUSE = 30.0

PATIENCE = 60.0
"""Seconds without any answer after which the batch gives up; at once if no endpoint has ever answered."""


class _State:
    def __init__(self) -> None:
        self.failures = 0
        self.back_at = 0.0
        self.reason = ""


class Endpoints:
    """The endpoints of a batch, around its scheduler; used by many threads.

    :param stop: set when the batch ends, so that no thread keeps waiting

    ``are_given_up`` tells whether no endpoint has answered for too long.
    """

    def __init__(self, endpoints: Sequence[Endpoint], scheduler: Scheduler, stop: threading.Event) -> None:
        self._scheduler = scheduler
        self._states = {endpoint: _State() for endpoint in endpoints}
        self._stop = stop
        self._lock = threading.Lock()
        self._last_answer: float | None = None
        self.are_given_up = False

    @contextmanager
    def chosen(self) -> Iterator[Endpoint]:
        """Borrow an endpoint for one run; a connection error marks it down.

        :raises ServiceError: when no endpoint has answered for too long
        """
        endpoint = self._choose()
        started, ok = time.monotonic(), True
        try:
            yield endpoint
        except ConnectionFailedError as error:
            ok = False
            self._leave_out(endpoint, error)
            raise
        finally:
            now = time.monotonic()
            with self._lock:
                if ok:
                    self._last_answer, self._states[endpoint].failures = now, 0
                self._scheduler.ended(endpoint, now - started, ok)

    def _choose(self) -> Endpoint:
        while True:
            now = time.monotonic()
            with self._lock:
                usable = [endpoint for endpoint, state in self._states.items() if state.back_at <= now]
                if usable:
                    endpoint = self._scheduler.choose(usable)
                    self._scheduler.started(endpoint)
                    return endpoint
                back_at = min(state.back_at for state in self._states.values())
                if self._last_answer is None or now - self._last_answer > PATIENCE:
                    self.are_given_up = True
                    reason = "; ".join(state.reason for state in self._states.values())
                    raise ServiceError(reason if len(self._states) == 1 else f"no endpoint answers: {reason}")
            if self._stop.wait(back_at - now):
                raise ServiceError("the batch has ended")

    def _leave_out(self, endpoint: Endpoint, error: ConnectionFailedError) -> None:
        with self._lock:
            state = self._states[endpoint]
            pause = min(FIRST_PAUSE * 2.0**state.failures, LONGEST_PAUSE)
            state.failures += 1
            state.back_at = max(state.back_at, time.monotonic() + pause)
            state.reason = error.message
            if not isinstance(error, UnreachedError):  # it exists, at least
                self._last_answer = time.monotonic()


def find_endpoints(client: Client, storage_urls: Sequence[str], names: Sequence[str] | None) -> tuple[Endpoint, ...]:
    """Return the endpoints that the user named.

    :param storage_urls: the account's URLs, at least one
    :param names: storage URLs, proxy servers by scheme, host and port, or :data:`REGIONS`; None or empty for the
        account's URLs
    :raises UsageError: when a name isn't one of these
    """
    if not names:
        return tuple(Endpoint(url, urlsplit(url).netloc) for url in storage_urls)
    account = urlsplit(storage_urls[0]).path
    endpoints: list[Endpoint] = []
    for name in names:
        endpoints += _regions(client) if name == REGIONS else [_endpoint(name, account)]
    return tuple(dict.fromkeys(endpoints))


def _regions(client: Client) -> list[Endpoint]:
    urls = client.login.storage_urls()
    return [Endpoint(url, region or urlsplit(url).netloc) for region, url in urls.items()]


def is_endpoint(text: str) -> bool:
    """Tell whether a text is a storage URL, or a server's scheme, host and port."""
    try:
        parts = urlsplit(text)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return is_url and not (parts.query or parts.fragment or parts.username)


def _endpoint(text: str, account: str) -> Endpoint:
    if not is_endpoint(text):
        raise UsageError(f"not an endpoint (a storage URL; a server's scheme, host and port; or {REGIONS}): {text!r}")
    parts = urlsplit(text)
    path = parts.path.rstrip("/") or account
    return Endpoint(f"{parts.scheme}://{parts.netloc}{path}", parts.netloc)
