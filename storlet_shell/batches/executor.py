"""The interface of executors. Your own takes ten lines in your own package::

    from storlet_shell.plugin import Crew, Executor

    class OneByOne(Executor):
        def run(self, work, tasks, access):
            with Crew(work, access.connect) as crew:
                yield from map(crew.do, tasks)

and an entry point in that package's metadata: group ``storlet_shell.executors``, ``one-by-one = mypackage:OneByOne``.
It is created without arguments, once for each batch that names it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from storlet_shell import schedulers
from storlet_shell.batches.work import Outcome, Task, Work
from storlet_shell.equality import typed_equality
from storlet_shell.plugins import drivers
from storlet_shell.schedulers.base import Scheduler

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client
    from storlet_shell.wire.observer import Observer


NAMESPACE = "storlet_shell.executors"
"""The entry point group of executors."""


GRACE = 3.0
"""Seconds that runs under way may continue after an interrupt, where no user waits for them."""


def _briefly(_: int) -> float:
    return GRACE


@typed_equality
class Access(NamedTuple):
    """How the workers of a batch reach the account: in this process by its login, elsewhere by their own.

    :param connect: returns a client with its own connections, over the session's login; for threads of this process.
        Another process opens its own session, in its own environment: a login is never sent to it
    :param storage_urls: the account's URLs, at least one: the embedded Swift has several
    :param identity: the identity options of the command line, by the names of the variables that they replace; without
        secrets, which another process has itself
    :param timeout: response timeout in seconds; None for the cloud's setting, or 60
    :param local_folder: the data folder of the embedded Swift; None for any other cluster
    :param address: the address of the executor's own cluster; empty for none
    :param patience: called after an interrupt with the number of runs under way; returns the seconds to wait for them,
        or None to wait until they end, or until a further interrupt
    """

    connect: Callable[[], Client]
    storage_urls: tuple[str, ...] = ()
    identity: Mapping[str, str] = MappingProxyType({})
    timeout: float | None = None
    local_folder: Path | None = None
    address: str = ""
    patience: Callable[[int], float | None] = _briefly

    def watched_by(self, observer: Observer) -> Access:
        """Return the same, but after an interrupt, runs under way may end if a user is told and can drop them."""
        return self._replace(patience=lambda running: None if observer.awaits(running) else GRACE)


class Executor(ABC):
    """Does the tasks of a batch in parallel."""

    @abstractmethod
    def run(self, work: Work, tasks: Iterator[Task], access: Access) -> Iterator[Outcome]:
        """Do every task with a :class:`~storlet_shell.batches.crew.Crew`, and yield each outcome once it is there.

        - Take tasks in the thread that consumes the outcomes, and only as many as the workers need: there may be ten
          million, and a task that was taken counts as under way.
        - Each task that was taken has exactly one outcome. If its worker is lost, do it again.
        - At KeyboardInterrupt, raised by Ctrl-C or thrown in when a batch ends early, take no more tasks: give back
          those that weren't begun (``is_begun``), yield those that end within the access's patience, drop the rest,
          and reraise it. A second one drops them at once.

        :param work: what to do with each object; like tasks and outcomes, it can be pickled
        :raises StorletShellError: when the executor can't be used, because its cluster doesn't answer, say
        """


def load_drivers(executor: str, scheduler: str) -> Executor:
    """Load an executor by its name, and check that the scheduler exists.

    :raises UsageError: when one doesn't exist
    :raises PluginError: when it can't be used
    """
    drivers.load(schedulers.NAMESPACE, scheduler, Scheduler)  # type: ignore[type-abstract]
    return drivers.load(NAMESPACE, executor, Executor)  # type: ignore[type-abstract]
