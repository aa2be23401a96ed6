"""The workers of a batch in one process: its endpoints, its throttle, and a connection for each thread."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Self, TypeVar

from storlet_shell import schedulers
from storlet_shell.batches.endpoints import Endpoints
from storlet_shell.batches.throttle import Throttle
from storlet_shell.batches.work import Outcome, Task, Work
from storlet_shell.errors import (
    IdentityError,
    IncompleteBodyError,
    LocalFileError,
    NotFoundError,
    OverloadedError,
    ServiceError,
    StorletShellError,
    UnreachedError,
)
from storlet_shell.plugins import drivers
from storlet_shell.results.saving import replacing_below
from storlet_shell.schedulers.base import Endpoint, Scheduler
from storlet_shell.store.failures import broken_run
from storlet_shell.store.functions import remember
from storlet_shell.store.metadata import exists
from storlet_shell.store.reading import read_result
from storlet_shell.store.runs import copy_through
from storlet_shell.store.segments import Replacing
from storlet_shell.values import ObjectPath
from storlet_shell.wire import headers as wire
from storlet_shell.wire.observer import Observer
from storlet_shell.wire.requests import Request

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client
    from storlet_shell.wire.transport import Reply

SCRATCH_SECONDS = 24 * 3600
"""When the cluster deletes intermediate results of a batch that was killed."""

_QUIET = Observer()
"""Threads don't repeat for each object what the batch reports once; warnings about one object are notes."""

_T = TypeVar("_T")
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


@dataclass
class _Course:
    """The progress of a task.

    :ivar endpoint: the last endpoint that was asked
    :ivar seconds: the time that endpoints took, including refusals
    """

    endpoint: Endpoint | None = None
    seconds: float = 0.0


