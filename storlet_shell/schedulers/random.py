"""``random``: a random endpoint."""

from __future__ import annotations

import random
from collections.abc import Sequence

from storlet_shell.schedulers.base import Endpoint, Scheduler


class Random(Scheduler):
    """Chooses at random."""

    def choose(self, endpoints: Sequence[Endpoint]) -> Endpoint:
        """Return a random endpoint."""
        return random.choice(endpoints)  # noqa: S311  no secret depends on it
