"""``memory``: the node with the most free memory, as each reports it at ``/recon/mem``.

Swift's recon middleware answers that, without a token, if it is in the proxy servers' pipeline.
"""

from __future__ import annotations

import json
import os
import ssl
import threading
import time
from collections import Counter
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from storlet_shell.schedulers.base import Endpoint, Scheduler
from storlet_shell.wire.answers import FinalAnswer

EVERY = 3.0
"""Seconds that an answer stays valid."""

TIMEOUT = 2.0
"""Seconds to wait for a node."""

_NEAR = 0.95


class Memory(Scheduler):
    """Asks the nodes every few seconds, in the background; only the first choice waits for the answers.

    Nodes with about the same amount take turns. A node that doesn't answer gets no runs; if none answers, all of them
    take turns.
    """

    def __init__(self) -> None:
        self._free: dict[Endpoint, int] = {}
        self._chosen: Counter[Endpoint] = Counter()
        self._choices = 0
        self._due = 0.0

    def choose(self, endpoints: Sequence[Endpoint]) -> Endpoint:
        """Return the endpoint with the most free memory."""
        if time.monotonic() >= self._due:
            self._ask_all(endpoints)
        free = dict(self._free)
        largest = max((free.get(endpoint, 0) for endpoint in endpoints), default=0)
        near = [endpoint for endpoint in endpoints if free.get(endpoint, 0) >= _NEAR * largest]
        self._choices += 1
        best = min(near, key=lambda endpoint: self._chosen[endpoint])
        self._chosen[best] = self._choices
        return best

    def _ask_all(self, endpoints: Sequence[Endpoint]) -> None:
        is_first = not self._choices
        self._due = time.monotonic() + EVERY
        asking = [threading.Thread(target=self._ask, args=(endpoint,), daemon=True) for endpoint in endpoints]
        for thread in asking:
            thread.start()
        for thread in asking if is_first else ():
            thread.join(max(0.0, self._due - time.monotonic()))

    def _ask(self, endpoint: Endpoint) -> None:
        try:
            self._free[endpoint] = free_memory(endpoint.url)
        except (OSError, HTTPException, ValueError, LookupError, TypeError):  # no answer, or another one
            self._free.pop(endpoint, None)


def free_memory(url: str) -> int:
    """Ask a node for its free memory, in KiB.

    :param url: any URL of the node
    :raises OSError: when it doesn't answer
    :raises ValueError: when the answer is malformed, or LookupError, or TypeError
    """
    parts = urlsplit(url)
    assert parts.hostname is not None  # an endpoint's URL has one
    connection = HTTPConnection(parts.hostname, parts.port, timeout=TIMEOUT)
    if parts.scheme == "https":
        trusted = ssl.create_default_context(cafile=os.environ.get("OS_CACERT") or None)
        connection = HTTPSConnection(parts.hostname, parts.port, timeout=TIMEOUT, context=trusted)
    connection.response_class = FinalAnswer
    try:
        connection.request("GET", "/recon/mem")
        reply = connection.getresponse()
        answer = json.loads(reply.read()) if reply.status == 200 else {}
    finally:
        connection.close()
    # As /proc/meminfo spells it: swift.common.middleware.recon, get_mem.
    return int(str(answer["MemAvailable" if "MemAvailable" in answer else "MemFree"]).split()[0])
