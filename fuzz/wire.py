"""A server that sends the fuzzer's bytes: the real client over the real HTTP libraries, without real sockets."""

from __future__ import annotations

import io
from typing import Any

from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection

from storlet_shell.errors import ServiceError
from storlet_shell.identity.login import Login
from storlet_shell.identity.values import Credentials
from storlet_shell.session import Session, Surroundings
from storlet_shell.values import Connection
from storlet_shell.wire.client import Client
from storlet_shell.wire.transport import Transport

_URL = "http://127.0.0.1:9/v1/AUTH_test"
_LOGIN = Login(Credentials("the fuzzer", "token", _URL, secret="a token"), Connection(direct=True))


class Server:
    """Sends the same bytes to all requests in sequence; reading beyond their end finds the connection closed.

    It serves any number of sessions, one after the other.
    """

    def __init__(self) -> None:
        self.answers = io.BytesIO()
        self.transport = Transport(_URL, _LOGIN.connection)

    @property
    def is_silent(self) -> bool:
        """Whether everything has been sent."""
        return self.answers.tell() == len(self.answers.getbuffer())

    def session(self, surroundings: Surroundings, answers: bytes) -> Session:
        """Return a session whose requests go to this server.

        :param answers: the bytes to send
        """
        self.answers = io.BytesIO(answers)
        self.transport._connection._pool = _Pool(self)  # with connections that no earlier session has used
        return _Session(surroundings, _Client(self))


class _Session(Session):
    """A session that has logged in."""

    def __init__(self, surroundings: Surroundings, client: Client) -> None:
        super().__init__(surroundings)
        self._only_client = client

    @property
    def client(self) -> Client:
        """The client of the fuzzed server."""
        return self._only_client


class _Client(Client):
    """A client that retries without pauses, and only while there are answers."""

    def __init__(self, server: Server) -> None:
        super().__init__(_LOGIN)
        self._server = server
        self._transport = server.transport

    def another(self, endpoint: str = "") -> Client:
        """Return a client of the same server."""
        return _Client(self._server)

    def _pause(self, attempts_left: int) -> None:  # type: ignore[override]  # it is called as if it were no method
        if self._server.is_silent:
            raise ServiceError("the server has nothing more to say")


class _Pool(HTTPConnectionPool):
    """Connections to the server that bypass the system's sockets."""

    def __init__(self, server: Server) -> None:
        super().__init__("127.0.0.1", 9)
        self._server = server

    def _new_conn(self) -> HTTPConnection:  # type: ignore[override]  # it is all that is used of one
        connection = _Connection(self.host, self.port)
        connection.server = self._server
        return connection


class _Connection(HTTPConnection):
    server: Server

    @property
    def is_connected(self) -> bool:
        """Whether it has a socket."""
        return self.sock is not None

    def connect(self) -> None:
        """Use a socket that reads the server's answers."""
        self.sock = _Socket(self.server)  # type: ignore[assignment]  # it is all that is used of one


class _Socket:
    """The parts of a socket that ``http.client`` and urllib3 use; what one answer leaves starts the next."""

    def __init__(self, server: Server) -> None:
        self._answers = server.answers

    def makefile(self, *_: Any, **__: Any) -> _Answer:
        """Return a file over the next answer."""
        return _Answer(self._answers)

    def sendall(self, _: Any) -> None:
        """Discard the request."""

    def settimeout(self, _: Any) -> None:
        """Ignore the timeout: answers never wait."""

    def shutdown(self, _: int) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class _Answer(io.BufferedIOBase):
    """One answer's file; closing it leaves the following bytes for the next."""

    def __init__(self, answers: io.BytesIO) -> None:
        self._answers = answers

    def read(self, size: int | None = -1) -> bytes:
        """Read bytes of the answer."""
        return self._answers.read(size)

    def read1(self, size: int = -1) -> bytes:
        """Read bytes of the answer, as if from one packet."""
        return self._answers.read1(size)

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer from the answer."""
        return self._answers.readinto(buffer)

    def readline(self, size: int | None = -1) -> bytes:
        """Read a line of the answer."""
        return self._answers.readline(size)

    def readable(self) -> bool:
        """Return True: it can be read."""
        return True
