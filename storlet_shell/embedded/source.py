"""A filter of the proxy that keeps a failed copy's error page from being stored as the object.

The storlets middleware (``base_handle_copy_request``) does not look at the status of the source's answer before it puts
the answer's body: of a missing source, and of one whose storlet failed on the object server. This filter stands right
inside the middleware and sees both requests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from swift.common.swob import Request, Response
from swift.common.utils import close_if_possible

WSGI = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

MARK = "storlet_shell.copy"
"""In the environment of a copy through a storlet: a dictionary that its subrequests share."""


class Source:
    """The filter."""

    def __init__(self, app: WSGI) -> None:
        self._app = app

    def __call__(self, env: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        copy = env.get(MARK)
        if copy is None or env["REQUEST_METHOD"] not in ("GET", "PUT"):
            return self._app(env, start_response)
        answer: Response
        if env["REQUEST_METHOD"] == "GET":
            answer = Request(env).get_response(self._app)
            copy["status"] = answer.status
        elif copy.get("status", "200").startswith("2"):
            return self._app(env, start_response)
        else:
            close_if_possible(env["wsgi.input"])
            text = f"The source could not be read: {copy['status']}\n"
            answer = Response(
                status=copy["status"], body=text.encode(), content_type="text/plain", request=Request(env)
            )
        body: Iterable[bytes] = answer(env, start_response)
        return body


def filter_factory(_global_conf: dict[str, str], **_local_conf: str) -> Callable[[WSGI], Source]:
    """Return what paste makes this filter with."""
    return Source
