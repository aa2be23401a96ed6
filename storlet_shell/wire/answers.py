"""Answers as http.client reads them: interim ones skipped, the head in time, and nothing that follows taken for one."""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import Any


class FinalAnswer(http.client.HTTPResponse):
    """The final answer to a request; those before it are interim (RFC 9110, 15.2) and tell nothing that matters here.

    http.client (``HTTPResponse.begin``) skips 100 only, and would take 102 and 103 for the answer.
    """

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not 100 <= status < 200 or status == http.client.SWITCHING_PROTOCOLS:
                return version, status, reason
            http.client.parse_headers(self.fp)


class TimelyAnswer(FinalAnswer):
    """An answer whose head must have come within the time-out.

    The socket's own time-out starts anew with each byte, so that a server could keep a client waiting for ever.
    """

    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self._reader = _Reader(sock, self.fp.detach())
        self.fp = io.BufferedReader(self._reader)

    def begin(self) -> None:
        """Read the head."""
        super().begin()
        if self.length == 0 and (self.status == http.client.SWITCHING_PROTOCOLS or self._reader.has_more(self.fp)):
            self.will_close = True  # what follows is no answer to the next request: a HEAD's or a 204's body, say
        self._reader.be_patient()


class _Reader(io.RawIOBase):
    """Reads a socket, at first within its time-out all in all, and once it is patient, each time anew."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase) -> None:
        self._socket: socket.socket | None = sock if sock.gettimeout() is not None else None
        self._raw = raw
        self._seconds = sock.gettimeout() or 0.0
        self._until = time.monotonic() + self._seconds
        self._rests = False

    def has_more(self, buffer: io.BufferedReader) -> bool:
        """Tell whether more has been read than was asked for; the socket isn't."""
        self._rests = True
        try:
            return bool(buffer.peek(1))
        finally:
            self._rests = False

    def be_patient(self) -> None:
        """Hold the socket no longer: whoever closes the answer closes that."""
        self._socket = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._rests:
            return None
        if self._socket is None:
            return self._raw.readinto(buffer)
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._socket.settimeout(left)
        try:
            return self._raw.readinto(buffer)
        finally:
            self._socket.settimeout(self._seconds)

    def close(self) -> None:
        self._raw.close()
        super().close()
