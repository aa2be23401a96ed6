"""The base of all results, and those that are facts. This module imports only the standard library."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, pairwise
from typing import Any

from storlet_shell.errors import StorletShellError, UsageError
from storlet_shell.results.fields import Field, dashed
from storlet_shell.results.formats import DOCUMENT, FORMATS, Chosen, Rendering, Tabular, check_columns, pieces
from storlet_shell.results.on_terminal import Display, table_on_terminal
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

    def on_terminal(self, display: Display, columns: Sequence[str] = ()) -> Iterator[str]:
        """Yield the result as lines for a terminal, with its control characters escaped, without line ends.

        :param columns: as for :meth:`pieces`
        :raises UsageError: when it has no such column, before the first line
        """
        if columns:
            return table_on_terminal(Chosen(self.as_rows(), columns), display)
        return map(printable, self.render())

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

    def dataframe(self, library: str | None = None) -> Any:
        """Return the result as a data frame; what isn't a listing is one row of its fields.

        :param library: ``pandas`` or ``polars``; the first of them that is installed otherwise
        :raises StorletShellError: when the library isn't installed
        """
        from storlet_shell.results.frames import frame_of_rows  # with it comes a library that few lines need

        table = self.as_rows()
        return frame_of_rows([field.name for field in table.fields_of_rows], list(table.rows()), library)

    def keep(self) -> None:
        """Fetch everything, so that the result can be stored and shown more than once."""

    def look(self) -> None:
        """Fetch what showing the result takes, so that a failure is raised here, and a batch runs once."""

    def brief(self) -> str:
        """Describe the result in a few words, from what has been fetched."""
        return f"a {type(self).__name__.lower()}"

    @property
    def problem(self) -> StorletShellError | None:
        """The error that the line ends with after the result is shown; None if all is well."""
        return None

    def close(self) -> None:
        """Release what the result holds: a connection, a listing in progress."""

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        from storlet_shell.results.page.grid import preformatted  # what a line on a terminal does not need

        text = "\n".join(map(printable, self.render()))
        return {"text/plain": text, "text/html": preformatted(text)}


class Named(Result):
    """A result whose fields a program reads by their names: ``result["bytes"]``, ``dict(result)``."""

    def keys(self) -> list[str]:
        """Return the names of the fields."""
        return list(self.fields())

    def __len__(self) -> int:
        return len(self.fields())

    def __bool__(self) -> bool:
        return True  # it is a result, even if it has no fields

    def __iter__(self) -> Iterator[str]:
        return iter(self.fields())

    def __contains__(self, name: object) -> bool:
        return name in self.fields()

    def __getitem__(self, name: str) -> Any:
        """Return a field by its name.

        :raises KeyError: when the field doesn't exist
        """
        return self.fields()[name]


class Listed(Result):
    """A result that a program uses as a sequence: ``len(result)``, ``for part in result``, ``result[0]``."""

    def parts(self) -> Sequence[Any]:
        """Return what the sequence consists of."""
        return ()

    def __len__(self) -> int:
        return len(self.parts())

    def __bool__(self) -> bool:
        return True  # as above

    def __iter__(self) -> Iterator[Any]:
        return iter(self.parts())

    def __getitem__(self, index: Any) -> Any:
        """Return a part by its number, or several by a slice.

        :raises IndexError: when the part doesn't exist
        """
        return self.parts()[index]


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
        """Return an empty text: there are no totals."""
        return ""

    def figures(self) -> Mapping[str, Any]:
        """Return nothing, likewise."""
        return {}


class Report(Named):
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

    def on_terminal(self, display: Display, columns: Sequence[str] = ()) -> Iterator[str]:
        """Yield a line for each fact, its label as a heading."""
        if columns or self.shown is None:
            return super().on_terminal(display, columns)
        return (
            f"{display.paint('heading', printable(label))}: {printable(text)}" for label, text in self.shown.items()
        )

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        from storlet_shell.results.page.grid import facts, facts_as_markdown  # what a line on a terminal does not need

        pairs = [*(self.shown or {name.replace("_", " "): dashed(value) for name, value in self.data.items()}).items()]
        plain = super()._repr_mimebundle_()["text/plain"]
        return {"text/plain": plain, "text/html": facts(pairs), "text/markdown": facts_as_markdown(pairs)}


class Done(Named):
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


class Text(Listed):
    """Text that is shown as it is: a help page, say.

    :param data: the same as plain data for programs (default: the text under the name ``text``)
    :param has_headings: whether a line in front of indented ones is their heading
    """

    def __init__(self, text: str, data: Mapping[str, Any] | None = None, *, has_headings: bool = False) -> None:
        self.text = text
        self.data = data
        self.has_headings = has_headings

    def fields(self) -> dict[str, Any]:
        """Return the data."""
        return {"text": self.text} if self.data is None else dict(self.data)

    def render(self) -> Iterator[str]:
        """Yield the text's lines."""
        yield from self.text.splitlines()

    def on_terminal(self, display: Display, columns: Sequence[str] = ()) -> Iterator[str]:
        """Yield the text's lines, the headings as such."""
        if columns or not self.has_headings:
            return super().on_terminal(display, columns)
        lines = list(map(printable, self.render()))
        return (
            display.paint("heading", line) if _is_heading(line, following) else line
            for line, following in pairwise([*lines, ""])
        )

    def __str__(self) -> str:
        return self.text

    def parts(self) -> Sequence[str]:
        """Return the lines."""
        return self.text.splitlines()


def _is_heading(line: str, following: str) -> bool:
    """Tell whether a line is the heading of the indented one that follows it."""
    return bool(line) and not line.startswith((" ", "usage:")) and following.startswith(" ")


class Planned(Listed):
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

    def parts(self) -> Sequence[Mapping[str, Any]]:
        """Return the requests."""
        return self.requests

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
