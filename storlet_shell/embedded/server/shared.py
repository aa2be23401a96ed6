"""Objects of the server's process that the processes of additional proxies call.

In a cloud, proxies share memcached; here they share the first one's cache and journal. Calls and answers are pickled:
both ends are ours, connected by a Unix socket that accepts no other process.
"""

from __future__ import annotations

import pickle
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import eventlet
from eventlet.green import socket

from storlet_shell.embedded.server import backends

_LENGTH = struct.Struct("!Q")


def serve(objects: Mapping[str, Any], listener: backends.OwnListener) -> None:
    """Answer calls of the objects' methods, with a green thread for each connection; never returns."""
    while True:
        connection, _ = listener.accept()
        eventlet.spawn(_answer, objects, connection)


def _answer(objects: Mapping[str, Any], connection: Any) -> None:
    with connection, connection.makefile("rwb") as stream:
        while (call := _receive(stream)) is not None:
            name, method, arguments, options = call
            try:
                result = getattr(objects[name], method)(*arguments, **options)
                answer = (True, list(result) if isinstance(result, Iterator) else result)
            except Exception as error:
                answer = (False, error)
            _send(stream, answer)


class Remote:
    """An object in the server's process.

    :param name: its name among the shared objects
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._idle: list[Any] = []  # connections, each used by one call at a time

    def __getattr__(self, method: str) -> Callable[..., Any]:
        if method.startswith("__"):
            raise AttributeError(method)

        def call(*arguments: Any, **options: Any) -> Any:
            stream = self._idle.pop() if self._idle else _connect()
            _send(stream, (self._name, method, arguments, options))
            answer = _receive(stream)
            if answer is None:
                raise OSError("the embedded Swift's server is gone")
            self._idle.append(stream)
            is_good, result = answer
            if not is_good:
                raise result
            return result

        return call


def _connect() -> Any:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(str(backends.SOCKETS / backends.SHARED))
    return connection.makefile("rwb")


def _send(stream: Any, message: Any) -> None:
    content = pickle.dumps(message)
    stream.write(_LENGTH.pack(len(content)) + content)
    stream.flush()


def _receive(stream: Any) -> Any:
    """Return the next message; None at the end."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    return pickle.loads(stream.read(*_LENGTH.unpack(head)))  # noqa: S301  see above
