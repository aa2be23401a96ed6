"""The slots that invocations run in, shared among accounts."""

from __future__ import annotations

from collections import Counter

from eventlet.event import Event

# An account may hold so many times the slots that are free: alone three quarters of all. Several accounts end up with
# equal shares, and a slot stays free for the next. (Switches share their buffers so, by "dynamic thresholds".)
_TIMES_FREE = 3


class Slots:
    """Slots for green threads; of those who wait, the one whose account holds the fewest is next.

    :param total: how many there are
    """

    def __init__(self, total: int) -> None:
        self._free = total
        self._used: Counter[str] = Counter()
        self._waiting: list[tuple[str, Event]] = []

    def acquire(self, account: str, seconds: float) -> bool:
        """Take a slot for an account, and wait for it if need be.

        :returns: False if there was none in time
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
        """Give a slot back."""
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
        """Wait no more; what was given at the same moment is given back."""
        if place[1].ready():
            self.release(place[0])
        else:
            self._waiting.remove(place)
