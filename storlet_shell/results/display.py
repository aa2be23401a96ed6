"""Responses in a notebook or an IPython terminal.

Only the start of the body is read, and it stays readable.
"""

from __future__ import annotations

import html
from http import HTTPStatus

from storlet_shell.errors import StorletShellError
from storlet_shell.results.page.bodies import view
from storlet_shell.results.page.decoding import compression_of
from storlet_shell.results.page.grid import View, facts, marked_down, one_line
from storlet_shell.results.page.head import Head, wanted
from storlet_shell.results.page.kinds import form_of, plain_name
from storlet_shell.results.streamed import StreamedBody
from storlet_shell.text import counted, printable, size
from storlet_shell.wire.media import COMPRESSED, inner_type_of

_LONGEST_HEADER = 1000
_VAGUE = ("", "application/octet-stream", "text/plain", *COMPRESSED.values())


def bundle(response: StreamedBody) -> dict[str, str]:
    """Return a response as plain text and HTML, and as Markdown and an image where they apply."""
    body = preview(response)  # this may find out the size
    title = _title(response)
    headers = facts((name, value[:_LONGEST_HEADER]) for name, value in _pairs(response))
    folded = f"<details><summary>{counted(len(response.headers), 'header')}</summary>{headers}</details>"
    result = {
        "text/plain": "\n".join([title, *body.text]),
        "text/html": one_line(f"<div><strong>{html.escape(title)}</strong>{folded}{body.html}</div>"),
    }
    if body.markdown:
        result["text/markdown"] = f"**{marked_down(title)}**\n\n{body.markdown}"
    return {**result, **body.others}


def _pairs(response: StreamedBody) -> list[tuple[str, str]]:
    return sorted(response.headers.items())


def _title(response: StreamedBody) -> str:
    """Return one line: the object, the status, the type, the size, the duration, and where the storlet ran."""
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
    """Read as much of the body as showing it takes, so that a body that can't be fetched fails here.

    :raises IncompleteBodyError: when the body ends before its end
    """
    if response.has_body and not response.is_gone:
        response.peek(_wanted(response))


def preview(response: StreamedBody) -> View:
    """Preview the body; only its start is read."""
    if not response.has_body:
        return View([], "")
    try:
        content = response.peek(_wanted(response))
    except StorletShellError as error:  # show the rest even if the body was read already
        return View([f"({error})"], f"<i>{html.escape(str(error))}</i>")
    return view(_head(response, content, is_whole=response.is_whole and len(content) == response.length))


def _head(response: StreamedBody, content: bytes, *, is_whole: bool) -> Head:
    """Return the start of a body, decompressed as far as it is shown."""
    kind, form, length = _kind(response), _form(response), response.length
    coding = response.headers.get("Content-Encoding", "")
    if compression := compression_of(content, response.subject, coding):
        limit = wanted(kind, form, None)
        head, is_end = compression.head(content, limit)
        if head:
            content, is_whole = head, is_whole and is_end
            length = len(head) if is_whole else None
        else:
            kind = form = ""  # it is damaged: bytes
    name = plain_name(response.subject.removeprefix("path:").rpartition("/")[2])
    return Head(content, is_whole, length, kind, response.charset_of(content), form, name)


def _wanted(response: StreamedBody) -> int:
    return wanted(_kind(response), _form(response), response.length)


def _form(response: StreamedBody) -> str:
    """Return the format of a table in the body, by the object's name only if the content type is generic."""
    return form_of(response.content_type, response.subject if response.content_type in _VAGUE else "")


def _kind(response: StreamedBody) -> str:
    """Return the content type; if it is generic, guess one by the object's name."""
    if response.content_type not in _VAGUE:
        return response.content_type
    return inner_type_of(response.subject.removeprefix("path:")) or response.content_type
