"""Wait for, read and write file descriptors in green threads.

The descriptors are non-blocking and read first, waited for second: ``eventlet.green.os`` waits always, and its
``write`` spins for ever once the reader of a pipe is gone.
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

# Without privileges, all of a user's pipes may hold 64 MiB before new ones shrink (pipe(7)); this leaves room.
_PIPE_BYTES = 256 * 1024
_READ_BYTES = _PIPE_BYTES


class StalledError(Exception):
    """Nothing happened for as long as is allowed."""


class _ElapsedError(Exception):
    """The hub's way to end a wait."""


class Progress:
    """When an invocation last got on; waiting for its client or for Swift does not count against it.

    :param limit: seconds that may pass without progress
    """

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.sources_awaited = 0
        self._last = time.monotonic()

    def mark(self) -> None:
        """Note that something has just happened."""
        self._last = time.monotonic()

    def remaining(self) -> float:
        """Return how many seconds are left for something to happen."""
        if self.sources_awaited:
            self.mark()
        return self._last + self.limit - time.monotonic()


def wait_readable(descriptor: int, progress: Progress) -> None:
    """Wait until a descriptor can be read.

    :raises StalledError: there was no progress in time
    """
    while (left := progress.remaining()) > 0:
        try:
            timeout = None if left == float("inf") else left
            trampoline(descriptor, read=True, timeout=timeout, timeout_exc=_ElapsedError)
        except _ElapsedError:
            continue
        return
    raise StalledError


def read(descriptor: int, progress: Progress) -> bytes:
    """Return what a pipe holds, at once if it holds anything; empty at its end.

    :raises StalledError: there was no progress in time
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
    """Write everything to a pipe, as there is room; yield how many bytes each time.

    :raises BrokenPipeError: nobody reads it any more
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
    """Return how many bytes wait in a pipe."""
    count = fcntl.ioctl(pipe, termios.FIONREAD, bytes(4))
    return int.from_bytes(count, sys.byteorder)


def splice(source: int, start: int, end: int, pipe: int) -> int:
    """Move as much of a file into a pipe as that has room for, without copying it.

    :returns: where to go on; ``end`` if there is no more, also if the file ends earlier
    :raises BrokenPipeError: nobody reads the pipe any more
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
    """Do what :func:`splice` does, on a file system that can't."""
    while start < end:
        data = _os.pread(source, min(65536, end - start), start)
        if not data:
            return end
        try:
            start += _os.write(pipe, data)
        except BlockingIOError:
            return start
    return end


def wait_writable(descriptor: int) -> None:
    """Wait until a pipe has room, or nobody reads it any more."""
    trampoline(descriptor, write=True)


def pipe(*, large: bool, green: str) -> tuple[int, int]:
    """Return a pipe's read and write ends, of which one is this process's.

    :param large: for a body, rather than for a few bytes
    :param green: ``read`` or ``write``: the end that is this process's, and so non-blocking
    """
    ends: tuple[int, int] = _os.pipe()
    own = ends[0] if green == "read" else ends[1]
    _os.set_blocking(own, False)
    if large:
        with suppress(OSError):  # the limits of pipe(7); a small pipe is slower, no less right
            fcntl.fcntl(own, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    return ends


def close(descriptor: int) -> None:
    """Close a descriptor at once, in the kernel only."""
    with suppress(OSError):
        os.close(descriptor)
