"""What commands return. Every result renders itself: as lines of text, as a JSON document, as a MIME bundle.

Rendering is lazy, so a listing of any length is shown in constant memory. Only the standard library is used.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from storlet_shell.errors import LocalFileError, StorletShellError, UsageError

CHUNK_BYTES = 64 * 1024
"""How much of a body is read at a time where the caller does not say."""

_SPOOL_BYTES = 1024 * 1024
"""Up to here a body on its way into a JSON document stays in memory; beyond, in a temporary file."""


class Result:
    """What a command returns; a plain one is a fact to be shown.

    Subclasses say what they are by :meth:`fields` and may say it better by :meth:`render`.
    """

    def fields(self) -> dict[str, Any]:
        """Return the result as plain data: what ``--json`` shows."""
        return {}

    def render(self) -> Iterator[str]:
        """Yield the result as lines of text for people, without line ends."""
        for name, value in self.fields().items():
            yield f"{name.replace('_', ' ')}: {_plain(value)}"

    def json_pieces(self) -> Iterator[str]:
        """Yield one JSON document, in pieces, on one line."""
        yield json.dumps(self.fields(), ensure_ascii=False)

    def keep(self) -> None:
        """Make the result one that can be shown more than once, since it is going to be stored."""

    def close(self) -> None:
        """Let go of what the result holds: a connection, a listing in progress."""

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        import html

        text = "\n".join(self.render())
        return {"text/plain": text, "text/html": f"<pre>{html.escape(text)}</pre>"}


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{key}={item}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)


class Report(Result):
    """Some facts about one thing.

    :param facts: names and values, in the order in which they are shown
    """

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self.facts = facts

    def fields(self) -> dict[str, Any]:
        """Return the facts."""
        return dict(self.facts)


class Done(Result):
    """Something was changed.

    :param message: one line that says what
    :param facts: the same for machines
    """

    def __init__(self, message: str, facts: Mapping[str, Any] | None = None) -> None:
        self.message = message
        self.facts = facts or {}

    def fields(self) -> dict[str, Any]:
        """Return the facts."""
        return dict(self.facts)

    def render(self) -> Iterator[str]:
        """Yield the message."""
        yield self.message


class Text(Result):
    """Text that is shown as it is: a help page, a log."""

    def __init__(self, text: str) -> None:
        self.text = text

    def fields(self) -> dict[str, Any]:
        """Return the text under one name."""
        return {"text": self.text}

    def render(self) -> Iterator[str]:
        """Yield the text's lines."""
        yield from self.text.splitlines()


