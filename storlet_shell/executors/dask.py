"""``dask``: the workers of a Dask cluster, an existing one or one on this machine.

A worker logs in by itself, from its own environment. Only the work, the tasks and their outcomes are sent, including
bodies that are saved by this process.
"""

from __future__ import annotations

import itertools
import logging
import os
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from storlet_shell.batches.crew import Crew, save
from storlet_shell.batches.executor import Access, Executor
from storlet_shell.batches.work import Outcome, Task, Work
from storlet_shell.equality import typed_equality
from storlet_shell.errors import LocalFileError, ServiceError, StorletShellError, UsageError
from storlet_shell.identity.environment import LOCAL
from storlet_shell.session import LOCAL_FOLDER, Options, Session, Surroundings

if TYPE_CHECKING:
    from distributed import Client as Cluster
    from distributed import Future

    from storlet_shell.wire.client import Client

TIMEOUT = 10.0
"""Seconds to wait for a Dask scheduler."""

_AHEAD = 2
"""The number of tasks that each of the cluster's threads has at a time, so that none is idle."""

_MOST_PROCESSES = 4
_NO_PAGES: dict[str, list[str]] = {"distributed.scheduler.http.routes": [], "distributed.worker.http.routes": []}
_CREWS = "storlet_shell_crews"  # an attribute of a worker


@typed_equality
class _Part(NamedTuple):
    """A batch as a worker needs it: plain data without secrets.

    :param batch: its ID
    :param identity: the identity options, as pairs of a variable's name and its value
    """

    batch: str
    work: Work
    identity: tuple[tuple[str, str], ...]
    timeout: float | None
    local_folder: Path | None


class Dask(Executor):
    """Does tasks in all threads of a cluster's workers; a local cluster has one for each job."""

    def run(self, work: Work, tasks: Iterator[Task], access: Access) -> Iterator[Outcome]:
        """Do every task; see :meth:`Executor.run`."""
        _require_package()
        with ExitStack() as stack:
            cluster = stack.enter_context(_connected(access.address) if access.address else _local(work.jobs))
            part = _Part(uuid.uuid4().hex, work, tuple(access.identity.items()), access.timeout, access.local_folder)
            stack.callback(_end, cluster, part.batch)
            yield from _Run(cluster, part, access.patience).outcomes(tasks)


class _Run:
    """The tasks of a batch that a cluster has now."""

    def __init__(self, cluster: Cluster, part: _Part, patience: Callable[[int], float | None]) -> None:
        self._cluster, self._part, self._patience = cluster, part, patience
        self._keeping = part._replace(work=part.work._replace(keeps_bodies=True))
        self._tasks: dict[Future[Outcome], Task] = {}

    def outcomes(self, tasks: Iterator[Task]) -> Iterator[Outcome]:
        """Yield the outcomes as they come; a task is forgotten once its outcome has been yielded."""
        from distributed import as_completed

        ahead = _AHEAD * max(1, sum(self._cluster.nthreads().values()))
        futures = as_completed(map(self._submit, itertools.islice(tasks, ahead)), loop=self._cluster.loop)
        yielded: Future[Outcome] | None = None
        try:
            for future in futures:
                outcome = self._outcome(future)
                if following := next(tasks, None):
                    futures.add(self._submit(following))
                yielded = future  # Ctrl-C can't come between this line and the next (CPython's eval breaker)
                yield outcome
                self._tasks.pop(future)
        except KeyboardInterrupt:
            if yielded is not None:
                self._tasks.pop(yielded, None)
            running = sum(not future.done() for future in self._tasks)
            seconds = self._patience(running) if running else 0.0
            with suppress(TimeoutError):
                futures = as_completed(list(self._tasks), loop=self._cluster.loop, timeout=seconds)
                yield from map(self._outcome, futures)
            raise

    def _submit(self, task: Task) -> Future[Outcome]:
        part = self._keeping if task.file else self._part
        key = f"storlet-{part.batch}-{task.number}"
        future = self._cluster.submit(_do, part, task._replace(file=""), key=key, pure=False)
        self._tasks[future] = task
        return future

    def _outcome(self, future: Future[Outcome]) -> Outcome:
        """Return the outcome of a task; asked again, the same one.

        :raises ServiceError: when the workers lack what the work needs
        """
        from distributed import KilledWorker

        task = self._tasks[future]
        try:
            outcome = future.result()._replace(task=task)
        except KilledWorker:
            error = ServiceError("several Dask workers died while they ran it", subject=str(task.source))
            return Outcome.of_failure(task, error)
        except ImportError as error:
            raise ServiceError(f"the Dask workers lack a module: {error}") from error
        return self._saved(outcome, outcome.body) if task.file and isinstance(outcome.body, bytes) else outcome

    def _saved(self, outcome: Outcome, body: bytes) -> Outcome:
        """Save the body of an outcome locally."""
        try:
            save(outcome.task, [body], is_durable=self._part.work.is_durable)
        except LocalFileError as error:
            return Outcome.of_failure(outcome.task, error)
        return outcome._replace(body=None)


