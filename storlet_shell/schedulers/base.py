"""What a scheduler is. One of your own takes ten lines in a package of your own::

    import random

    from storlet_shell.plugin import Scheduler

    class Nearest(Scheduler):
        def choose(self, endpoints):
            near = [endpoint for endpoint in endpoints if ".near." in endpoint.url]
            return random.choice(near or endpoints)

and an entry point in that package's metadata: group ``storlet_shell.schedulers``, ``nearest = mypackage:Nearest``. It
is made without arguments, once for each batch and process, when ``--scheduler nearest`` names it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

from storlet_shell.equality import typed_equality


@typed_equality
class Endpoint(NamedTuple):
    """A place that takes the account's requests: a region's proxy servers, or one of them.

    :param url: the account's storage URL there, without a slash at its end
    :param name: what rows call it: a region, or host and port
    """

    url: str
    name: str


class Scheduler(ABC):
    """Chooses the endpoint that takes the next run.

    Its methods are called under one lock, never two at a time, and workers wait for them: what takes time (asking a
    node how it is) belongs in a thread of the scheduler's own, or in a cache. Endpoints that fail are left out for a
    while by the caller.
    """

    @abstractmethod
    def choose(self, endpoints: Sequence[Endpoint]) -> Endpoint:
        """Return one of the endpoints that can be used at present, of which there is at least one."""

    def started(self, endpoint: Endpoint) -> None:  # noqa: B027  a hook that most have no use for
        """Learn that a run begins on an endpoint."""

    def ended(self, endpoint: Endpoint, seconds: float, ok: bool) -> None:  # noqa: B027  the same
        """Learn that a run has ended.

        :param seconds: how long it took
        :param ok: whether the endpoint answered; a storlet that failed there is an answer, too
        """