class Table(Result):
    """Rows of equal fields, made while they are shown.

    :param columns: the names of the fields, in order
    :param rows: the rows; they can be iterated once when they come from a server
    :param total: a last line that sums the rows up, asked for when all of them have been shown
    """

    def __init__(
        self, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]], total: Callable[[], str] | None = None
    ) -> None:
        self.columns = columns
        self._rows = rows
        self._total = total

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Yield the rows; those that come from a server once, unless :meth:`keep` has fetched them."""
        return iter(self._rows)

    def keep(self) -> None:
        """Fetch every row; this holds all of them in memory."""
        self._rows = list(self._rows)

    def fields(self) -> dict[str, Any]:
        """Return every row; this holds all of them in memory."""
        return {"rows": [dict(zip(self.columns, row, strict=True)) for row in self._rows]}

    def render(self) -> Iterator[str]:
        """Yield a line for each row, the columns as wide as the widest value so far in a block of rows."""
        for block in _blocks(self.rows(), 1000):
            cells = [["" if value is None else str(value) for value in row] for row in block]
            widths = [max(len(row[column]) for row in cells) for column in range(len(self.columns))]
            numeric = [any(isinstance(row[column], int) for row in block) for column in range(len(self.columns))]
            for row in cells:
                yield "  ".join(_aligned(*cell) for cell in zip(row, widths, numeric, strict=True)).rstrip()
        if self._total is not None:
            yield self._total()

    def json_pieces(self) -> Iterator[str]:
        """Yield the rows as one JSON document in constant memory."""
        yield '{"rows": ['
        for number, row in enumerate(self._rows):
            yield (", " if number else "") + json.dumps(dict(zip(self.columns, row, strict=True)), ensure_ascii=False)
        yield "]}"


def _blocks(rows: Iterator[tuple[Any, ...]], size: int) -> Iterator[list[tuple[Any, ...]]]:
    block: list[tuple[Any, ...]] = []
    for row in rows:
        block.append(row)
        if len(block) == size:
            yield block
            block = []
    if block:
        yield block


def _aligned(text: str, width: int, right: bool) -> str:
    return text.rjust(width) if right else text.ljust(width)


class Response(Result):
    """The answer to a get, a put or a copy, plain or through a storlet.

    The body is read from the server when it is asked for. :attr:`content` keeps it and may be read again;
    :meth:`iter_content` and :meth:`save` do not keep it, so that a body of any size takes constant memory.

    :param status: the HTTP status
    :param headers: the response's headers
    :param body: the body's chunks; None when the answer's body is not what the user asked for
    :param subject: the object, as users spell it
    :param summary: one line that says what happened
    """

    def __init__(
        self,
        status: int,
        headers: Mapping[str, str],
        body: Iterator[bytes] | None = None,
        *,
        subject: str = "",
        summary: str = "",
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self.status = status
        self.headers = dict(headers)
        self.subject = subject
        self.summary = summary
        self._body = body
        self._begun = False
        self._content: bytes | None = None
        self._close = close

    @property
    def has_body(self) -> bool:
        """Whether there is a body to show: after a get, not after a put or a copy."""
        return self._body is not None

    def iter_content(self, chunk_size: int = CHUNK_BYTES) -> Iterator[bytes]:
        """Yield the body in chunks of at most ``chunk_size`` bytes, as they arrive.

        :raises IncompleteBodyError: when the body ends before its end
        :raises StorletShellError: when an earlier read has used the body up, or part of it
        """
        if self._content is not None:
            yield from (self._content[at : at + chunk_size] for at in range(0, len(self._content), chunk_size))
            return
        if self._body is None:
            return
        if self._begun:
            raise StorletShellError(f"{self.subject}: the body has been read once, and was not kept; get it again")
        self._begun = True
        for chunk in self._body:
            for at in range(0, len(chunk), chunk_size):
                yield chunk[at : at + chunk_size]

    def __iter__(self) -> Iterator[bytes]:
        return self.iter_content()

    @property
    def content(self) -> bytes:
        """The whole body, in memory; it may be read more than once."""
        if self._content is None:
            self._content = b"".join(self.iter_content())
        return self._content

    @property
    def text(self) -> str:
        """The whole body as text, in the charset that the content type names, else UTF-8."""
        try:
            return self.content.decode(self._charset(), "replace")
        except LookupError:  # nobody knows that charset
            return self.content.decode("utf-8", "replace")

    def _charset(self) -> str:
        for part in self.headers.get("Content-Type", "").split(";")[1:]:
            name, _, value = part.strip().partition("=")
            if name.lower() == "charset" and value:
                return value.strip("\"'")
        return "utf-8"

    def json(self) -> Any:
        """Return the whole body, parsed as JSON."""
        return json.loads(self.content)

    def save(self, path: str | Path) -> int:
        """Write the body to a file: under a temporary name beside it, renamed at the clean end.

        :returns: how many bytes were written
        :raises LocalFileError: when the file can't be written
        :raises IncompleteBodyError: when the body ends before its end; no file is left under the name then
        """
        target, count = expand(path), 0
        with _translated(target), _replacing(target) as file:
            for chunk in self.iter_content():
                file.write(chunk)
                count += len(chunk)
        return count

    def __getitem__(self, name: str) -> Any:
        if name not in ("status", "headers", "content", "iter_content"):
            raise KeyError(name)
        return getattr(self, name)

    def keys(self) -> list[str]:
        """Return the names that indexing takes."""
        return ["status", "headers", "content", "iter_content"] if self.has_body else ["status", "headers"]

    def fields(self) -> dict[str, Any]:
        """Return the status and the headers; the body is left where it is."""
        return {"object": self.subject, "status": self.status, "headers": self.headers}

    def render(self) -> Iterator[str]:
        """Yield the summary."""
        yield self.summary or f"{self.subject}: {self.status}"

    def json_pieces(self) -> Iterator[str]:
        """Yield the response as one JSON document, the body as ``content``, or ``content_base64`` if it isn't UTF-8."""
        import tempfile  # what a plain get does not need is not imported by it

        head = json.dumps(self.fields(), ensure_ascii=False)
        if not self.has_body:
            yield head
            return
        with tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES) as spool:
            for chunk in self.iter_content():
                spool.write(chunk)
            yield head[:-1] + ", "
            yield from _json_body(spool)
            yield "}"

    def close(self) -> None:
        """Give the connection back; a body that was not read to its end is given up."""
        self._close()

    def __repr__(self) -> str:
        return f"<Response {self.status} {self.subject}>"


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


def expand(path: str | Path) -> Path:
    """Return a local path with its ``~`` replaced.

    :raises LocalFileError: when there is no such user, or the system can't have such a name
    """
    try:
        expanded = Path(path).expanduser()
    except RuntimeError as error:
        raise LocalFileError(f"no local file {path}: {error}") from error
    if "\x00" in str(expanded):
        raise LocalFileError(f"a local file's name can't hold a NUL character: {str(path)!r}")
    return expanded


@contextlib.contextmanager
def _translated(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LocalFileError(f"can't write {target}: {error.strerror or error}") from error


@contextlib.contextmanager
def _replacing(target: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file beside the target that takes the target's place at a clean end and vanishes otherwise."""
    if target.is_dir():
        raise UsageError(f"can't write {target}: it is a directory")
    if target.exists() and not target.is_file():  # a device or a pipe has no place to be renamed into
        with target.open("wb", buffering=0) as direct:
            yield direct
        return
    try:
        target = target.resolve()
    except RuntimeError as error:  # a circle of links
        raise LocalFileError(f"can't write {target}: {error}") from error
    temporary = target.with_name(f".storlet-shell-{os.urandom(8).hex()}.part")
    try:
        with temporary.open("xb") as file:
            yield file
        if target.exists():
            temporary.chmod(target.stat().st_mode & 0o7777)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


class Planned(Result):
    """The requests that would be sent; nothing was.

    :param requests: method, URL and headers of each, secrets hidden, with the body in words
    """

    def __init__(self, requests: tuple[Mapping[str, Any], ...]) -> None:
        self.requests = requests

    def fields(self) -> dict[str, Any]:
        """Return the requests."""
        return {"requests": [dict(request) for request in self.requests]}

    def render(self) -> Iterator[str]:
        """Yield the requests as they look on the wire."""
        for number, request in enumerate(self.requests):
            if number:
                yield ""
            yield f"{request['method']} {request['url']}"
            yield from (f"{name}: {value}" for name, value in request["headers"].items())
            if request["body"]:
                yield f"({request['body']})"


def failure_fields(error: StorletShellError) -> dict[str, Any]:
    """Return an error as plain data: what ``--json`` shows of it."""
    return {
        "error": type(error).__name__,
        "message": error.message,
        "transaction": error.transaction_id,
        "details": error.details,
        "exit_status": int(error.exit_status),
    }
