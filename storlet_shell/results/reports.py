"""The base of all results, and those that are facts. This module imports only the standard library."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from storlet_shell.errors import StorletShellError, UsageError
from storlet_shell.results.fields import Field, dashed
from storlet_shell.results.formats import DOCUMENT, FORMATS, Rendering, Tabular, check_columns, pieces
from storlet_shell.text import printable

_FOR_PEOPLE = Rendering()


class Result:
    """The result of a command.

    A subclass defines :meth:`fields`, and :meth:`render` if people should see something else.

    ``keeps_part`` tells whether it is still useful after :meth:`keep` or :meth:`look` was interrupted.
    """

    keeps_part = False

    def fields(self) -> dict[str, Any]:
        """Return the result as plain data: what ``--json`` shows."""
        return {}

    def render(self) -> Iterator[str]:
        """Yield the result as lines of text for people, without line ends."""
        for name, value in self.fields().items():
            yield f"{name.replace('_', ' ')}: {dashed(value)}"

    def json_pieces(self, columns: Sequence[str] = ()) -> Iterator[str]:
        """Yield one JSON document, in pieces, on one line, without its line end.

        :param columns: the fields to include, in this order; empty for all
        :raises UsageError: when the field doesn't exist
        """
        fields = self.fields()
        check_columns(columns, list(fields))
        yield json.dumps({name: fields[name] for name in columns or fields}, ensure_ascii=False)

    def pieces(self, rendering: Rendering = _FOR_PEOPLE) -> Iterator[str]:
        """Yield the result in a format, in pieces of text with their line ends.

        :raises UsageError: when it has no such column, before the first piece
        """
        if rendering.format == DOCUMENT:
            return chain(self.json_pieces(rendering.columns), ["\n"])
        if rendering.is_default:
            return (f"{line}\n" for line in self.render())
        return pieces(self.as_rows(), rendering)

    def formatted(self, format: str = "table", columns: Sequence[str] = ()) -> str:
        """Return the result as text in a format.

        :param format: ``table``, ``csv``, ``json``, ``jsonl`` or ``value``
        :param columns: the columns to include, in this order; empty for those that the format has by itself
        :raises UsageError: when the format or a column doesn't exist
        """
        if format not in FORMATS:
            raise UsageError(f"unknown format {format!r}; formats: {', '.join(FORMATS)}")
        return "".join(self.pieces(Rendering(format, tuple(columns))))

    def as_rows(self) -> Tabular:
        """Return the result as a table, for formats of rows; what isn't a listing is one row of its fields.

        :raises UsageError: when it has a body
        """
        return OneRow(self.fields())

    def keep(self) -> None:
        """Fetch everything, so that the result can be stored and shown more than once."""

    def look(self) -> None:
        """Fetch what showing the result takes, so that a failure is raised here, and a batch runs once."""

    @property
    def problem(self) -> StorletShellError | None:
        """The error that the line ends with after the result is shown; None if all is well."""
        return None

    def close(self) -> None:
        """Release what the result holds: a connection, a listing in progress."""

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        import html

        text = "\n".join(map(printable, self.render()))
        return {"text/plain": text, "text/html": f'<pre style="margin:0">{html.escape(text)}</pre>'}


class OneRow:
    """A result's fields as a table of one row.

    :param values: by their names
    """

    is_headed = is_live = False

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self.fields_of_rows = tuple(map(Field, values))

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Yield the one row."""
        yield tuple(self._values.values())

    def last_line(self) -> str:
        """Return an empty dict: there are no totals."""
        return ""

    def figures(self) -> Mapping[str, Any]:
        """Return nothing, likewise."""
        return {}


class Report(Result):
    """Some facts about one thing.

    :param data: the facts, by their names: plain data for programs
    :param shown: the same for people, by their labels (default: the data)
    """

    def __init__(self, data: Mapping[str, Any], shown: Mapping[str, str] | None = None) -> None:
        self.data = data
        self.shown = shown

    def fields(self) -> dict[str, Any]:
        """Return the facts as plain data."""
        return dict(self.data)

    def render(self) -> Iterator[str]:
        """Yield a line for each fact."""
        if self.shown is None:
            yield from super().render()
            return
        yield from (f"{label}: {text}" for label, text in self.shown.items())


class Done(Result):
    """A change that was made.

    :param message: one line that says what
    :param facts: the same as plain data for programs
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
    """Text that is shown as it is: a help page, say.

    :param data: the same as plain data for programs (default: the text under the name ``text``)
    """

    def __init__(self, text: str, data: Mapping[str, Any] | None = None) -> None:
        self.text = text
        self.data = data

    def fields(self) -> dict[str, Any]:
        """Return the data."""
        return {"text": self.text} if self.data is None else dict(self.data)

    def render(self) -> Iterator[str]:
        """Yield the text's lines."""
        yield from self.text.splitlines()


class Planned(Result):
    """The requests that would be sent; nothing was.

    :param requests: method, URL and headers of each, secrets hidden, with a description of the body or None
    :param problem: what could not be planned, as one error; None if everything could
    """

    def __init__(self, requests: tuple[Mapping[str, Any], ...], problem: StorletShellError | None = None) -> None:
        self.requests = requests
        self._problem = problem

    @property
    def problem(self) -> StorletShellError | None:
        """What could not be planned."""
        return self._problem

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
    """Return an error as plain data: what ``--json`` shows of it; its hint is spelled in the error's own way."""
    hint = error.hint
    return {
        "error": type(error).__name__,
        "message": error.explained(),
        "transaction": error.transaction_id or None,
        "details": error.details or None,
        "exit_status": int(error.exit_status),
        "subject": error.subject,
        "status": error.status,
        "hint": hint and {"action": hint.action.name.lower(), "arguments": hint.arguments, "text": error.spell(hint)},
    }
