"""What the status of an answer means: which ones say that a request was done, and what to say of all others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from storlet_shell.equality import typed_equality
from storlet_shell.errors import (
    Action,
    Hint,
    IdentityError,
    NotFoundError,
    OverloadedError,
    ServiceError,
    StorletShellError,
)
from storlet_shell.wire import headers as wire
from storlet_shell.wire.requests import Request

PASSING = (429, 498, 500, 502, 503, 504, 507)
"""Answers of a server that may soon do better."""

BULK_DELETE = ("bulk-delete", "")
WITH_SEGMENTS = ("multipart-manifest", "delete")
"""Queries of requests that are answered with 200 before anything is deleted, and with a report (swift ``bulk.py``)."""

_DONE: Mapping[str, frozenset[int]] = {
    "HEAD": frozenset({200, 204}),
    "GET": frozenset({200}),
    "PUT": frozenset({201}),
    "POST": frozenset({201, 202, 204}),
    "COPY": frozenset({201}),
    "DELETE": frozenset({204}),
}
"""By which statuses Swift says that a request to an object was done."""

_LISTED = frozenset({200, 204})  # 204 is an empty listing (swift ``listing_formats.py``)
_MADE = frozenset({201, 202})  # 202 is a container that was there (swift ``container/server.py: PUT``)


def is_done(request: Request, status: int) -> bool:
    """Tell whether a status says that a request was done as it was meant.

    Not every status below 300 does. Swift answers the PUT of an object with 202 where it has a newer one, and stores
    nothing (swift ``proxy/controllers/obj.py: _check_failure_put_connections``).
    """
    if BULK_DELETE in request.query:
        return status == 200
    if WITH_SEGMENTS in request.query:
        return status in (200, 204)
    if request.method == "GET" and wire.RANGE in request.headers:
        return status in (200, 206)
    if not request.name:
        other = {"GET": _LISTED, "PUT": _MADE}.get(request.method)
        if other is not None:
            return status in other
    return status in _DONE.get(request.method, _LISTED)


STATUS_ERRORS: Mapping[int, tuple[type[StorletShellError], str]] = {
    304: (StorletShellError, "not changed since, as the request's condition has it"),
    400: (StorletShellError, "the server calls the request bad"),
    401: (IdentityError, "the token is refused"),
    402: (IdentityError, "the account is not paid for"),
    403: (IdentityError, "this user may not do that"),
    404: (NotFoundError, "not found"),
    405: (StorletShellError, "the server does not allow that method here"),
    406: (StorletShellError, "the server has nothing of an acceptable type"),
    408: (ServiceError, "the server waited too long for the request"),
    409: (StorletShellError, "in conflict with what is there (a container must be empty)"),
    410: (NotFoundError, "gone"),
    411: (StorletShellError, "the server wants to know the length"),
    412: (StorletShellError, "a precondition does not hold"),
    413: (StorletShellError, "too large for the server, or over a quota"),
    414: (StorletShellError, "the name is too long for the server"),
    415: (StorletShellError, "the server does not take that type"),
    416: (StorletShellError, "the range lies outside of the object"),
    417: (StorletShellError, "the server does not do what is expected"),
    422: (ServiceError, "what arrived is not what was sent"),
    429: (OverloadedError, "too many requests; try later"),
    431: (StorletShellError, "more headers than the server takes; send fewer parameters"),
    498: (OverloadedError, "too many requests; try later"),
    499: (ServiceError, "the server saw the connection close"),
    500: (ServiceError, "the server failed"),
    501: (ServiceError, "the server can't do that"),
    502: (ServiceError, "a gateway before the server failed"),
    503: (ServiceError, "the server is not available now; try later"),
    504: (ServiceError, "a gateway before the server got no answer"),
    507: (ServiceError, "the server's disk is full"),
    529: (OverloadedError, "too many requests; try later"),
}
"""Statuses of Swift's answers and what they mean to a user; 4xx and 5xx that are missing here go by their class."""


_TELLING = (400, 403, 405, 409, 412, 413, 422)
"""Statuses with which Swift says more in the body."""


def error_of_status(request: Request, status: int, headers: Mapping[str, str]) -> tuple[type[StorletShellError], str]:
    """Return the kind of error that a status stands for, and what it means, in words."""
    if status in STATUS_ERRORS:
        return STATUS_ERRORS[status]
    if status >= 500:
        return ServiceError, "the server failed"
    if status >= 400:
        return StorletShellError, "the server refuses the request"
    if status >= 300:
        return StorletShellError, redirection(headers)
    return ServiceError, _not_done(request, status)


@typed_equality
class FailedAnswer(NamedTuple):
    """A server's answer to a request that failed.

    :param body: its start
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def transaction_id(self) -> str:
        """Swift's name of the request; empty when something before Swift answered."""
        return self.headers.get(wire.TRANSACTION_ID, "")

    @property
    def text(self) -> str:
        """The body as one line; nothing when it is a page of HTML that repeats the status."""
        if self.headers.get(wire.CONTENT_TYPE, "").startswith("text/html") and b"<html" in self.body:
            return ""
        return " ".join(self.body.decode("utf-8", "replace").split())[:2000]

    @property
    def was_turned_away(self) -> bool:
        """Whether a 503 means overload, not a failing storlet: it is a load balancer's own, or one with a date.

        Swift names every request that has reached it, and says nothing of when to come back.
        """
        is_quiet = self.status == 503 and wire.FAILURE not in self.headers
        return is_quiet and (wire.RETRY_AFTER in self.headers or not self.transaction_id)


def error_of_answer(request: Request, answer: FailedAnswer) -> StorletShellError:
    """Return the error that an answer stands for, which holds the answer."""
    error = _error(request, answer)
    error.answer = answer
    return error


def _error(request: Request, answer: FailedAnswer) -> StorletShellError:
    fields: dict[str, Any] = {"status": answer.status, "transaction_id": answer.transaction_id}
    if answer.status == 400 and wire.is_account_disabled(answer.body):
        text, hint = "the account is not enabled for storlets", Hint(Action.ENABLE_ACCOUNT)
        return StorletShellError(text, subject=request.subject, hint=hint, **fields)
    if answer.status == 404 and request.method == "PUT" and request.name:
        hint = Hint(Action.MAKE_CONTAINER, (request.container,))
        return NotFoundError("container {subject} is not there", subject=request.container, hint=hint, **fields)
    fields["subject"] = request.subject
    kind, meaning = error_of_status(request, answer.status, answer.headers)
    if kind is OverloadedError or answer.was_turned_away:
        pause = wire.read_retry_after(answer.headers)
        return OverloadedError(f"{meaning} (HTTP {answer.status})", retry_after=pause, **fields)
    text = answer.text if answer.status in _TELLING else ""
    return kind(f"{meaning}{f', {text}' if text else ''} (HTTP {answer.status})", **fields)


def redirection(headers: Mapping[str, str]) -> str:
    """Say where a redirect leads; none is followed, since the token would go there."""
    location = _without_password(headers.get(wire.LOCATION, ""))
    return f"redirected to {location or 'nowhere'}; redirects aren't followed, so use that URL if you trust it"


def _without_password(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return url.rpartition("@")[2]
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _not_done(request: Request, status: int) -> str:
    if status == 202 and request.method == "PUT":
        return "not stored, since the server has a newer version; are the clocks right?"
    if status == 204 and request.method == "GET":
        return "the server sends no content"
    if status == 206:
        return "the server sends a part that wasn't asked for"
    return "this answer doesn't mean that the request was done"
