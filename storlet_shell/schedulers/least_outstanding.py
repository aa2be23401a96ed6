"""``least-outstanding``: the endpoint with the fewest runs under way, so that a slow one gets less work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from storlet_shell.schedulers.base import Endpoint, Scheduler


class LeastOutstanding(Scheduler):
    """Counts the runs under way on each endpoint; a tie goes to the one that was chosen longest ago."""

    def __init__(self) -> None:
        self._under_way: Counter[Endpoint] = Counter()
        self._chosen: Counter[Endpoint] = Counter()
        self._choices = 0

    def choose(self, endpoints: Sequence[Endpoint]) -> Endpoint:
        """Return the least busy endpoint."""
        self._choices += 1
        best = min(endpoints, key=lambda endpoint: (self._under_way[endpoint], self._chosen[endpoint]))
        self._chosen[best] = self._choices
        return best

    def started(self, endpoint: Endpoint) -> None:
        """Count a run."""
        self._under_way[endpoint] += 1

    def ended(self, endpoint: Endpoint, seconds: float, ok: bool) -> None:  # noqa: ARG002  all that counts is the end
        """Stop counting a run."""
        self._under_way[endpoint] -= 1
