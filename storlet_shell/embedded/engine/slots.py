"""Slots for invocations, shared fairly among accounts."""

from __future__ import annotations

from collections import Counter

from eventlet.event import Event

# An account may hold this multiple of the free slots: three quarters of all if it is alone. Several accounts end up
# with equal shares, and a slot stays free for the next. (Network switches share their buffers like this: "dynamic
# thresholds".)
_TIMES_FREE = 3


class Slots:
    """Slots for green threads; among those waiting, the one whose account holds the fewest is next.

    :param total: the number of slots
    """

    def __init__(self, total: int) -> None:
        self._free = total
        self._used: Counter[str] = Counter()
        self._waiting: list[tuple[str, Event]] = []

    def acquire(self, account: str, seconds: float) -> bool:
        """Take a slot for an account; wait if necessary.

        :returns: False if none became free in time
        """
        if self._is_allowed(account):
            self._take(account)
            return True
        place = (account, Event())
        self._waiting.append(place)
        try:
            place[1].wait(seconds)
        except BaseException:
            self._leave(place)
            raise
        if place[1].ready():
            return True
        self._leave(place)
        return False

    def release(self, account: str) -> None:
        """Release a slot."""
        self._free += 1
        self._used[account] -= 1
        if not self._used[account]:
            del self._used[account]
        while waiting := [place for place in self._waiting if self._is_allowed(place[0])]:
            place = min(waiting, key=lambda place: self._used[place[0]])
            self._waiting.remove(place)
            self._take(place[0])
            place[1].send()

    def _is_allowed(self, account: str) -> bool:
        return self._used[account] < _TIMES_FREE * self._free

    def _take(self, account: str) -> None:
        self._free -= 1
        self._used[account] += 1

    def _leave(self, place: tuple[str, Event]) -> None:
        """Stop waiting; return a slot that was granted at the same moment."""
        if place[1].ready():
            self.release(place[0])
        else:
            self._waiting.remove(place)
