"""A plain result."""

from __future__ import annotations

import threading as _threading
from collections import deque as _deque
from typing import Any as _Any

_STORLET_PLAIN_DATA = 8192


class _StorletOutput:
    """A plain result; its metadata leave with the first data.

    :param metadata: a dict that the function may change until then
    """

    _largest = _STORLET_PLAIN_DATA
    content_type = ""  # of the result, where the adapter chose its format

    def __init__(self, file: _Any, metadata: dict[str, object]) -> None:
        self._file = file
        self._metadata = metadata
        self._sent_metadata: object = None
        self._pieces: _Any = _deque()
        self._size = 0
        self._lock = _threading.Lock()

    def write(self, data: _Any) -> None:
        """Write bytes, buffered."""
        with self._lock:
            piece = bytes(data)  # also of a view of larger items, whose length is their number
            self._pieces.append(piece)
            self._size += len(piece)
            if self._size >= self._largest:
                self._send_ready()

    def end(self) -> None:
        """Send the rest."""
        self._send_ready()
        self._send(b"")

    def fail(self, error: BaseException) -> None:
        """Leave it to the engine to report."""

    def _send_ready(self) -> None:
        """Send what the buffer holds."""
        if self._size:
            self._send(b"".join(self._pieces))
            self._pieces.clear()
            self._size = 0

    def _send(self, data: _Any) -> None:
        if self._sent_metadata is None:
            self._sent_metadata = dict(self._metadata)
            self._file.set_metadata(self._sent_metadata)
        if self._sent_metadata != self._metadata:
            raise RuntimeError("metadata must be changed before the first output: they have left with it")
        self._file.write(data)
