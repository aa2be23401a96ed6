"""A filter of the object server that prevents running storlets over a dynamic large object's manifest.

The storlets middleware (``handlers/obj.py: GET``) recognizes every other kind of object that a node can't run over. For
this kind it would run the storlet over the manifest, which is empty, and the proxy would replace the result by the
segments. The middleware decides where to run after it has the object, so the answer can still be: on the proxy. Then
nothing runs here, as for the other kinds, and the client's second request, to the proxy, is the storlet's first run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from storlet_shell.embedded.middleware.cache import WSGI

_MANIFEST = "x-object-manifest"


def filter_factory(_global_conf: dict[str, str], **_local_conf: str) -> Callable[[WSGI], WSGI]:
    """Return the factory of this filter, for paste."""

    def manifests(app: WSGI) -> WSGI:
        def answer(env: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            if env["REQUEST_METHOD"] != "GET" or "HTTP_X_RUN_STORLET" not in env:
                return app(env, start_response)

            def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
                if any(name.lower() == _MANIFEST for name, _ in headers):
                    env["HTTP_X_STORLET_RUN_ON_PROXY"] = ""
                return start_response(status, headers, *error)

            return app(env, start)

        return answer

    return manifests
