"""Three filters of the proxy that limit a storlet request to what its sender may do.

Such a request names more objects than the one in its URL: a storlet, additional inputs, a source to copy, a log. All of
them must have been authorized. The storlets middleware relies on the surrounding pipeline for that, so:

``door``, before all authorization, removes headers that only servers may send;
``guard``, right after it, refuses what the authorization doesn't cover;
``inside``, right inside the storlets middleware, checks the requests that the middleware makes itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from storlets.swift_middleware.handlers.base import get_container_names
from swift.common.swob import HTTPForbidden, HTTPUnauthorized, Request, Response
from swift.common.utils import config_true_value
from swift.proxy.controllers.base import get_container_info

from storlet_shell.embedded.engine.failures import Failure, InvocationError
from storlet_shell.embedded.engine.service import Engine, engine_of, log_name

WSGI = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

RUN = "HTTP_X_RUN_STORLET"
"""The name of a storlet, in a request's environment."""

ON_PROXY = "HTTP_X_STORLET_RUN_ON_PROXY"
"""The header that runs a storlet on the proxy, whatever its value, in a request's environment."""

_LOG = "HTTP_X_STORLET_GENERATE_LOG"

# The X-Storlet-* headers that a client may send. The middleware in the proxy sends others to the object server, set
# from the deployed storlet (augment_storlet_request), but leaves those alone that the storlet doesn't define.
_CLIENTS = (
    "HTTP_X_STORLET_CONTAINER_READ",
    "HTTP_X_STORLET_EXTRA_RESOURCES",
    "HTTP_X_STORLET_GENERATE_LOG",
    "HTTP_X_STORLET_NAME",
    "HTTP_X_STORLET_PARAMETER",  # and every suffix: -1, -2
    "HTTP_X_STORLET_RANGE",
    "HTTP_X_STORLET_RUN_ON_PROXY",
    "HTTP_X_STORLET_SHELL_ALLOW_UNREAD",
)

# Headers that name another object than the URL does. X-Copy-From is one as well; Swift's own tempurl refuses it.
_POINTERS = (RUN, "HTTP_X_STORLET_")

# The middleware stores the right to run a storlet as the referrer storlets.USER_STORLET in a container's read ACL.
_GRANT = "storlets"

_AGENT = "ST"  # the middleware's user agent in requests for additional inputs
_LOGS = get_container_names({})["log"]

# In a request's cache, which its subrequests share (wsgi.py, make_env): the storlet that it runs.
_STORLET = "storlet_shell.storlet"

_USER = "HTTP_X_STORLET_SHELL_USER"  # for the engine, whichever server it runs on: see invocation.USER


