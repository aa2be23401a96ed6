"""The number of concurrent requests: fewer while the server asks for fewer, then slowly more again."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from storlet_shell.errors import OverloadedError

FIRST_PAUSE = 0.25
"""Seconds without requests after the server asks for fewer; doubled each time."""

LONGEST_PAUSE = 60.0

PATIENCE = 600.0
"""Seconds of refusals after which a request fails."""


class Throttle:
    """Limits the number of sending threads, by additive increase and multiplicative decrease.

    :param limit: the largest number
    :param stop: set when the batch ends, so that no thread keeps waiting
    """

    def __init__(self, limit: int, stop: threading.Event) -> None:
        self._largest = limit
        self._limit = float(limit)
        self._inside = 0
        self._stop = stop
        self._changed = threading.Condition()
        self._refusals = 0
        self._resumes_at = 0.0
        self._last_success = time.monotonic()

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Hold a slot while sending.

        :raises OverloadedError: from the block
        """
        self._enter()
        entered_at = time.monotonic()
        try:
            yield
        except OverloadedError as error:
            self._slow_down(error.retry_after, entered_at)
            raise
        else:
            self._speed_up()
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify()

    @property
    def is_patient(self) -> bool:
        """Whether a refused request should be retried."""
        return not self._stop.is_set() and time.monotonic() - self._last_success < PATIENCE

    def _enter(self) -> None:
        with self._changed:
            while not self._stop.is_set():
                wait = self._resumes_at - time.monotonic()
                if wait <= 0 and self._inside < max(1, int(self._limit)):
                    break
                self._changed.wait(min(wait, 1.0) if wait > 0 else 1.0)
            self._inside += 1

    def _slow_down(self, retry_after: float, entered_at: float) -> None:
        """Halve the limit, once for all requests that were under way together."""
        with self._changed:
            pause = 0.0
            if entered_at >= self._resumes_at:
                self._limit = max(1.0, self._limit / 2)
                pause = min(FIRST_PAUSE * 2.0**self._refusals, LONGEST_PAUSE)
                pause *= random.uniform(0.75, 1.25)  # noqa: S311  no secret depends on it
                self._refusals += 1
            pause = min(max(pause, retry_after), PATIENCE)
            self._resumes_at = max(self._resumes_at, time.monotonic() + pause)

    def _speed_up(self) -> None:
        with self._changed:
            self._refusals, self._last_success = 0, time.monotonic()
            if self._limit < self._largest:
                self._limit = min(float(self._largest), self._limit + 1 / self._limit)
                self._changed.notify()
