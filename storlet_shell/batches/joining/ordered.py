"""What joins the results of a batch in the order of the listing; those that come early wait."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from storlet_shell.batches.joining.spool import Spool, Spooled
from storlet_shell.values import CHUNK_BYTES, ObjectPath, expand

_FOLDER_SUFFIX = ".results"


class Ordered(ABC):
    """Joins the results of a batch; a context manager for as long as the batch runs.

    Results that come early wait in a spool, or with a journal in a folder next to it, from which an interrupted batch
    resumes.

    :param folder: the folder of the spool's file; None for the system's temporary folder
    :param journal: the journal's path; empty without one

    ``joined`` and ``missing`` count the objects whose results were added, and those without one. ``target`` is the file
    that the joined result is written to; empty for none. ``work`` describes for the journal what makes the results;
    empty for the storlets' runs.
    """

    target = ""
    work = ""

    def __init__(self, folder: str | None, journal: str = "") -> None:
        self._folder = f"{expand(journal)}{_FOLDER_SUFFIX}" if journal else ""
        self.spool = None if journal else Spool(folder)
        self._resources = ExitStack()
        self.joined = self.missing = 0

    def __enter__(self) -> Self:
        if self.spool:
            self._resources.callback(self.spool.close)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        self._resources.__exit__(kind, error, trace)

    @property
    def size(self) -> int:
        """The size of the joined result in bytes, if it is written as such."""
        return 0

    @property
    def is_enough(self) -> bool:
        """Whether further results can't change the joined one, so that the batch can stop."""
        return False

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
        self._append(source, self._chunks(source, result))
        self.joined += 1

    @abstractmethod
    def _append(self, source: ObjectPath, chunks: Iterator[bytes]) -> None:
        """Append a result that arrives in chunks."""

    def skip(self) -> None:
        """Count an object whose result is missing."""
        self.missing += 1

    def complete(self) -> None:  # noqa: B027  some have nothing to complete
        """Note that the batch has ended by itself, before the context ends."""

    @abstractmethod
    def summary(self) -> str:
        """Describe the joined result in a few words."""

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
