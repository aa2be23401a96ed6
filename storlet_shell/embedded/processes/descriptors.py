"""Wait for, read and write file descriptors in green threads.

The descriptors are non-blocking, and are read before they are waited for: ``eventlet.green.os`` always waits, and its
``write`` spins forever once nobody reads the pipe.
"""

from __future__ import annotations

import errno
import fcntl
import os
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import suppress

from eventlet.hubs import trampoline
from eventlet.patcher import original

_os = original("os")

# Without privileges, a user's pipes may hold 64 MiB in total before new ones shrink (pipe(7)); this leaves room.
_PIPE_BYTES = 256 * 1024
_READ_BYTES = _PIPE_BYTES


class StalledError(Exception):
    """Nothing happened within the time limit."""


class _ElapsedError(Exception):
    """Raised by the hub to end a wait."""


class Progress:
    """When an invocation last made progress; waiting for its client or for Swift doesn't count.

    :param limit: the maximum time without progress, in seconds
    """

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.sources_awaited = 0
        self._last = time.monotonic()

    def mark(self) -> None:
        """Record that something has just happened."""
        self._last = time.monotonic()

    def remaining(self) -> float:
        """Return the remaining time for something to happen, in seconds."""
        if self.sources_awaited:
            self.mark()
        return self._last + self.limit - time.monotonic()


def wait_readable(descriptor: int, progress: Progress) -> None:
    """Wait until a descriptor can be read.

    :raises StalledError: if nothing happens in time
    """
    while (remaining := progress.remaining()) > 0:
        try:
            timeout = None if remaining == float("inf") else remaining
            trampoline(descriptor, read=True, timeout=timeout, timeout_exc=_ElapsedError)
        except _ElapsedError:
            continue
        return
    raise StalledError


def read(descriptor: int, progress: Progress) -> bytes:
    """Return a pipe's content, immediately if there is any; empty at its end.

    :raises StalledError: if nothing happens in time
    """
    while True:
        try:
            data: bytes = _os.read(descriptor, _READ_BYTES)
        except BlockingIOError:
            wait_readable(descriptor, progress)
        else:
            progress.mark()
            return data


def write(descriptor: int, data: bytes, progress: Progress) -> Iterator[int]:
    """Write everything to a pipe as space permits; yield the number of bytes each time.

    :raises BrokenPipeError: if its reading end has been closed
    """
    rest = memoryview(data)
    while rest:
        try:
            count = _os.write(descriptor, rest)
        except BlockingIOError:
            trampoline(descriptor, write=True)
        else:
            progress.mark()
            yield count
            rest = rest[count:]


def unread(pipe: int) -> int:
    """Return the number of unread bytes in a pipe."""
    count = fcntl.ioctl(pipe, termios.FIONREAD, bytes(4))
    return int.from_bytes(count, sys.byteorder)


def splice(source: int, start: int, end: int, pipe: int) -> int:
    """Move as much of a file into a pipe as fits, without copying it.

    :returns: where to continue; ``end`` if nothing is left, also if the file ends earlier
    :raises BrokenPipeError: if the pipe's reading end has been closed
    """
    while start < end:
        try:
            moved = _os.splice(source, pipe, end - start, offset_src=start, flags=_os.SPLICE_F_NONBLOCK)
        except BlockingIOError:
            return start
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            return _copy(source, start, end, pipe)
        if not moved:
            return end
        start += moved
    return end


def _copy(source: int, start: int, end: int, pipe: int) -> int:
    """Replace :func:`splice` on file systems that don't support it."""
    while start < end:
        data = _os.pread(source, min(65536, end - start), start)
        if not data:
            return end
        try:
            start += _os.write(pipe, data)
        except BlockingIOError:
            return start
    return end


def wait_writable(descriptor: int, seconds: float | None = None) -> None:
    """Wait until a pipe or a channel has room, or its reading end has been closed.

    :param seconds: the time limit; None for none
    :raises StalledError: if the time limit is exceeded
    """
    trampoline(descriptor, write=True, timeout=seconds, timeout_exc=StalledError)


def pipe(*, large: bool, green: str) -> tuple[int, int]:
    """Return a pipe's read and write ends, one of which this process uses.

    :param large: for a body rather than for a few bytes
    :param green: ``read`` or ``write``: the end that this process uses, which is made non-blocking
    """
    ends: tuple[int, int] = _os.pipe()
    descriptor = ends[0] if green == "read" else ends[1]
    _os.set_blocking(descriptor, False)
    if large:
        with suppress(OSError):  # the limits of pipe(7); a small pipe is slower, but works
            fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    return ends


def close(descriptor: int) -> None:
    """Close a descriptor immediately, in the kernel only."""
    with suppress(OSError):
        os.close(descriptor)
