"""Bodies that are read from the server on demand."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from storlet_shell.errors import StorletShellError, UsageError
from storlet_shell.results.page.decoding import is_mark_begun, marked_charset, without_mark
from storlet_shell.values import CHUNK_BYTES, read_count
from storlet_shell.wire.header_dict import HeaderDict


class StreamedBody:
    """A response whose body is kept only if all of it is requested.

    :param status: the HTTP status
    :param headers: the response's headers; names are case-insensitive. A ``HeaderDict`` isn't copied: a function's
        metadata are added once the body has been read
    :param body: the body's chunks; None if the body isn't the result
    :param subject: the object, as users spell it
    :param verb: the action, such as "stored", if that is the whole message
    :param summary: one line for people
    :param close: ends the connection if the body was not read completely
    :param ran: the storlet that ran and where, for people; empty if none did
    :param seconds: the server's response time; None if it wasn't measured
    :param facts: further fields for programs, such as the file that the body was written to

    ``explain`` is called with an error of reading the body, before it is raised.
    """

    explain: Callable[[StorletShellError], None] | None = None

    def __init__(
        self,
        status: int,
        headers: Mapping[str, str],
        body: Iterator[bytes] | None = None,
        *,
        subject: str = "",
        verb: str = "",
        summary: str = "",
        close: Callable[[], None] = lambda: None,
        ran: str = "",
        seconds: float | None = None,
        facts: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self.status = status
        self.headers: dict[str, str] = headers if isinstance(headers, HeaderDict) else HeaderDict(headers)
        self.subject = subject
        self.verb = verb
        self.summary = summary
        self.ran = ran
        self.seconds = seconds
        self.facts = facts
        self._body = body
        self._ahead: list[bytes] = []
        self._begun = False
        self._failure: StorletShellError | None = None
        self._content: bytes | None = None
        self._close = close

    @property
    def done(self) -> str:
        """One line: the object, the action and the status; empty without an action."""
        return f"{self.subject}: {self.verb} (HTTP {self.status})" if self.verb else ""

    @property
    def has_body(self) -> bool:
        """Whether there is a body to show: after a get, not after a put or a copy."""
        return self._body is not None

    @property
    def metadata(self) -> dict[str, str]:
        """The metadata of the object or the result, without their prefix; names are case-insensitive.

        Those of a function's result are complete once the body has been read.
        """
        from storlet_shell.wire.headers import decode_metadata  # few results are asked for them

        return decode_metadata(self.headers)

    @property
    def is_gone(self) -> bool:
        """Whether the body was streamed, at least in part, so that it can't be read again."""
        return self._begun and not self.is_whole

    def iter_content(self, chunk_size: int = CHUNK_BYTES) -> Iterator[bytes]:
        """Yield the body in chunks of at most ``chunk_size`` bytes, as they arrive.

        :raises IncompleteBodyError: when the body is cut off
        :raises StorletShellError: when the body was read or closed before
        :raises UsageError: when the size isn't a positive integer
        """
        if not isinstance(chunk_size, int) or chunk_size < 1:
            raise UsageError(f"chunk_size must be a positive number of bytes, not {chunk_size!r}")
        if self._content is not None:
            yield from (self._content[at : at + chunk_size] for at in range(0, len(self._content), chunk_size))
            return
        if self._body is None:
            return
        self._check_not_gone()
        self._begun = True
        while chunk := self._ahead.pop(0) if self._ahead else self._next():
            for at in range(0, len(chunk), chunk_size):
                yield chunk[at : at + chunk_size]

    def _check_not_gone(self) -> None:
        if self.is_gone:
            raise StorletShellError(f"{self.subject}: the body was read before and not kept; get it again")

    def _next(self) -> bytes:
        """Return the next chunk from the server, empty at the end; after a failure, raise it again."""
        if self._failure is not None:
            raise self._failure
        assert self._body is not None
        try:
            return next((chunk for chunk in self._body if chunk), b"")
        except StorletShellError as error:
            if self.explain is not None:
                self.explain(error)
            self._failure = error
            raise
        except BaseException:  # Ctrl-C: the rest can't be fetched, and must not look like the end
            self._failure = StorletShellError(f"{self.subject}: reading the body was interrupted; get it again")
            self.close()
            raise

    def __iter__(self) -> Iterator[bytes]:
        return self.iter_content()

    def peek(self, size: int) -> bytes:
        """Return the body's first bytes, at most ``size``, without consuming them.

        A body that isn't longer is read completely and kept.

        :raises IncompleteBodyError: when the body is cut off
        :raises StorletShellError: when the body was read before
        """
        if self._content is None and self._body is not None:
            self._check_not_gone()
            count = sum(map(len, self._ahead))
            while count <= size and (chunk := self._next()):
                self._ahead.append(chunk)
                count += len(chunk)
            if count <= size:
                self._content, self._ahead = b"".join(self._ahead), []
        return (self._content if self._content is not None else b"".join(self._ahead))[:size]

    def hold(self, content: bytes) -> None:
        """Set the body, which is in memory already."""
        self._body, self._content = iter(()), content

    @property
    def length(self) -> int | None:
        """The size of the body in bytes; None if it isn't known yet."""
        if self._content is not None:
            return len(self._content)
        return read_count(self.headers.get("Content-Length", ""))

    @property
    def is_whole(self) -> bool:
        """Whether the whole body is in memory."""
        return self._content is not None

    @property
    def content(self) -> bytes:
        """The whole body, kept in memory."""
        if self._content is None:
            with self._ended_if_left():
                self._content = b"".join(self.iter_content())
        return self._content

    @contextlib.contextmanager
    def _ended_if_left(self) -> Iterator[None]:
        """Close the connection if reading stops in the middle."""
        try:
            yield
        except BaseException:
            self.close()
            raise

    @property
    def text(self) -> str:
        """The whole body as text, without a byte order mark; see :meth:`charset_of`."""
        return without_mark(self.content.decode(self.charset_of(self.content), "replace"))

    @property
    def content_type(self) -> str:
        """The content type without its parameters, in lower case; empty if the server sends none."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    @property
    def charset(self) -> str:
        """The charset that the content type names, if Python knows it as one for text, else UTF-8."""
        return self._named_charset() or "utf-8"

    def charset_of(self, head: bytes) -> str:
        """Return the charset that the content type names, or else the one that a byte order mark tells, or else UTF-8.

        :param head: the body's first bytes
        """
        return self._named_charset() or marked_charset(head) or "utf-8"

    def _named_charset(self) -> str:
        for part in self.headers.get("Content-Type", "").split(";")[1:]:
            name, _, value = part.strip().partition("=")
            if name.lower() == "charset" and value:
                try:
                    b" ".decode(value.strip("\"'"), "replace")
                except (LookupError, ValueError):
                    break
                return value.strip("\"'")
        return ""

    def lines(self) -> Iterator[str]:
        """Yield the body's lines as text, without their ends, as they arrive; the charset is that of :attr:`text`.

        :raises IncompleteBodyError: when the body is cut off
        """
        import codecs  # what a plain get does not need is not imported by it

        rest, is_begun = "", False
        with self._ended_if_left():
            decoder = codecs.getincrementaldecoder(self._ordered_charset())("replace")
            for chunk in self.iter_content():
                text = decoder.decode(chunk)
                if text and not is_begun:
                    text, is_begun = without_mark(text), True
                *whole, rest = (rest + text).split("\n")
                yield from (line.removesuffix("\r") for line in whole)
        rest += decoder.decode(b"", final=True)
        if rest:
            yield rest.removesuffix("\r")

    def _ordered_charset(self) -> str:
        """Return the charset with its byte order, which incremental decoders need without a mark."""
        import codecs

        head = self.peek(1)
        if head and is_mark_begun(head):
            head = self.peek(4)
        name = codecs.lookup(self.charset_of(head)).name
        marks = {
            "utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
            "utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
        }
        if name not in marks or self.peek(4).startswith(marks[name]):
            return name
        return f"{name}-{'le' if sys.byteorder == 'little' else 'be'}"

    def json(self) -> Any:
        """Return the whole body, parsed as JSON."""
        return json.loads(self.content)

    def close(self) -> None:
        """Release the connection; a body that wasn't read completely can't be read any more."""
        if self._failure is None:
            self._failure = StorletShellError(f"{self.subject}: the response is closed; get it again")
        self._close()
