"""Find the descendants of a process, in the namespace of ``/proc``.

Standard library only: worker processes import this.
"""

from __future__ import annotations

import os
from contextlib import suppress

_STAT_BYTES = 1024  # the parent's ID is near the beginning, after a name of at most 64 bytes


def children(parent: int) -> list[int]:
    """Return the process IDs of a process's children, including those that have ended but aren't reaped."""
    return [pid for pid, other in _parents().items() if other == parent]


def descendants(ancestor: int) -> list[int]:
    """Return the process IDs of a process's children, their children, and so on."""
    parents, members = _parents(), [ancestor]
    for member in members:  # grows during the loop
        members += [pid for pid, parent in parents.items() if parent == member]
    return members[1:]


def _parents() -> dict[int, int]:
    """Map each process ID to that of the parent, since not every kernel is configured to list children.

    A JVM that reports too late that it is idle isn't reused, so this must be fast: it takes about 10 microseconds for
    each process of the machine.
    """
    parents = {}
    folder = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in filter(str.isdigit, os.listdir(folder)):  # noqa: PTH208  pathlib takes twice as long
            with suppress(OSError, ValueError, IndexError):  # the process may have ended
                fields = _read(f"{name}/stat", folder).rpartition(b")")[2].split(None, 2)
                parents[int(name)] = int(fields[1])
    finally:
        os.close(folder)
    return parents


def _read(name: str, folder: int) -> bytes:
    file = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder)
    try:
        return os.read(file, _STAT_BYTES)
    finally:
        os.close(file)
