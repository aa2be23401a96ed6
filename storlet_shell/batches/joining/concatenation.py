"""The one result of a batch over many objects: their results in the order of the listing."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Self, cast

from storlet_shell.batches.joining.joiner import Joiner
from storlet_shell.batches.joining.ordered import Ordered
from storlet_shell.results.saving import replacing, temporarily
from storlet_shell.text import counted
from storlet_shell.values import CHUNK_BYTES, ObjectPath, expand

_MEMORY_BYTES = 1024 * 1024


class _DiscardedError(Exception):
    """Raised inside a context manager for the file, so that it isn't written."""


class Concatenation(Ordered):
    """Joins the results of a batch; a context manager that writes its file at the end, if the batch is whole.

    :param target: the local file; empty if the joined result is read by :meth:`take`
    :param header: see :class:`.Joiner`
    :param journal: the journal's path; empty without one
    """

    def __init__(self, target: str = "", header: str | None = None, journal: str = "") -> None:
        super().__init__(_folder_of(target), journal)
        self.target = target
        self._header = header
        self._file: IO[bytes] | None = None
        self._joiner: Joiner | None = None
        self._is_complete = False

    def __enter__(self) -> Self:
        super().__enter__()
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
        super().__exit__(kind, error, trace)

    def _append(self, source: ObjectPath, chunks: Iterator[bytes]) -> None:
        assert self._joiner is not None
        self._joiner.add(source, chunks)

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


def _folder_of(target: str) -> str | None:
    """Return the folder of a target file; None if results aren't written to a regular file."""
    if not target:
        return None
    path = Path(os.path.realpath(expand(target)))
    return str(path.parent) if path.is_file() or not path.exists() else None
