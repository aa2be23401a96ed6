"""``round-robin``: the endpoints in turn."""

from __future__ import annotations

from collections.abc import Sequence

from storlet_shell.schedulers.base import Endpoint, Scheduler


class RoundRobin(Scheduler):
    """Takes the endpoints in turn."""

    def __init__(self) -> None:
        self._turn = 0

    def choose(self, endpoints: Sequence[Endpoint]) -> Endpoint:
        """Return the next endpoint."""
        self._turn += 1
        return endpoints[self._turn % len(endpoints)]
