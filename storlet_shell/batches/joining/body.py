"""The joined results of a batch as one body."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any

from storlet_shell.batches.joining.concatenation import Concatenation
from storlet_shell.errors import StorletShellError
from storlet_shell.results import Response
from storlet_shell.results.saving import temporarily
from storlet_shell.values import CHUNK_BYTES


class JoinedBody(Response):
    """The joined results of a batch, which runs while the body is read.

    In a variable or on a notebook's page, the batch has run, and the body waits in a temporary file: it can be read
    more than once, in constant memory.

    :param pieces: runs the batch, and yields what was joined
    :param concatenation: joins the results
    :param subject: the pattern of the objects
    :param find_problem: returns the error that a line ends with after the body is shown
    :param close: ends the batch
    """

    def __init__(
        self,
        pieces: Iterator[bytes],
        concatenation: Concatenation,
        *,
        subject: str,
        find_problem: Callable[[], StorletShellError | None],
        close: Callable[[], None],
    ) -> None:
        super().__init__(200, {}, self._typed(pieces), subject=subject, close=close)
        self._concatenation = concatenation
        self._find_problem = find_problem
        self._file: IO[bytes] | None = None

    @property
    def problem(self) -> StorletShellError | None:
        """The error that a line ends with after the body is shown."""
        return self._find_problem()

    def _typed(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        yield from pieces
        if self._concatenation.content_type:  # it is known at the end
            self.headers["Content-Type"] = self._concatenation.content_type

    def iter_content(self, chunk_size: int = CHUNK_BYTES) -> Iterator[bytes]:
        """Yield the body in chunks; see :meth:`Response.iter_content`."""
        if self._file is None or self._content is not None:
            yield from super().iter_content(chunk_size)
            return
        at = 0
        while chunk := os.pread(self._file.fileno(), chunk_size, at):
            at += len(chunk)
            yield chunk

    def keep(self) -> None:
        """Run the whole batch, and keep the joined results in a temporary file."""
        if self._file is not None or self._content is not None:
            return
        with temporarily():
            file = tempfile.TemporaryFile()  # noqa: SIM115  it lives as long as the response
            weakref.finalize(self, file.close)
            for chunk in super().iter_content():
                file.write(chunk)
            file.flush()
        self._ahead, self._begun, self._file = [], False, file
        self._body = self.iter_content()
        self.headers["Content-Length"] = str(file.tell())

    def look(self) -> None:
        """Run the whole batch, so that it runs once, however often it is shown."""
        self.keep()
        super().look()

    def json_pieces(self, columns: Sequence[str] = ()) -> Iterator[str]:
        """Yield the joined results as one JSON document; see :meth:`Response.json_pieces`."""
        self.keep()  # their type is known at the end
        return super().json_pieces(columns)

    def dataframe(self, library: str | None = None, **options: Any) -> Any:
        """Return the joined results as one data frame; see :meth:`Response.dataframe`."""
        self.keep()  # their type is known at the end
        return super().dataframe(library, **options)
