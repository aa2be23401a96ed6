"""Results that are facts and tables, and what all results have in common.

Rendering is lazy, so a listing of any length is shown in constant memory. Only the standard library is used.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from storlet_shell.errors import StorletShellError
from storlet_shell.text import printable

_SHOWN_ROWS = 200
"""How many rows of a table a notebook shows."""


class Result:
    """What a command returns; a plain one is a fact to be shown.

    Subclasses say what they are by :meth:`fields` and may say it better by :meth:`render`.

    ``keeps_part`` tells that it is worth having, and to be shown, after :meth:`keep` or :meth:`look` was interrupted.
    """

    keeps_part = False

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

    def look(self) -> None:
        """Fetch what showing the result takes, so that what can't be had fails here, and runs once."""

    @property
    def problem(self) -> StorletShellError | None:
        """What is told after the result, and what the line ends with: its exit status, or an error in a notebook."""
        return None

    def close(self) -> None:
        """Let go of what the result holds: a connection, a listing in progress."""

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        import html

        text = "\n".join(map(printable, self.render()))
        return {"text/plain": text, "text/html": f'<pre style="margin:0">{html.escape(text)}</pre>'}


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{key}={item}" for key, item in value.items()) or "-"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "-"
    return str(value)


class Report(Result):
    """Some facts about one thing.

    :param facts: names and values, in the order in which they are shown
    :param data: what machines are told instead, where that is more
    """

    def __init__(self, facts: Mapping[str, Any], data: Mapping[str, Any] | None = None) -> None:
        self.facts = facts
        self.data = facts if data is None else data

    def fields(self) -> dict[str, Any]:
        """Return the facts as machines are told them."""
        return dict(self.data)

    def render(self) -> Iterator[str]:
        """Yield a line for each fact."""
        yield from (f"{name.replace('_', ' ')}: {_plain(value)}" for name, value in self.facts.items())


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

    ``is_headed`` tells whether the fields' names stand above the rows: on a terminal they do, elsewhere programs read.
    """

    is_headed = False

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
        heading = [list(map(_heading, self.columns))] if self.is_headed and len(self.columns) > 1 else []
        for number, block in enumerate(_blocks(self.rows(), 1000)):
            cells = heading + [["" if value is None else str(value) for value in row] for row in block]
            widths = [max(len(row[column]) for row in cells) for column in range(len(self.columns))]
            numeric = [any(isinstance(row[column], int) for row in block) for column in range(len(self.columns))]
            for row in cells[len(heading) if number else 0 :]:
                yield "  ".join(_aligned(*cell) for cell in zip(row, widths, numeric, strict=True)).rstrip()
        if self._total is not None:
            yield self._total()

    def peek(self, count: int) -> tuple[list[tuple[Any, ...]], bool]:
        """Return the first rows, which stay to be shown, and whether there are no more."""
        rows = iter(self._rows)
        first = list(itertools.islice(rows, count + 1))
        if not isinstance(self._rows, list):
            self._rows = first if len(first) <= count else itertools.chain(first, rows)
        return first[:count], len(first) <= count

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        from storlet_shell.results.views import note, rows_as_html  # what a plain listing does not need

        rows, is_whole = self.peek(_SHOWN_ROWS)
        last = "" if is_whole else f"cut: only the first {len(rows)} rows are shown"
        text = [printable(line) for line in Table(self.columns, rows, self._total if is_whole else None).render()]
        if is_whole and self._total is not None:
            last = self._total()
        shown = "\n".join(text if is_whole else [*text, f"({last})"])
        return {"text/plain": shown, "text/html": rows_as_html(self.columns, rows) + note(last)}

    def json_pieces(self) -> Iterator[str]:
        """Yield the rows as one JSON document in constant memory."""
        yield '{"rows": ['
        for number, row in enumerate(self._rows):
            yield (", " if number else "") + json.dumps(dict(zip(self.columns, row, strict=True)), ensure_ascii=False)
        yield "]}"


def _heading(column: str) -> str:
    """Return what stands above a column for people."""
    return column.replace("_", " ").upper()


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
