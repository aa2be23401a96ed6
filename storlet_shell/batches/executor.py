"""What an executor is. One of your own takes ten lines in a package of your own::

    from storlet_shell.plugin import Crew, Executor

    class OneByOne(Executor):
        def run(self, work, tasks, access):
            with Crew(work, access.connect) as crew:
                yield from map(crew.do, tasks)

and an entry point in that package's metadata: group ``storlet_shell.executors``, ``one-by-one = mypackage:OneByOne``.
It is made without arguments, once for each batch, when ``--executor one-by-one`` names it.
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


NAMESPACE = "storlet_shell.executors"
"""The group of entry points that executors are loaded from."""


@typed_equality
class Access(NamedTuple):
    """How the workers of a batch reach the account: in this process by its login, elsewhere by one of their own.

    :param connect: makes a client with connections of its own, over the session's login; for threads of this process.
        Another process opens a session of its own, in its own environment: a login is never sent to it
    :param storage_urls: where the account is, one at least: the embedded Swift has several
    :param identity: what options said of the identity, by the names of the variables in whose place they stand; no
        secrets, which another process has of its own
    :param timeout: seconds without an answer after which a request has failed; None for what the cloud says, or 60
    :param local_folder: the data folder of the embedded Swift that is used; None for any other
    :param address: what ``--scheduler-address`` says; empty without it
    """

    connect: Callable[[], Client]
    storage_urls: tuple[str, ...] = ()
    identity: Mapping[str, str] = MappingProxyType({})
    timeout: float | None = None
    local_folder: Path | None = None
    address: str = ""


class Executor(ABC):
    """Does a batch's tasks side by side."""

    @abstractmethod
    def run(self, work: Work, tasks: Iterator[Task], access: Access) -> Iterator[Outcome]:
        """Do every task by a :class:`~storlet_shell.batches.crew.Crew`, and yield each outcome as it comes.

        Tasks are taken in the thread that asks for outcomes, and not much further ahead than there are workers: there
        may be ten million of them, and one that was taken counts as under way. A task that is lost with its worker is
        done again; one that was taken has exactly one outcome. At KeyboardInterrupt, which Ctrl-C
        raises, and which is thrown in at a batch's early end, no more tasks are taken: what was not begun is given back
        (``is_begun``), what ends soon is still yielded, the rest is dropped, and KeyboardInterrupt goes on.

        :param work: what is done with each object; it can be pickled, as tasks and outcomes can
        :raises StorletShellError: when the executor can't be used: there is no such cluster, say
        """


def load_drivers(executor: str, scheduler: str) -> Executor:
    """Load an executor by its name, and check that there is such a scheduler.

    :raises UsageError: when there is none of that name
    :raises PluginError: when it can't be used
    """
    drivers.load(schedulers.NAMESPACE, scheduler, Scheduler)  # type: ignore[type-abstract]
    return drivers.load(NAMESPACE, executor, Executor)  # type: ignore[type-abstract]
