"""What batches and their workers exchange: plain data that can be pickled, without credentials."""

from __future__ import annotations

from typing import NamedTuple

from storlet_shell.batches.joining.spool import Spool, Spooled
from storlet_shell.equality import typed_equality
from storlet_shell.errors import StorletShellError
from storlet_shell.schedulers.base import Endpoint
from storlet_shell.store.functions import Function
from storlet_shell.store.requests import copy_request, read_request
from storlet_shell.values import Invocation, ObjectPath
from storlet_shell.wire.observer import Note
from storlet_shell.wire.requests import Request


@typed_equality
class Work(NamedTuple):
    """The work to do for each object of a batch.

    :param steps: the storlets' runs, each over the result of the one before it
    :param copies: run by COPY into each task's output, rather than by GET
    :param endpoints: the endpoints for requests; at least one
    :param scheduler: the driver that chooses among them
    :param jobs: the largest number of concurrent runs in a process
    :param scratch: the container of intermediate results
    :param keeps_bodies: whether outcomes contain the results
    :param spool: where results wait until they are joined; None unless they are joined, and in other processes, which
        return them in outcomes instead
    :param is_durable: whether a saved file must survive a power failure once its outcome is reported
    :param functions: the functions that the steps' storlets were made from, None for other storlets; empty if they
        haven't been looked up
    """

    steps: tuple[Invocation, ...]
    copies: bool
    endpoints: tuple[Endpoint, ...]
    scheduler: str
    jobs: int
    scratch: str = ""
    keeps_bodies: bool = False
    spool: Spool | None = None
    is_durable: bool = False
    functions: tuple[Function | None, ...] = ()

    @property
    def run(self) -> Invocation:
        """The last step's run."""
        return self.steps[-1]

    @property
    def function(self) -> Function | None:
        """The function that the last step's storlet was made from; None for any other storlet."""
        return self.functions[-1] if self.functions else None

    @property
    def header(self) -> str | None:
        """How headers of joined results are kept if users don't say; None to decide by the first results."""
        from storlet_shell.storlets.functions.adapter.types import storlet_is_table  # few results are joined

        returns_rows = self.function is not None and storlet_is_table(self.function.signature.result)
        return "once" if returns_rows else None

    def request(self, task: Task) -> Request:
        """Return the request of a task's last step."""
        if self.copies:
            assert task.output is not None
            run = self.run._replace(extra=(*self.run.extra, *task.extra))
            return copy_request(task.source, task.output, run)
        return read_request(task.source, self.run)


@typed_equality
class Task(NamedTuple):
    """One object of a batch.

    :param number: its position in the listing, from 0
    :param output: the object to store the result as; None for none
    :param folder: the user's folder for local files, which no file can leave
    :param file: the local file for the result; empty for none
    :param extra: further inputs of the storlet, for this object only
    """

    number: int
    source: ObjectPath
    output: ObjectPath | None = None
    folder: str = ""
    file: str = ""
    extra: tuple[ObjectPath, ...] = ()


@typed_equality
class Outcome(NamedTuple):
    """The result of a task.

    :param status: the HTTP status; 0 without an answer
    :param size: how many bytes the storlet wrote; None when the cluster keeps them
    :param seconds: from the request to the last byte
    :param endpoint: the name of the endpoint that took the run; empty if none did
    :param error: why it failed, as a command would have raised it; None if all went well
    :param is_final: whether the batch can't go on: the identity is refused, no endpoint answers, the disk is full
    :param notes: warnings about leftovers of an object that was replaced
    :param is_begun: False for a task that was handed out and given back when the batch ended early
    :param body: what the storlet wrote, if the work keeps bodies; in a spool, if the work has one
    :param is_earlier: whether an earlier process did the task, as the journal says
    """

    task: Task
    status: int = 0
    size: int | None = None
    seconds: float = 0.0
    endpoint: str = ""
    error: StorletShellError | None = None
    transaction_id: str = ""
    is_final: bool = False
    notes: tuple[Note, ...] = ()
    is_begun: bool = True
    body: bytes | Spooled | None = None
    is_earlier: bool = False

    @classmethod
    def of_failure(cls, task: Task, error: StorletShellError, *, is_final: bool = False) -> Outcome:
        """Return the outcome of a task that an error has ended.

        An outcome may wait for a while, or go to another process, so the frames where the error arose stay behind.
        """
        error.__traceback__ = error.__cause__ = error.__context__ = None
        return cls(task, error.status or 0, error=error, transaction_id=error.transaction_id, is_final=is_final)
