"""Read responses with http.client, but skip interim ones, bound the time for the head, and ignore trailing bytes."""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import Any


class FinalAnswer(http.client.HTTPResponse):
    """The final response to a request; interim ones (RFC 9110, 15.2) are skipped.

    http.client (``HTTPResponse.begin``) skips 100 only, and would take 102 and 103 for the final response.
    """

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not 100 <= status < 200 or status == http.client.SWITCHING_PROTOCOLS:
                return version, status, reason
            http.client.parse_headers(self.fp)


class TimelyAnswer(FinalAnswer):
    """A response whose head must arrive within the timeout.

    The socket's own timeout restarts with each byte, so a slow server could keep a client waiting forever.
    """

    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self._reader = _Reader(sock, self.fp.detach())
        self.fp = io.BufferedReader(self._reader)

    def begin(self) -> None:
        """Read the head."""
        super().begin()
        if self.length == 0 and (self.status == http.client.SWITCHING_PROTOCOLS or self._reader.has_more(self.fp)):
            self.will_close = True  # trailing bytes, such as the body of a HEAD, aren't the next request's response
        self._reader.be_patient()


class _Reader(io.RawIOBase):
    """Reads a socket: within one timeout until :meth:`be_patient` is called, then with a timeout for each read."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase) -> None:
        self._socket: socket.socket | None = sock if sock.gettimeout() is not None else None
        self._raw = raw
        self._seconds = sock.gettimeout() or 0.0
        self._deadline = time.monotonic() + self._seconds
        self._is_paused = False

    def has_more(self, buffer: io.BufferedReader) -> bool:
        """Tell whether a buffer holds more than was read from it; doesn't read the socket."""
        self._is_paused = True
        try:
            return bool(buffer.peek(1))
        finally:
            self._is_paused = False

    def be_patient(self) -> None:
        """Let go of the socket, which whoever closes the response closes."""
        self._socket = None

    def readable(self) -> bool:
        """Return True: it can be read."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read from the socket before the deadline; None while paused.

        :raises TimeoutError: once the deadline has passed
        """
        if self._is_paused:
            return None
        if self._socket is None:
            return self._raw.readinto(buffer)
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("timed out")
        self._socket.settimeout(remaining)
        try:
            return self._raw.readinto(buffer)
        finally:
            self._socket.settimeout(self._seconds)

    def close(self) -> None:
        """Close the raw reader, too."""
        self._raw.close()
        super().close()
