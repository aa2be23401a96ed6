"""``random``: any of them."""

from __future__ import annotations

import random
from collections.abc import Sequence

from storlet_shell.schedulers.base import Endpoint, Scheduler


class Random(Scheduler):
    """Draws an endpoint by lot."""

    def choose(self, endpoints: Sequence[Endpoint]) -> Endpoint:
        """Return any of them."""
        return random.choice(endpoints)  # noqa: S311  no secret depends on it
