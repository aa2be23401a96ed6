"""What all results have in common, and those that are facts. Only the standard library is used."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from storlet_shell.errors import StorletShellError
from storlet_shell.text import printable


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


class Planned(Result):
    """The requests that would be sent; nothing was.

    :param requests: method, URL and headers of each, secrets hidden, with the body in words
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
        "transaction": error.transaction_id,
        "details": error.details,
        "exit_status": int(error.exit_status),
        "subject": error.subject,
        "status": error.status,
        "hint": hint and {"action": hint.action.name.lower(), "arguments": hint.arguments, "text": error.spell(hint)},
    }
