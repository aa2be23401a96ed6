"""A response as a notebook or an IPython terminal shows it.

Only the start of the body is looked at, and it is left to be read.
"""

from __future__ import annotations

import html
import mimetypes
from http import HTTPStatus

from storlet_shell.errors import StorletShellError
from storlet_shell.results.streamed import StreamedBody
from storlet_shell.results.views import Head, View, grid, view, wanted
from storlet_shell.text import printable, size

_MOST = 1000


def bundle(response: StreamedBody) -> dict[str, str]:
    """Return a response as plain text and as HTML."""
    body = _body(response)  # with it the size may become known
    title = _title(response)
    headers = grid(["header", "value"], [[printable(f"{part}"[:_MOST]) for part in pair] for pair in _pairs(response)])
    folded = f"<details><summary>{len(response.headers)} headers</summary>{headers.html}</details>"
    shown = "\n".join([title, *body.text])
    return {"text/plain": shown, "text/html": f"<div><strong>{html.escape(title)}</strong>{folded}{body.html}</div>"}


def _pairs(response: StreamedBody) -> list[tuple[str, str]]:
    return sorted(response.headers.items())


def _title(response: StreamedBody) -> str:
    """Say in one line what was answered, about what, and how."""
    try:
        status = f"{response.status} {HTTPStatus(response.status).phrase}"
    except ValueError:
        status = str(response.status)
    facts = [response.done] if response.done else [response.summary or response.subject, status]
    if response.has_body:
        length = size(response.length) if response.length is not None else "size unknown"
        facts += [response.content_type or "no content type", length]
    if response.seconds is not None:
        facts.append(f"{1000 * response.seconds:.0f} ms")
    if response.ran:
        facts.append(response.ran)
    return printable(" · ".join(fact for fact in facts if fact))


def look(response: StreamedBody) -> None:
    """Read as much of the body as showing it takes, so that a body that can't be had fails here.

    :raises IncompleteBodyError: when the body ends before its end
    """
    if response.has_body and not response.is_gone:
        response.peek(wanted(_kind(response)))


def _body(response: StreamedBody) -> View:
    if not response.has_body:
        return View([], "")
    most = wanted(_kind(response))
    try:
        content = response.peek(most)
    except StorletShellError as error:  # a body that is gone is no reason not to show the rest
        return View([f"({error})"], f"<i>{html.escape(str(error))}</i>")
    is_whole = response.is_whole and len(content) == response.length
    return view(Head(content, is_whole, response.length, _kind(response), response.charset))


def _kind(response: StreamedBody) -> str:
    """Return the content type; where it says little, what the object's name says."""
    if response.content_type not in ("", "application/octet-stream", "text/plain"):
        return response.content_type
    return mimetypes.guess_type(response.subject.removeprefix("path:"))[0] or response.content_type
