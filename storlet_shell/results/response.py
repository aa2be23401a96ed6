"""The response to a get, a put or a copy."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Self

from storlet_shell.errors import UsageError
from storlet_shell.results.formats import Tabular
from storlet_shell.results.reports import Result
from storlet_shell.results.saving import replacing, temporarily
from storlet_shell.results.streamed import StreamedBody
from storlet_shell.values import CHUNK_BYTES

_SPOOL_BYTES = 1024 * 1024
"""Up to here a body on its way into a JSON document stays in memory; beyond, in a temporary file."""


class Response(StreamedBody, Result):
    """The response to a get, a put or a copy, plain or through a storlet.

    The body is read from the server on demand. :attr:`content` keeps it in memory; :meth:`iter_content`, :meth:`lines`
    and :meth:`save` don't, so that a body of any size takes constant memory. :meth:`peek`, which a notebook uses,
    consumes nothing.

    ``is_for_output`` tells whether the body itself goes to standard output, so that no document can.
    """

    is_for_output = False

    def dataframe(self, library: str | None = None, **options: Any) -> Any:
        """Return the whole body as a data frame; by its content type, or else by the object's name.

        CSV, tab-separated values, JSON, JSON lines, Parquet and Arrow are supported, also compressed by gzip, bzip2 or
        xz. Text is decoded by its charset.

        :param library: ``pandas`` or ``polars``; the first of them that is installed otherwise
        :param options: passed on to the library's reader, as ``sep=";"``
        :raises StorletShellError: when neither is installed, or the body has another format
        """
        from storlet_shell.results.frames import dataframe  # the same

        return dataframe(self, library, options)

    def save(self, path: str | Path) -> int:
        """Write the body to a file, atomically.

        :returns: the number of bytes
        :raises LocalFileError: when the file can't be written
        :raises IncompleteBodyError: when the body is cut off; the file is left unchanged
        """
        count = 0
        with self._ended_if_left(), replacing(path) as file:
            for chunk in self.iter_content():
                file.write(chunk)
                count += len(chunk)
        return count

    def releasing(self, release: Callable[[], None]) -> Self:
        """Call a function once: after the body was read or has failed, or when the response is closed."""
        body, close, pending = self._body, self._close, [release]

        def release_once() -> None:
            try:
                due = pending.pop()
            except IndexError:  # it was released already, perhaps by another thread
                return
            due()

        def ending() -> Iterator[bytes]:
            try:
                yield from body or ()
            finally:
                release_once()

        def closing() -> None:
            try:
                close()
            finally:
                release_once()

        self._body, self._close = ending(), closing
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getitem__(self, name: str) -> Any:
        if name not in ("status", "headers", "content", "iter_content"):
            raise KeyError(name)
        return getattr(self, name)

    def keys(self) -> list[str]:
        """Return the keys for indexing."""
        return ["status", "headers", "content", "iter_content"] if self.has_body else ["status", "headers"]

    def fields(self) -> dict[str, Any]:
        """Return the status, the headers, and what else is known; the body is left where it is."""
        return {"object": self.subject, "status": self.status, "headers": self.headers, **self.facts}

    def as_rows(self) -> Tabular:
        """Return the fields as one row.

        :raises UsageError: when there is a body
        """
        self._check_no_body()
        return super().as_rows()

    def _check_no_body(self) -> None:
        if self.has_body:
            self.close()
            raise UsageError(f"{self.subject}: a body isn't a table; use --json, or leave out --format and --columns")

    def render(self) -> Iterator[str]:
        """Yield one line: the change, the summary or the status."""
        yield self.done or self.summary or f"{self.subject}: {self.status}"

    def json_pieces(self, columns: Sequence[str] = ()) -> Iterator[str]:
        """Yield the response as one JSON document, the body as ``content``, or ``content_base64`` if it isn't UTF-8."""
        import tempfile  # a plain get doesn't need it

        if self.is_for_output:
            self.close()
            raise UsageError("--json and --save - both write to standard output: choose one")
        if columns:
            self._check_no_body()
        if not self.has_body:
            yield from super().json_pieces(columns)
            return
        with temporarily(), tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES) as spool:
            for chunk in self.iter_content():
                spool.write(chunk)
            head = json.dumps(self.fields(), ensure_ascii=False)  # some headers are known only now
            yield head[:-1] + ", "
            yield from _json_body(spool)
            yield "}"

    def __repr__(self) -> str:
        return f"<Response {self.status} {self.subject}>"

    def look(self) -> None:
        """Read as much of the body as showing it takes, so that a failure is raised here.

        :raises IncompleteBodyError: when the body ends before its end
        """
        from storlet_shell.results.display import look  # the same

        look(self)

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        from storlet_shell.results.display import bundle  # the same

        return bundle(self)


class JoinedResponse(Response):
    """Several objects as one body.

    :ivar objects: the objects so far, as users spell them; all of them once the body has been read
    """

    objects: Sequence[str] = ()

    def fields(self) -> dict[str, Any]:
        """Return the objects; the body is left where it is."""
        return {"objects": list(self.objects)}


def _json_body(spool: IO[bytes]) -> Iterator[str]:
    import base64

    try:
        spool.seek(0)
        decode = _utf8_pieces(spool)
        for _ in decode:
            pass
    except UnicodeDecodeError:
        spool.seek(0)
        yield '"content_base64": "'
        for chunk in iter(lambda: spool.read(3 * 16384), b""):
            yield base64.b64encode(chunk).decode("ascii")
        yield '"'
        return
    spool.seek(0)
    yield '"content": "'
    for text in _utf8_pieces(spool):
        yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield '"'


def _utf8_pieces(file: IO[bytes]) -> Iterator[str]:
    import codecs

    decoder = codecs.getincrementaldecoder("utf-8")()
    for chunk in iter(lambda: file.read(CHUNK_BYTES), b""):
        yield decoder.decode(chunk)
    yield decoder.decode(b"", final=True)
