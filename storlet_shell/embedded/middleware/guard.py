"""Three filters of the proxy that keep a request for a storlet within what its sender may do.

Such a request names more than the object in its URL: a storlet, further inputs, a source to copy, a log. Whoever
authorizes it must have judged all of them. The storlets middleware relies on the pipeline around it for that, and so:

``door``, before everything that authorizes, takes away what only servers may say;
``guard``, right after it, refuses what the authorization doesn't cover;
``inside``, right inside the storlets middleware, watches the requests that it makes itself.
"""

from __future__ import annotations

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

_RUN, _LOG, _ON_PROXY = "HTTP_X_RUN_STORLET", "HTTP_X_STORLET_GENERATE_LOG", "HTTP_X_STORLET_RUN_ON_PROXY"

# What a client may send of X-Storlet-*. The middleware in the proxy sends others to the object server, with what the
# deployed storlet says of itself (augment_storlet_request), but leaves alone those of which the storlet says nothing.
_CLIENTS = (
    "HTTP_X_STORLET_CONTAINER_READ",
    "HTTP_X_STORLET_EXTRA_RESOURCES",
    "HTTP_X_STORLET_GENERATE_LOG",
    "HTTP_X_STORLET_NAME",
    "HTTP_X_STORLET_PARAMETER",  # and whatever follows it: -1, -2
    "HTTP_X_STORLET_RANGE",
    "HTTP_X_STORLET_RUN_ON_PROXY",
    "HTTP_X_STORLET_SHELL_ALLOW_UNREAD",
)

# Headers that name another object than the URL does. X-Copy-From is one too, which Swift's tempurl itself refuses.
_POINTERS = (_RUN, "HTTP_X_STORLET_")

# The middleware keeps the right to run a storlet as the referrer storlets.USER_STORLET of a container's read ACL.
_GRANT = "storlets"

_AGENT = "ST"  # as the middleware signs its requests for further inputs
_LOGS = get_container_names({})["log"]

# In a request's cache, which its subrequests share (wsgi.py, make_env): the storlet that it runs.
_STORLET = "storlet_shell.storlet"


class Door:
    """The filter before authentication."""

    def __init__(self, app: WSGI) -> None:
        self._app = app

    def __call__(self, env: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        for name in [name for name in env if name.startswith("HTTP_X_STORLET_") and not name.startswith(_CLIENTS)]:
            del env[name]
        # The user's name, by which grants to run a storlet go: Keystone's filter sets it, tempauth's leaves it alone.
        env.pop("HTTP_X_USER_NAME", None)
        answer = self._app
        if _GRANT in _referrer(env):
            answer = HTTPForbidden(request=Request(env), body=f"A referrer can't be named {_GRANT}.\n")
        elif _is_form(env) and _has_pointer(env):
            answer = _refusal(env, "form")
        return answer(env, start_response)


class Guard:
    """The filter after authentication.

    Where ``swift.authorize_override`` is set, somebody's signature stands for the user: a temporary URL's, for example.
    It was made for the URL's object, but what it authorizes is its account or container (Swift's ``tempurl.py``,
    ``authorize_same_account``).
    """

    def __init__(self, app: WSGI) -> None:
        self._app = app

    def __call__(self, env: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        answer = None
        if env.get("swift.authorize_override") and _has_pointer(env):
            answer = _refusal(env, "temporary URL")
        elif _RUN in env:
            env.setdefault("HTTP_X_USER_NAME", "")  # the middleware asks for it without looking whether it is there
            env.setdefault("swift.infocache", {})[_STORLET] = env[_RUN]
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
            if _RUN in env and _GRANT in _referrer(env):
                # The user may not read the object, only run a storlet over it. An object server does not run it over
                # manifests, nor where a manifest is asked for (StorletObjectHandler.GET); the proxy always does.
                env[_ON_PROXY] = ""
            elif env.get("HTTP_USER_AGENT") == _AGENT and _RUN not in env:
                return self._further_input(env, start_response)
        return self._app(env, start_response)

    def _further_input(self, env: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a further input of a storlet's; the middleware would feed it an error page like any other.

        :raises InvocationError: there is no such input for this user
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


def _has_pointer(env: dict[str, Any]) -> bool:
    return any(name.startswith(_POINTERS) for name in env)


def _is_form(env: dict[str, Any]) -> bool:
    """Tell whether a request is a form's, which formpost authorizes."""
    kind: str = env.get("CONTENT_TYPE", "")
    return env["REQUEST_METHOD"] == "POST" and kind.lower().startswith("multipart/form-data")


def _referrer(env: dict[str, Any]) -> str:
    """Return the host of a request's referrer as Swift reads it (``acl.py``, ``referrer_allowed``).

    That is in small letters and without tabs, where the middleware looks at the header as it stands.
    """
    try:
        return urlsplit(env.get("HTTP_REFERER", "")).hostname or ""
    except ValueError:  # Swift would answer 500
        del env["HTTP_REFERER"]
        return ""


def _refusal(env: dict[str, Any], what: str) -> Response:
    text = f"A {what} is for one object; it runs no storlet.\n"
    return HTTPUnauthorized(request=Request(env), body=text, content_type="text/plain")


def _refuse_log(env: dict[str, Any], app: WSGI) -> Response | None:
    """Return the refusal of a log that this user may not store; the engine stores it with rights of its own."""
    request = Request(env)
    parts = request.path_info.split("/", 4)
    if len(parts) < 5:
        return None
    log = Request({**env, "REQUEST_METHOD": "PUT"})
    log.path_info = "/".join([*parts[:3], _LOGS, log_name(env[_RUN])])
    log.acl = get_container_info(log.environ, app, swift_source=_AGENT)["write_acl"]
    refused: Response | None = env["swift.authorize"](log) if "swift.authorize" in env else None
    return refused


def door_factory(_global_conf: dict[str, str], **_local_conf: str) -> Callable[[WSGI], Door]:
    """Return what paste makes the filter before authentication with."""
    return Door


def guard_factory(_global_conf: dict[str, str], **_local_conf: str) -> Callable[[WSGI], Guard]:
    """Return what paste makes the filter after authentication with."""
    return Guard


def inside_factory(_global_conf: dict[str, str], engine: str, **_others: str) -> Callable[[WSGI], Inside]:
    """Return what paste makes the filter inside the storlets middleware with.

    :param engine: the engine's name
    """
    return lambda app: Inside(app, engine_of(engine))
