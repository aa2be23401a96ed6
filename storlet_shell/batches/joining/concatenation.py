"""The one result of a batch over many objects: their results in the order of the listing."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, Self, cast

from storlet_shell.batches.joining.joiner import Joiner
from storlet_shell.batches.joining.spool import Spool, Spooled
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

    def place(self, source: ObjectPath) -> tuple[str, str]:
        """Return the folder and the file that a result waits in; empty without a journal."""
        return (self._folder, hashlib.sha256(source.name.encode()).hexdigest()) if self._folder else ("", "")

    def has(self, source: ObjectPath) -> bool:
        """Tell whether the result of an earlier process is still there."""
        return Path(*self.place(source)).exists()

    def hold(self, body: bytes) -> Spooled | bytes:
        """Let a result that came early from another process wait outside memory.

        :raises LocalFileError: when it can't be written
        """
        return body if self.spool is None else self.spool.write([body])

    def add(self, source: ObjectPath, result: Spooled | bytes | None) -> None:
        """Append the next result.

        :param result: None if it waits in its file
        :raises StorletShellError: when it doesn't fit the results before it
        :raises OSError: when it can't be written
        """
        assert self._joiner is not None
        self._joiner.add(source, self._chunks(source, result))
        self.joined += 1

    def skip(self) -> None:
        """Count an object whose result is missing."""
        self.missing += 1

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

    def _chunks(self, source: ObjectPath, result: Spooled | bytes | None) -> Iterator[bytes]:
        if isinstance(result, Spooled):
            assert self.spool is not None
            yield from self.spool.read(result)
        elif result is not None:
            yield result
        else:
            with Path(*self.place(source)).open("rb") as file:
                while chunk := file.read(CHUNK_BYTES):
                    yield chunk


def _folder_of(target: str) -> str | None:
    """Return the folder of a target file; None if it is none, or a device."""
    if not target:
        return None
    path = Path(os.path.realpath(expand(target)))
    return str(path.parent) if path.is_file() or not path.exists() else None