class Crew:
    """Does tasks, in any thread; a context manager that cancels waiting tasks.

    A step of a task is retried only if it didn't reach its storlet: no connection was made, or the server asked for
    fewer requests.

    :param connect: returns a client with its own connections
    :raises UsageError: when the scheduler doesn't exist
    """

    def __init__(self, work: Work, connect: Callable[[], Client]) -> None:
        self._work = work
        self._connect = connect
        self._stop = threading.Event()
        self._throttle = Throttle(work.jobs, self._stop)
        scheduler = drivers.load(schedulers.NAMESPACE, work.scheduler, Scheduler)  # type: ignore[type-abstract]
        self._endpoints = Endpoints(work.endpoints, scheduler, self._stop)
        self._replacing = Replacing(is_batch=True)
        self._local = threading.local()
        self._clients: list[Client] = []

    def do(self, task: Task) -> Outcome:
        """Do a task and return its outcome; only unexpected errors are raised."""
        course = _Course()
        try:
            outcome = self._all_steps(task, course)
        except StorletShellError as error:
            outcome = self._failed(task, error)
        return outcome._replace(seconds=course.seconds, endpoint=course.endpoint.name if course.endpoint else "")

    def stop(self) -> None:
        """Cancel running tasks as soon as possible."""
        self._stop.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        for client in self._clients:
            client.close()

    def _client(self, endpoint: Endpoint) -> Client:
        clients: dict[Endpoint, Client] = self._local.__dict__.setdefault("clients", {})
        if endpoint not in clients:
            if not clients:
                self._local.first = self._connect()
            client = clients[endpoint] = self._local.first.another(endpoint.url, _QUIET)
            self._clients.append(client)
            for run, function in zip(self._work.steps, self._work.functions, strict=False):
                remember(client, run.storlet, function)
        return clients[endpoint]

    def _all_steps(self, task: Task, course: _Course) -> Outcome:
        leftovers: list[ObjectPath] = []  # deleted in any case
        source, expiry = task.source, wire.encode_expiry(SCRATCH_SECONDS)
        try:
            for number, run in enumerate(self._work.steps[:-1], 1):
                result = ObjectPath(self._work.scratch, f"{task.number}-{number}-{os.urandom(4).hex()}")
                leftovers.append(result)
                self._step(partial(copy_through, run=run, source=source, output=result, headers=expiry), course)
                source = result
            last = self._copy_last if self._work.copies else self._get
            outcome = self._step(partial(last, task=task._replace(source=source)), course)
            leftovers.extend(path for path in (task.source, *task.extra) if path.container == self._work.scratch)
            return outcome._replace(task=task)
        except NotFoundError as error:
            if course.endpoint and not exists(self._client(course.endpoint), task.source):
                vanished = "vanished between the listing and the run"
                raise NotFoundError(vanished, subject=str(task.source)) from error
            raise
        except StorletShellError as error:
            for number, path in enumerate(leftovers, 1):
                if error.subject == str(path):  # an internal name means nothing to users
                    raise error.about(f"the result of step {number} for {task.source}") from error
            raise
        finally:
            if course.endpoint:
                self._remove(course.endpoint, leftovers)

    def _remove(self, endpoint: Endpoint, paths: list[ObjectPath]) -> None:
        for path in paths:
            with suppress(StorletShellError):  # the whole container is deleted at the end
                self._client(endpoint).send(Request("DELETE", *path)).close()

    def _step(self, action: Callable[[Client], _T], course: _Course) -> _T:
        """Do one step as soon as the throttle and the endpoints allow it.

        :param course: updated with the endpoint and the time
        """
        while True:
            try:
                with self._throttle.entered(), self._endpoints.chosen() as course.endpoint:
                    started = time.monotonic()
                    try:
                        return action(self._client(course.endpoint))
                    finally:
                        course.seconds += time.monotonic() - started
            except (UnreachedError, OverloadedError):
                if not self._throttle.is_patient:
                    raise

    def _copy_last(self, client: Client, task: Task) -> Outcome:
        assert task.output is not None
        run = self._work.run
        if task.source.container == self._work.scratch:  # the result of an earlier step, wherever the cluster put it
            run = run._replace(on_proxy=True)
        if task.output.container == self._work.scratch:
            expiry = wire.encode_expiry(SCRATCH_SECONDS)
            reply = copy_through(client, run, task.source, task.output, expiry, task.extra)
            return Outcome(task, reply.status, transaction_id=reply.transaction_id)
        with self._replacing.replaced(client, task.output):
            reply = copy_through(client, run, task.source, task.output, {}, task.extra)
        notes = tuple(self._replacing.take_notes())
        return Outcome(task, reply.status, transaction_id=reply.transaction_id, notes=notes)

    def _get(self, client: Client, task: Task) -> Outcome:
        run = self._work.run
        reply = read_result(client, task.source, run, self._work.function).reply
        try:
            outcome = self._take(reply, Outcome(task, reply.status, transaction_id=reply.transaction_id))
        except IncompleteBodyError as error:
            raise broken_run(client, run.storlet.name, str(task.source), error) from error
        finally:
            reply.close()
        return outcome

    def _take(self, reply: Reply, outcome: Outcome) -> Outcome:
        chunks = self._chunks(reply)
        if outcome.task.file:
            return outcome._replace(size=save(outcome.task, chunks, is_durable=self._work.is_durable))
        if self._work.spool is not None:
            spooled = self._work.spool.write(chunks)
            return outcome._replace(size=spooled.size, body=spooled)
        if self._work.keeps_bodies:
            body = b"".join(chunks)
            return outcome._replace(size=len(body), body=body)
        return outcome._replace(size=sum(map(len, chunks)))

    def _chunks(self, reply: Reply) -> Iterator[bytes]:
        for chunk in reply.chunks():
            if self._stop.is_set():
                raise ServiceError("cancelled: the batch has ended")
            yield chunk

    def _failed(self, task: Task, error: StorletShellError) -> Outcome:
        cause = error.__cause__
        is_final = (
            isinstance(error, IdentityError)
            or (isinstance(error, LocalFileError) and isinstance(cause, OSError) and cause.errno in _FULL)
            or (isinstance(error, ServiceError) and self._endpoints.are_given_up)
        )
        return Outcome.of_failure(task, error, is_final=is_final)


def save(task: Task, chunks: Iterable[bytes], *, is_durable: bool) -> int:
    """Write a task's local file, creating its folders, and return its size.

    :param is_durable: whether it must survive a power failure
    :raises LocalFileError: when it can't be written
    """
    size = 0
    with replacing_below(task.folder, task.file) as file:
        for chunk in chunks:
            size += file.write(chunk)
        if is_durable:
            file.flush()
            os.fsync(file.fileno())
    return size