class Door:
    """The filter before authentication."""

    def __init__(self, app: WSGI) -> None:
        self._app = app

    def __call__(self, env: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        for name in [name for name in env if name.startswith("HTTP_X_STORLET_") and not name.startswith(_CLIENTS)]:
            del env[name]
        # The user's name, which grants to run a storlet refer to: Keystone's filter sets it, tempauth's doesn't.
        env.pop("HTTP_X_USER_NAME", None)
        answer = self._app
        if _GRANT in _referrer(env):
            answer = HTTPForbidden(request=Request(env), body=f"A referrer can't be named {_GRANT}.\n")
        elif _is_form(env) and pointers(env):
            answer = _refusal(env, "form")
        return answer(env, start_response)


class Guard:
    """The filter after authentication.

    If ``swift.authorize_override`` is set, a signature stands in for the user, such as a temporary URL's. It was made
    for the object in the URL, but it authorizes the whole account or container (Swift's ``tempurl.py``,
    ``authorize_same_account``).
    """

    def __init__(self, app: WSGI) -> None:
        self._app = app

    def __call__(self, env: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        answer = None
        if env.get("swift.authorize_override") and pointers(env):
            answer = _refusal(env, "temporary URL")
        elif RUN in env:
            env.setdefault("HTTP_X_USER_NAME", "")  # the middleware reads it without checking that it exists
            env.setdefault("swift.infocache", {})[_STORLET] = env[RUN]
            env[_USER] = _user(env)
            if config_true_value(env.get(_LOG)):
                answer = _refuse_log(env, self._app)
        return (answer or self._app)(env, start_response)


class Inside:
    """The filter inside the storlets middleware."""

    def __init__(self, app: WSGI, engine: Engine) -> None:
        self._app, self._engine = app, engine

    def __call__(self, env: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        if env["REQUEST_METHOD"] == "GET":
            if RUN in env and _GRANT in _referrer(env):
                # The user may only run a storlet over the object, not read it. An object server doesn't run it over
                # manifests, nor when a manifest is requested (StorletObjectHandler.GET); the proxy always does.
                env[ON_PROXY] = ""
                env[_USER] = ""
            elif env.get("HTTP_USER_AGENT") == _AGENT and RUN not in env:
                return self._further_input(env, start_response)
        return self._app(env, start_response)

    def _further_input(self, env: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer with an additional input; the middleware would feed an error page to the storlet like any other input.

        :raises InvocationError: if the input doesn't exist for this user
        """
        storlet = env.get("swift.infocache", {}).get(_STORLET)
        answer = Request(env).get_response(self._app)
        if storlet and not answer.is_success:
            path = env["PATH_INFO"].split("/", 3)[-1].encode("latin-1").decode(errors="replace")
            failure = Failure("input", f"its input /{path} can't be read: {answer.status}")
            self._engine.journal.fail(env["swift.trans_id"], storlet, failure)
            raise InvocationError(failure)
        body: Iterable[bytes] = answer(env, start_response)
        return body


def _user(env: dict[str, Any]) -> str:
    """Return what identifies a request's user, in a form that fits a header; empty for an unknown one."""
    identity = env.get("keystone.identity")  # set by keystoneauth; tempauth sets the name and its groups
    name = repr(identity["user"]) if identity else env.get("REMOTE_USER") or ""
    return hashlib.sha256(name.encode()).hexdigest() if name else ""


def pointers(env: dict[str, Any]) -> list[str]:
    """Return the names of the headers in a request's environment that name another object than its URL does."""
    return [name for name in env if name.startswith(_POINTERS)]


def _is_form(env: dict[str, Any]) -> bool:
    """Tell whether a request is a form's, which formpost authorizes."""
    kind: str = env.get("CONTENT_TYPE", "")
    return env["REQUEST_METHOD"] == "POST" and kind.lower().startswith("multipart/form-data")


def _referrer(env: dict[str, Any]) -> str:
    """Return the host of a request's referrer as Swift reads it (``acl.py``, ``referrer_allowed``).

    That is in lower case and without tabs, while the middleware uses the header unchanged.
    """
    try:
        return urlsplit(env.get("HTTP_REFERER", "")).hostname or ""
    except ValueError:  # Swift would answer 500
        del env["HTTP_REFERER"]
        return ""


def _refusal(env: dict[str, Any], signature: str) -> Response:
    text = f"A {signature} is for one object; it can't run storlets.\n"
    return HTTPUnauthorized(request=Request(env), body=text, content_type="text/plain")


def _refuse_log(env: dict[str, Any], app: WSGI) -> Response | None:
    """Return a refusal if this user may not store the log; the engine stores it with its own rights."""
    request = Request(env)
    parts = request.path_info.split("/", 4)
    if len(parts) < 5:
        return None
    log = Request({**env, "REQUEST_METHOD": "PUT"})
    log.path_info = "/".join([*parts[:3], _LOGS, log_name(env[RUN])])
    log.acl = get_container_info(log.environ, app, swift_source=_AGENT)["write_acl"]
    refused: Response | None = env["swift.authorize"](log) if "swift.authorize" in env else None
    return refused


def door_factory(_global_conf: dict[str, str], **_local_conf: str) -> Callable[[WSGI], Door]:
    """Return the factory of the filter before authentication, for paste."""
    return Door


def guard_factory(_global_conf: dict[str, str], **_local_conf: str) -> Callable[[WSGI], Guard]:
    """Return the factory of the filter after authentication, for paste."""
    return Guard


def inside_factory(_global_conf: dict[str, str], engine: str, **_others: str) -> Callable[[WSGI], Inside]:
    """Return the factory of the filter inside the storlets middleware, for paste.

    :param engine: the engine's name
    """
    return lambda app: Inside(app, engine_of(engine))
