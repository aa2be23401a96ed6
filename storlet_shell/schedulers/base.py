"""The interface of schedulers. Your own takes ten lines in your own package::

    import random

    from storlet_shell.plugin import Scheduler

    class Nearest(Scheduler):
        def choose(self, endpoints):
            near = [endpoint for endpoint in endpoints if ".near." in endpoint.url]
            return random.choice(near or endpoints)

and an entry point in that package's metadata: group ``storlet_shell.schedulers``, ``nearest = mypackage:Nearest``. It
is created without arguments, once for each batch and process that names it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

from storlet_shell.equality import typed_equality


@typed_equality
class Endpoint(NamedTuple):
    """A destination for the account's requests: a region's proxy servers, or one of them.

    :param url: the account's storage URL there, without a trailing slash
    :param name: its name in rows: a region, or host and port
    """

    url: str
    name: str


class Scheduler(ABC):
    """Chooses the endpoint of the next run.

    Its methods are called under a lock, one at a time, and workers wait for them: slow work, such as asking a node for
    its load, belongs in a separate thread or a cache. The caller skips failing endpoints for a while.
    """

    @abstractmethod
    def choose(self, endpoints: Sequence[Endpoint]) -> Endpoint:
        """Return one of the endpoints that can be used now; there is at least one."""

    def started(self, endpoint: Endpoint) -> None:  # noqa: B027  a hook that most have no use for
        """Note that a run begins on an endpoint."""

    def ended(self, endpoint: Endpoint, seconds: float, ok: bool) -> None:  # noqa: B027  the same
        """Note that a run has ended.

        :param seconds: its duration
        :param ok: whether the endpoint answered; the failure of a storlet is an answer, too
        """
