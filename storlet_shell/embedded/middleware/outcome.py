"""A filter of the proxy that reports a storlet's outcome: where it ran, why it failed, what it logged.

If a storlet fails on an object server, the proxy replaces its 503 by a page of its own; but all servers share one
process, so the journal knows the reason. The filter is inside authentication and outside the storlets middleware.

``GET /v1/ACCOUNT?storlet-log=STORLET[&transaction=ID]`` returns the log of a storlet's invocations to users who may
list the account.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from eventlet.patcher import original
from swift.common.registry import register_swift_info
from swift.common.swob import HTTPForbidden, HTTPNotFound, Request, Response
from swift.common.utils import close_if_possible

from storlet_shell.embedded.engine.failures import Failure, encode
from storlet_shell.embedded.engine.service import Engine, engine_of
from storlet_shell.embedded.middleware.source import MARK
from storlet_shell.wire.headers import FAILURE, RAN_ON

WSGI = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
_TEXT = ("Content-Type", "text/plain; charset=utf-8")
_HELD_BACK = 4096
_STORED = "HTTP_X_STORLET_SHELL_STORED"  # for the engine, whichever server it runs on: see invocation.STORED
_socket = original("socket")


class WholeInput:
    """A request's body that raises an error when it is cut off; eventlet's would just end.

    The storlets middleware doesn't compare a body's length with Content-Length; half an upload would pass as a whole
    input.
    """

    def __init__(self, source: Any, length: int) -> None:
        self._source, self._remaining = source, length

    def read(self, *arguments: int) -> bytes:
        """Read like the request's own input.

        :raises OSError: if the client disconnects
        """
        data: bytes = self._source.read(*arguments)
        self._remaining -= len(data)
        if not data and self._remaining > 0 and arguments != (0,):
            raise OSError(f"the client went away, {self._remaining} bytes before the end")
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)


class Outcome:
    """The filter.

    :param name: the engine's
    """

    def __init__(self, app: WSGI, name: str) -> None:
        self._app, self._name = app, name

    @property
    def _engine(self) -> Engine:
        return engine_of(self._name)

    def __call__(self, env: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        if "HTTP_X_RUN_STORLET" in env:
            return self._run(env, start_response)
        if "storlet-log=" in env.get("QUERY_STRING", "") and env["REQUEST_METHOD"] in ("GET", "HEAD"):
            request = Request(env)
            parts = request.path_info.strip("/").split("/")
            if len(parts) == 2 and "storlet-log" in request.params:
                body: Iterable[bytes] = self._log(request, parts[1])(env, start_response)
                return body
        return self._app(env, start_response)

    def _log(self, request: Request, account: str) -> Response:
        """Return the log of a storlet's invocations."""
        authorize = request.environ.get("swift.authorize")
        refused = authorize(request) if authorize else HTTPForbidden(request=request)
        if refused is not None:
            return refused
        storlet, transaction = request.params["storlet-log"], request.params.get("transaction")
        records = self._engine.journal.read(account, storlet)
        text = "".join(record.render() for record in records if transaction in (None, record.transaction))
        if not text:
            return HTTPNotFound(request=request, body=f"No log of {storlet}.\n", content_type=_TEXT[1])
        return Response(request=request, body=encode(text), content_type="text/plain", charset="utf-8")

    def _run(self, env: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        transaction = env.get("swift.trans_id", "")
        journal = self._engine.journal
        journal.announce(transaction, f"{env['REQUEST_METHOD']} {env.get('RAW_PATH_INFO') or env['PATH_INFO']}")
        if env["REQUEST_METHOD"] == "PUT" and env.get("CONTENT_LENGTH"):
            env["wsgi.input"] = WholeInput(env["wsgi.input"], int(env["CONTENT_LENGTH"]))
        if env["REQUEST_METHOD"] == "COPY" or "HTTP_X_COPY_FROM" in env:
            env[MARK] = {}
        env.pop(_STORED, None)  # even if the client sent it
        if env["REQUEST_METHOD"] in ("PUT", "COPY"):
            env[_STORED] = "True"
        answer: list[Any] = []
        body: Iterable[bytes] = ()
        try:
            body = self._app(env, lambda *arguments: answer.extend(arguments))
            chunks = iter(body)
            first = _begin(chunks)
        except BaseException:
            close_if_possible(body)
            journal.forget(transaction)
            failed = journal.failure(transaction)
            if failed is None:
                raise
            return _tell(start_response, "500 Internal Server Error", [], *failed)
        failed = journal.failure(transaction)
        if failed is not None and answer[0].startswith(("4", "5")):
            close_if_possible(body)
            journal.forget(transaction)
            return _tell(start_response, answer[0], answer[1], *failed)
        place = journal.place(transaction) if answer[0].startswith("2") else ""
        start_response(answer[0], _placed(answer[1], place), *answer[2:])
        return _Body(first, chunks, body, env, lambda: journal.forget(transaction))


def _begin(chunks: Iterator[bytes]) -> bytes:
    """Return a body's first bytes: as many as eventlet buffers before it sends anything (``wsgi.py``: 4096).

    A storlet that fails before that makes the request fail, with a reason.
    """
    first = b""
    for chunk in chunks:
        first += chunk
        if len(first) >= _HELD_BACK:
            break
    return first


def _placed(headers: list[tuple[str, str]], place: str) -> list[tuple[str, str]]:
    """Return an answer's headers with the one that says where the storlet ran.

    Only the engine may set it: a header of that name from anywhere else is dropped.

    :param place: empty if nothing has run
    """
    others = [header for header in headers if header[0].lower() != RAN_ON.lower()]
    return [*others, (RAN_ON, place)] if place else others


class _Body:
    """A storlet's body; if it breaks off, so does the connection."""

    def __init__(
        self, first: bytes, chunks: Iterator[bytes], source: Any, env: dict[str, Any], over: Callable[[], None]
    ) -> None:
        self._first, self._chunks, self._source, self._env, self._over = first, chunks, source, env, over

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield self._first
            yield from self._chunks
        except Exception:
            # In HTTP/1.1 the last chunk is missing. In HTTP/1.0 the connection's end is the body's end, so reset it.
            if self._env["SERVER_PROTOCOL"] == "HTTP/1.0":
                _reset(self._env)
            raise

    def close(self) -> None:
        """End the request."""
        close_if_possible(self._source)
        self._over()


def _tell(
    start_response: Callable[..., Any], status: str, headers: list[tuple[str, str]], storlet: str, failure: Failure
) -> list[bytes]:
    """Send a failure with its reason."""
    body = encode(f"{failure.line(storlet)}\n")
    replaced = {"content-length", "content-type", "etag", "last-modified"}
    others = [header for header in headers if header[0].lower() not in replaced]
    start_response(status, [*others, _TEXT, ("Content-Length", str(len(body))), (FAILURE, failure.kind)])
    return [body]


def _reset(env: dict[str, Any]) -> None:
    """Make the kernel reset the client's connection immediately, instead of closing it normally."""
    connection = env["eventlet.input"].get_socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # eventlet shuts connections down before closing them, which would end them normally; so replace this one's socket
    # by another one that was never connected.
    with _socket.socket() as stand_in:
        os.dup2(stand_in.fileno(), connection.fileno())


def filter_factory(global_conf: dict[str, str], **local_conf: str) -> Callable[[WSGI], Outcome]:
    """Return the factory of this filter, for paste; its option ``engine`` is the engine's name."""
    name = {**global_conf, **local_conf}["engine"]
    engine = engine_of(name)
    register_swift_info("storlet_shell", logs=True, names_places=True, sandbox=engine.sandbox.as_data())
    return lambda app: Outcome(app, name)
