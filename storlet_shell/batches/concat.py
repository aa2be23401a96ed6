"""The one result of a batch over many objects: their results in the order of the listing."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, Self, cast

from storlet_shell.batches.joining import Joiner
from storlet_shell.batches.spool import Spool
from storlet_shell.batches.work import Outcome, Task
from storlet_shell.errors import StorletShellError
from storlet_shell.results.saving import replacing, temporarily
from storlet_shell.text import counted
from storlet_shell.values import CHUNK_BYTES, ObjectPath, expand

_MEMORY_BYTES = 1024 * 1024
_FOLDER_SUFFIX = ".results"


class _DiscardedError(Exception):
    """Raised inside a context manager for the file, so that it isn't written."""


class Concatenation:
    """Joins the results of a batch; a context manager that writes its file at the end, if the batch is whole.

    Results that come early wait in a spool, or with a journal in a folder next to it, from which an interrupted batch
    resumes.

    :param target: the local file; empty if the joined result is read by :meth:`take`
    :param header: see :class:`.Joiner`
    :param journal: the journal's path; empty without one
    """

    def __init__(self, target: str = "", header: str | None = None, journal: str = "") -> None:
        self.target = target
        self._header = header
        self._folder = f"{expand(journal)}{_FOLDER_SUFFIX}" if journal else ""
        self.spool = None if journal else Spool(_folder_of(target))
        self._resources = ExitStack()
        self._file: IO[bytes] | None = None
        self._joiner: Joiner | None = None
        self._is_complete = False
        self.joined = self.missing = 0

    def __enter__(self) -> Self:
        if self.spool:
            self._resources.callback(self.spool.close)
        if self.target:
            self._file = self._resources.enter_context(replacing(self.target))
        else:
            self._resources.enter_context(temporarily())
            spool = tempfile.SpooledTemporaryFile(max_size=_MEMORY_BYTES)
            self._file = cast("IO[bytes]", spool)  # closed by the reader: it may lag behind the batch
        self._joiner = Joiner(self._file, self._header)
        return self

    def complete(self) -> None:
        """Let the file be written when the context ends, unless every object failed."""
        self._is_complete = bool(self.joined or not self.missing)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        if kind is None and not self._is_complete:
            kind, error = _DiscardedError, _DiscardedError()
        self._resources.__exit__(kind, error, trace)

    def task(self, number: int, source: ObjectPath) -> Task:
        """Return the task for an object; with a journal, its result goes to a file that a later process finds."""
        if not self._folder:
            return Task(number, source)
        return Task(number, source, folder=self._folder, file=hashlib.sha256(source.name.encode()).hexdigest())

    def has(self, source: ObjectPath) -> bool:
        """Tell whether the result of an earlier run is still there."""
        task = self.task(0, source)
        return Path(task.folder, task.file).exists()

    def hold(self, outcome: Outcome) -> Outcome:
        """Let a result that came early wait outside memory, if it came from another process.

        :raises LocalFileError: when it can't be written
        """
        if outcome.body is None or self.spool is None:
            return outcome
        return outcome._replace(body=None, spooled=self.spool.write([outcome.body]))

    def add(self, outcome: Outcome) -> Outcome:
        """Append the next result; of an object that failed, count that it is missing.

        :returns: the outcome; a failure if the result doesn't fit the ones before it
        :raises OSError: when it can't be written
        """
        if not outcome.error:
            assert self._joiner is not None
            try:
                self._joiner.add(outcome.task.source, self._chunks(outcome))
            except StorletShellError as error:
                outcome = outcome._replace(error=Outcome.of_failure(outcome.task, error).error, size=None)
        if outcome.error:
            self.missing += 1
        else:
            self.joined += 1
        return outcome._replace(task=outcome.task._replace(folder="", file=""), spooled=None, body=None)

    def take(self) -> Iterator[bytes]:
        """Yield what was joined since the last time."""
        file = self._file
        assert file is not None
        file.seek(0)
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
        file.seek(0)
        file.truncate()

    def close(self) -> None:
        """Release what :meth:`take` reads."""
        if self._file is not None:
            self._file.close()

    @property
    def content_type(self) -> str:
        """The content type of the joined result; empty if it is unknown."""
        return self._joiner.content_type if self._joiner else ""

    @property
    def size(self) -> int:
        """The size of the joined result in bytes."""
        return self._joiner.size if self._joiner else 0

    def summary(self) -> str:
        """Describe the joined result in a few words."""
        text = f"{self.target or 'joined result'}: {counted(self.size, 'byte')}"
        if not self.missing:
            return text
        if self.target and not self.joined:
            return f"{self.target}: not written, since every object failed"
        objects = counted(self.joined + self.missing, "object")
        return f"{text}; {self.missing} of {objects} {'is' if self.missing == 1 else 'are'} missing"

    def _chunks(self, outcome: Outcome) -> Iterator[bytes]:
        task = outcome.task
        if outcome.spooled is not None:
            assert self.spool is not None
            yield from self.spool.read(outcome.spooled)
        elif outcome.body is not None:
            yield outcome.body
        elif task.file:
            with Path(task.folder, task.file).open("rb") as file:
                while chunk := file.read(CHUNK_BYTES):
                    yield chunk


def _folder_of(target: str) -> str | None:
    """Return the folder of a target file; None if it is none, or a device."""
    if not target:
        return None
    path = Path(os.path.realpath(expand(target)))
    return str(path.parent) if path.is_file() or not path.exists() else None
