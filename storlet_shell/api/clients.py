"""The clients of a store: each is lent to one call at a time, so that several threads can share the store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from weakref import WeakSet

from storlet_shell.errors import UsageError

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client


class Clients:
    """Clients over one login; there are as many as there were calls at the same time.

    :param first: returns the client whose login the others share; called once, when the first one is needed
    """

    def __init__(self, first: Callable[[], Client]) -> None:
        self._first = first
        self._root: Client | None = None
        self._idle: list[Client] = []
        self._lent: WeakSet[Client] = WeakSet()  # one whose response is dropped unread goes with that
        self._is_closed = False
        self._lock = threading.RLock()  # a response that is dropped gives its client back, at any moment

    def borrow(self) -> Client:
        """Return a client that nobody else uses.

        :raises UsageError: after :meth:`close`
        """
        with self._lock:
            if self._is_closed:
                raise UsageError("the store is closed; connect again")
            if self._root is None:
                self._root = self._first()
            client = self._idle.pop() if self._idle else self._root.another()
            self._lent.add(client)
            return client

    def give_back(self, client: Client) -> None:
        """Take a client back, once; after :meth:`close`, its connections are closed."""
        with self._lock:
            if client not in self._lent:
                return
            self._lent.remove(client)
            if not self._is_closed:
                self._idle.append(client)
                return
        client.close()

    @contextmanager
    def lent(self) -> Iterator[Client]:
        """Borrow a client for a while.

        :raises UsageError: after :meth:`close`
        """
        client = self.borrow()
        try:
            yield client
        finally:
            self.give_back(client)

    def close(self) -> bool:
        """Close the connections of every client that isn't lent; False if that was done before."""
        with self._lock:
            if self._is_closed:
                return False
            self._is_closed, idle = True, self._idle
            self._idle = []
        for client in idle:
            client.close()
        return True
