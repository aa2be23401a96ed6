"""A filter of the proxy that prevents anything but a storlet's result from being stored by a copy.

The storlets middleware (``base_handle_copy_request``) stores whatever answer it gets for the source: the error page of
a missing source or a storlet that failed on the object server, and the source itself if object servers return it
unchanged. This filter is right inside the middleware and sees both requests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from swift.common.swob import Request, Response
from swift.common.utils import close_if_possible

from storlet_shell.embedded.engine.service import engine_of
from storlet_shell.wire.headers import FAILURE, UNRUN

WSGI = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

MARK = "storlet_shell.copy"
"""In the environment of a copy through a storlet: a dictionary shared with its subrequests."""


class Source:
    """The filter.

    :param name: the engine's
    """

    def __init__(self, app: WSGI, name: str) -> None:
        self._app, self._name = app, name

    def __call__(self, env: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        copy = env.get(MARK)
        if copy is None or env["REQUEST_METHOD"] not in ("GET", "PUT"):
            return self._app(env, start_response)
        answer: Response
        if env["REQUEST_METHOD"] == "GET":
            answer = Request(env).get_response(self._app)
            copy["status"] = answer.status
        elif not copy.get("status", "200").startswith("2"):
            answer = _refusal(env, copy["status"], f"The source can't be read: {copy['status']}\n")
        elif not engine_of(self._name).journal.place(env.get("swift.trans_id", "")):
            text = "Object servers return the source without running a storlet; send X-Storlet-Run-On-Proxy\n"
            answer = _refusal(env, "409 Conflict", text)
            answer.headers[FAILURE] = UNRUN
        else:
            return self._app(env, start_response)
        body: Iterable[bytes] = answer(env, start_response)
        return body


def _refusal(env: dict[str, Any], status: str, text: str) -> Response:
    """Return the answer to a PUT whose body must not be stored."""
    close_if_possible(env["wsgi.input"])
    return Response(status=status, body=text.encode(), content_type="text/plain", request=Request(env))


def filter_factory(_global_conf: dict[str, str], engine: str, **_others: str) -> Callable[[WSGI], Source]:
    """Return the factory of this filter, for paste.

    :param engine: the engine's name
    """
    return lambda app: Source(app, engine)
