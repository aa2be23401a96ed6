"""HTTP statuses: which ones mean success, and what all others mean to a user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

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
from storlet_shell.wire.requests import Request, without_password

PASSING = (429, 498, 500, 502, 503, 504, 507)
"""Statuses of failures that may be temporary."""

BULK_DELETE = ("bulk-delete", "")
WITH_SEGMENTS = ("multipart-manifest", "delete")
"""Queries of requests that get a 200 before anything is deleted, and a report in the body (swift ``bulk.py``)."""

_DONE: Mapping[str, frozenset[int]] = {
    "HEAD": frozenset({200, 204}),
    "GET": frozenset({200}),
    "PUT": frozenset({201}),
    "POST": frozenset({201, 202, 204}),
    "COPY": frozenset({201}),
    "DELETE": frozenset({204}),
}
"""The success statuses of a request to an object, by its method."""

_LISTED = frozenset({200, 204})  # 204 is an empty listing (swift ``listing_formats.py``)
_CREATED = frozenset({201, 202})  # 202: the container existed already (swift ``container/server.py: PUT``)


def is_done(request: Request, status: int) -> bool:
    """Tell whether a status means that the request succeeded.

    Not every status below 300 does. Swift returns 202 to the PUT of an object if it has a newer version, and stores
    nothing (swift ``proxy/controllers/obj.py: _check_failure_put_connections``).
    """
    if BULK_DELETE in request.query:
        return status == 200
    if WITH_SEGMENTS in request.query:
        return status in (200, 204)
    if request.method == "GET" and wire.RANGE in request.headers:
        return status in (200, 206)
    if not request.name:
        successes = {"GET": _LISTED, "PUT": _CREATED}.get(request.method)
        if successes is not None:
            return status in successes
    return status in _DONE.get(request.method, _LISTED)


STATUS_ERRORS: Mapping[int, tuple[type[StorletShellError], str]] = {
    304: (StorletShellError, "not modified"),
    400: (StorletShellError, "bad request"),
    401: (IdentityError, "the server refused the token"),
    402: (IdentityError, "payment required"),
    403: (IdentityError, "permission denied"),
    404: (NotFoundError, "not found"),
    405: (StorletShellError, "the server doesn't allow that method here"),
    406: (StorletShellError, "the server has no acceptable content type"),
    408: (ServiceError, "the server timed out waiting for the request"),
    409: (StorletShellError, "conflict with the current state (only an empty container can be deleted)"),
    410: (NotFoundError, "gone"),
    411: (StorletShellError, "the server requires Content-Length"),
    412: (StorletShellError, "a precondition failed"),
    413: (StorletShellError, "too large for the server, or over a quota"),
    414: (StorletShellError, "the name is too long for the server"),
    415: (StorletShellError, "the server doesn't accept that content type"),
    416: (StorletShellError, "the range is outside the object"),
    417: (StorletShellError, "the server can't meet the request's expectation"),
    422: (ServiceError, "the data was corrupted on the way to the server"),
    429: (OverloadedError, "too many requests; try again later"),
    431: (StorletShellError, "the headers are too large for the server; send fewer parameters"),
    498: (OverloadedError, "too many requests; try again later"),
    499: (ServiceError, "the connection closed before the request was complete"),
    500: (ServiceError, "the server failed"),
    501: (ServiceError, "the server doesn't support that"),
    502: (ServiceError, "bad gateway in front of the server"),
    503: (ServiceError, "the server is unavailable; try again later"),
    504: (ServiceError, "a gateway in front of the server timed out"),
    507: (ServiceError, "the server's disk is full"),
    529: (OverloadedError, "too many requests; try again later"),
}
"""What statuses mean to a user; for other 4xx and 5xx, see :func:`error_of_status`."""


_EXPLAINED = (400, 403, 405, 409, 412, 413, 422)
"""Statuses for which Swift's response body says more."""


def error_of_status(request: Request, status: int, headers: Mapping[str, str]) -> tuple[type[StorletShellError], str]:
    """Return the error class and the message for a status."""
    if status in STATUS_ERRORS:
        return STATUS_ERRORS[status]
    if status >= 500:
        return ServiceError, "the server failed"
    if status >= 400:
        return StorletShellError, "the server refused the request"
    if status >= 300:
        return StorletShellError, redirection(headers)
    return ServiceError, _not_done(request, status)


@typed_equality
class FailedAnswer(NamedTuple):
    """A server's response to a failed request.

    :param body: the beginning of the response body
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def transaction_id(self) -> str:
        """Swift's transaction id; empty if the response came from something in front of Swift."""
        return self.headers.get(wire.TRANSACTION_ID, "")

    @property
    def text(self) -> str:
        """The body as one line; empty if it is an HTML page, which only repeats the status."""
        if self.headers.get(wire.CONTENT_TYPE, "").startswith("text/html") and b"<html" in self.body:
            return ""
        return " ".join(self.body.decode("utf-8", "replace").split())[:2000]

    @property
    def was_turned_away(self) -> bool:
        """Whether a 503 means overload rather than a failed storlet.

        A load balancer's 503 has no transaction id, which Swift gives every request; Swift's has no ``Retry-After``.
        """
        is_bare = self.status == 503 and wire.FAILURE not in self.headers
        return is_bare and (wire.RETRY_AFTER in self.headers or not self.transaction_id)


def error_of_answer(request: Request, answer: FailedAnswer) -> StorletShellError:
    """Turn a failed response into an error, and attach the response to it."""
    error = _error(request, answer)
    error.answer = answer
    return error


def _error(request: Request, answer: FailedAnswer) -> StorletShellError:
    fields: dict[str, Any] = {"status": answer.status, "transaction_id": answer.transaction_id}
    if answer.status == 400 and wire.is_account_disabled(answer.body):
        text, hint = "the account isn't enabled for storlets", Hint(Action.ENABLE_ACCOUNT)
        return StorletShellError(text, subject=request.subject, hint=hint, **fields)
    if answer.status == 404 and request.method == "PUT" and request.name:
        hint = Hint(Action.MAKE_CONTAINER, (request.container,))
        return NotFoundError("container {subject} doesn't exist", subject=request.container, hint=hint, **fields)
    fields["subject"] = request.subject
    kind, meaning = error_of_status(request, answer.status, answer.headers)
    if kind is OverloadedError or answer.was_turned_away:
        pause = wire.read_retry_after(answer.headers)
        return OverloadedError(f"{meaning} (HTTP {answer.status})", retry_after=pause, **fields)
    text = answer.text if answer.status in _EXPLAINED else ""
    return kind(f"{meaning}{f': {text}' if text else ''} (HTTP {answer.status})", **fields)


def redirection(headers: Mapping[str, str]) -> str:
    """Describe a redirect; none is followed, since the token would go to another server."""
    location = without_password(headers.get(wire.LOCATION, ""))
    if not location:
        return "the server redirects the request without saying where"
    return f"redirected to {location}; redirects aren't followed, so use that URL if you trust it"


def _not_done(request: Request, status: int) -> str:
    if status == 202 and request.method == "PUT":
        return "not stored: the server has a newer version; check the clocks"
    if status == 204 and request.method == "GET":
        return "the server returned no content"
    if status == 206:
        return "the server returned a part of the object, which wasn't requested"
    return "unexpected response; the request may not have been carried out"
