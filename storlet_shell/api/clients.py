"""A store's clients: each is lent to one call at a time, so that several threads can share the store."""

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
    """A pool of clients with a shared login; it grows to the number of simultaneous calls.

    :param first: returns the client whose login the others share; called once, when a client is first needed
    """

    def __init__(self, first: Callable[[], Client]) -> None:
        self._first = first
        self._root: Client | None = None
        self._idle: list[Client] = []
        self._lent: WeakSet[Client] = WeakSet()  # weak: a client vanishes with its response if that is dropped unread
        self._is_closed = False
        self._lock = threading.RLock()  # reentrant: a dropped response may return its client at any moment

    def borrow(self) -> Client:
        """Return a client for exclusive use.

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
        """Return a client to the pool; after :meth:`close`, close its connections."""
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
        """Borrow a client within this context.

        :raises UsageError: after :meth:`close`
        """
        client = self.borrow()
        try:
            yield client
        finally:
            self.give_back(client)

    def close(self) -> bool:
        """Close the connections of all clients that aren't lent; return False if the pool was closed already."""
        with self._lock:
            if self._is_closed:
                return False
            self._is_closed, idle = True, self._idle
            self._idle = []
        for client in idle:
            client.close()
        return True
