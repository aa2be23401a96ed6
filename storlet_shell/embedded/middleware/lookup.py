"""Two filters that answer the storlets middleware's lookups of a storlet from memory.

The middleware requests the storlet object before each invocation (``verify_access_to_storlet``): a request through
proxy and object server, as expensive as a plain GET. All servers share one process here, so every change to an object
passes through one place, and an answer is valid until then. Access to the storlet is checked each time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from swift.common.swob import Request, Response
from swift.proxy.controllers.base import get_container_info

from storlet_shell.embedded.engine.lookups import Lookups
from storlet_shell.embedded.engine.service import engine_of

WSGI = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_SOURCE = "ST"  # the middleware's mark on its own requests
# Objects that stand for others, or that expire: their changes can't be seen here.
_UNSTEADY = ("Content-Location", "X-Delete-At", "X-Object-Version-Id", "X-Static-Large-Object", "X-Symlink-Target")


class Lookup:
    """The proxy's filter, right inside the storlets middleware."""

    def __init__(self, app: WSGI, lookups: Lookups) -> None:
        self._app, self._lookups = app, lookups

    def __call__(self, env: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        if env["REQUEST_METHOD"] != "HEAD" or env.get("swift.source") != _SOURCE:
            return self._app(env, start_response)
        body: Iterable[bytes] = self._head(Request(env))(env, start_response)
        return body

    def _head(self, request: Request) -> Response:
        path = request.path_info.split("/", 2)[2]
        headers = self._lookups.get(path)
        if headers is not None and self._is_allowed(request):
            return Response(headers=dict(headers), request=request)
        changes = self._lookups.changes
        answer = request.get_response(self._app)
        if answer.status_int == 200 and not any(name in answer.headers for name in _UNSTEADY):
            self._lookups.keep(path, list(answer.headers.items()), changes)
        return answer

    def _is_allowed(self, request: Request) -> bool:
        """Check access as the proxy does (``swift/proxy/controllers/obj.py``, ``GETorHEAD``); it refuses itself."""
        info = get_container_info(request.environ, self._app, swift_source=_SOURCE)
        request.acl = info["read_acl"]
        authorize = request.environ.get("swift.authorize")
        return 200 <= int(info["status"]) < 300 and (authorize is None or authorize(request) is None)


class Changes:
    """The object server's filter, which sees every change to an object."""

    def __init__(self, app: WSGI, lookups: Lookups) -> None:
        self._app, self._lookups = app, lookups

    def __call__(self, env: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        if env["REQUEST_METHOD"] in ("GET", "HEAD"):
            return self._app(env, start_response)
        path = env["PATH_INFO"].split("/", 3)[-1]  # /device/partition/account/container/object
        try:
            return self._app(env, start_response)
        finally:
            self._lookups.forget(path)


def lookup_factory(_global_conf: dict[str, str], engine: str, **_others: str) -> Callable[[WSGI], Lookup]:
    """Return the factory of the proxy's filter, for paste.

    :param engine: the engine's name
    """
    return lambda app: Lookup(app, engine_of(engine).lookups)


def changes_factory(_global_conf: dict[str, str], engine: str, **_others: str) -> Callable[[WSGI], Changes]:
    """Return the factory of the object server's filter, for paste.

    :param engine: the engine's name
    """
    return lambda app: Changes(app, engine_of(engine).lookups)
