"""A framed result."""

from __future__ import annotations

import _thread as _threads
import json as _json
import os as _os
import struct as _struct
import time as _time
import traceback as _traceback
import zlib as _zlib
from typing import Any as _Any

from storlet_shell.storlets.functions.adapter.output import _StorletOutput

_STORLET_FRAME_DATA = 131072 - 5  # with its head, two reads of a proxy server
_STORLET_BEAT_SECONDS = 3
_STORLET_BEAT = bytes(65536)  # proxy servers pass on this much at once
_STORLET_IDLE_SECONDS = 600


class _StorletFrames(_StorletOutput):
    """A framed result: it starts at once, has a heartbeat, and ends with its metadata, its length and its checksum.

    A frame is a letter, a length of four bytes, and data: D for data, B for a beat, E for the end, X for a failure.
    """

    _largest = _STORLET_FRAME_DATA

    def __init__(self, file: _Any, metadata: dict[str, object], nonce: str, in_files: _Any) -> None:
        super().__init__(file, metadata)
        self._in_files = in_files
        self._length = self._checksum = self._since_beat = 0
        self._progress = _time.monotonic()
        self._running = _threads.allocate_lock()
        self._running.acquire()
        file.set_metadata({})
        self._put(f"storlet-frames 1 {nonce}\n".encode())
        _threads.start_new_thread(self._beat, ())  # threading would wait for its first steps

    def end(self) -> None:
        """Send the rest, and the end."""
        with self._lock:
            self._send_ready()
            rest = self._data_frame(self._size) if self._size else b""
            end = {"metadata": self._metadata, "length": self._length, "crc32": self._checksum}
            self._end(rest, b"E", {**end, "type": self.content_type})

    def fail(self, error: BaseException) -> None:
        """Send the error."""
        with self._lock:
            text = " ".join("".join(_traceback.format_exception_only(type(error), error)).split())
            self._end(b"", b"X", {"error": text[:1000], "traceback": _traceback.format_exc()[-32768:]})

    def _end(self, rest: bytes, kind: bytes, report: dict[str, object]) -> None:
        data = _json.dumps(report).encode()
        if self._running.locked():
            self._running.release()
        self._put(rest + self._frame(kind, [data]))

    def _send_ready(self) -> None:
        """Send full frames: a write of 64 KiB fills a pipe, and isn't split on the way."""
        while self._size >= _STORLET_FRAME_DATA:
            self._put(self._data_frame(_STORLET_FRAME_DATA))

    def _data_frame(self, size: int) -> bytes:
        """Take a frame of so many bytes out of the buffer."""
        parts, wanted = [], size
        while wanted:
            piece = self._pieces.popleft()
            if len(piece) > wanted:
                view = memoryview(piece)
                self._pieces.appendleft(view[wanted:])
                piece = view[:wanted]
            wanted -= len(piece)
            parts.append(piece)
        self._size -= size
        self._length += size
        for part in parts:
            self._checksum = _zlib.crc32(part, self._checksum)
        self._progress = _time.monotonic()
        self._since_beat += size
        return self._frame(b"D", parts)

    @staticmethod
    def _frame(kind: bytes, parts: list[_Any]) -> bytes:
        return b"".join([_struct.pack(">cI", kind, sum(map(len, parts))), *parts])

    def _put(self, data: bytes) -> None:
        try:
            self._file.write(data)
            self._file.flush()
        except BrokenPipeError:  # the reader is gone
            _os._exit(1)

    def _beat(self) -> None:
        """Show servers that it is alive; after ten minutes without progress, leave it to their limits."""
        count, unread = 0, None
        while not self._running.acquire(True, _STORLET_BEAT_SECONDS):
            with self._lock:
                if not self._running.locked():
                    return
                if self._size:
                    self._put(self._data_frame(self._size))
                before, count = (count, unread), storlet_bytes_read()
                unread = storlet_bytes_unread(self._in_files)
                if count - before[0] > _STORLET_OWN_READING or unread != before[1]:
                    self._progress = _time.monotonic()
                if _time.monotonic() - self._progress > _STORLET_IDLE_SECONDS:
                    return
                if self._since_beat < len(_STORLET_BEAT):
                    self._put(self._frame(b"B", [_STORLET_BEAT]))
                self._since_beat = 0


_STORLET_OWN_READING = 1024
"""More than what reading the file of :func:`storlet_bytes_read` adds to its count."""


def storlet_bytes_read() -> int:
    """Return how many bytes this process has read; 0 where the system doesn't tell."""
    try:
        with open("/proc/self/io", "rb") as file:
            return int(file.readline().split()[1])
    except (OSError, ValueError, IndexError):
        return 0


def storlet_bytes_unread(in_files: _Any) -> list[bytes]:
    """Return how many bytes wait in each input, as far as the system tells: where a sandbox hides the other count."""
    import fcntl  # the client imports this module on other systems, too
    import termios

    counts = []
    for file in in_files:
        try:
            counts.append(fcntl.ioctl(file.fileno(), termios.FIONREAD, bytes(4)))
        except (OSError, ValueError):  # it isn't a pipe, or the function has closed it
            counts.append(b"")
    return counts