def _require_package() -> None:
    from importlib.util import find_spec

    if find_spec("distributed") is None:
        raise UsageError("distributed is not installed; run: pip install 'storlet-shell[dask]'")


@contextmanager
def _connected(address: str) -> Iterator[Cluster]:
    """Have a client of an existing cluster.

    :raises ServiceError: when it doesn't answer, or has no workers
    """
    from distributed import Client as Cluster

    try:
        client = Cluster(address, timeout=TIMEOUT, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise ServiceError(f"the Dask scheduler at {address} can't be reached: {error}") from error
    with client:
        if not client.nthreads():
            raise ServiceError(f"the Dask scheduler at {address} has no workers")
        yield client


@contextmanager
def _local(jobs: int) -> Iterator[Cluster]:
    """Have a client of a cluster of processes on this machine, as many as there are jobs and processors for.

    Whoever reaches a Dask process can make it run anything, and other users of this machine reach loopback. So these
    processes speak TLS with a key of their own, which is in memory only, and answer nobody without it; the pages that
    Dask shows of its work, in plain HTTP, are left out.

    :raises ServiceError: when it does not start
    """
    import dask
    from distributed import Client as Cluster
    from distributed import LocalCluster

    processes = min(jobs, os.cpu_count() or 1, _MOST_PROCESSES)
    try:
        with dask.config.set(_NO_PAGES):
            cluster = LocalCluster(
                n_workers=processes,
                threads_per_worker=-(-jobs // processes),
                host="127.0.0.1",
                dashboard_address=None,
                scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},  # a port is opened all the same: any
                security=True,
                silence_logs=logging.CRITICAL,
            )
    except (OSError, RuntimeError, TimeoutError) as error:
        raise ServiceError(f"a Dask cluster can't be started here: {error}") from error
    with cluster, Cluster(cluster, set_as_default=False) as client:
        yield client


def _do(part: _Part, task: Task) -> Outcome:
    """Do a task, in a worker."""
    return _crew(part).do(task)


def _crew(part: _Part) -> Crew:
    """Return this worker's crew for a batch; the first task creates it."""
    from distributed import get_worker

    crews: dict[_Part, Crew] = get_worker().__dict__.setdefault(_CREWS, {})
    crew = crews.get(part)
    if crew is None:
        environ = dict(os.environ)
        if part.local_folder is not None:
            environ |= {LOCAL: "1", LOCAL_FOLDER: str(part.local_folder)}
        session = Session(Surroundings(environ), options=Options(identity=dict(part.identity), timeout=part.timeout))
        crew = crews.setdefault(part, Crew(part.work, _Login(session)))
    return crew


class _Login:
    """Creates clients that share one login, in any thread."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.Lock()

    def __call__(self) -> Client:
        with self._lock:
            return self._session.client.another()


def _end(cluster: Cluster, batch: str) -> None:
    """Tell every worker to drop its part of a batch."""
    with suppress(OSError, TimeoutError, StorletShellError):
        cluster.run(partial(_drop, batch), on_error="ignore")


def _drop(batch: str, dask_worker: Any) -> None:
    crews = dask_worker.__dict__.get(_CREWS, {})
    for part in [part for part in crews if part.batch == batch]:
        crews.pop(part).__exit__()
