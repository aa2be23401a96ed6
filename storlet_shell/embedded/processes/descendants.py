"""Find processes below another one, in the namespace of ``/proc``.

Standard library only: worker processes import this.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def children(parent: int) -> list[int]:
    """Return the process IDs of a process's children, including those that have ended but aren't reaped."""
    return [pid for pid, other in _parents().items() if other == parent]


def descendants(ancestor: int) -> list[int]:
    """Return the process IDs of a process's children, their children, and so on."""
    parents, members = _parents(), [ancestor]
    for member in members:  # grows meanwhile
        members += [pid for pid, parent in parents.items() if parent == member]
    return members[1:]


def _parents() -> dict[int, int]:
    """Return the process ID of each process's parent; a kernel needn't be configured to list children."""
    parents = {}
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with suppress(OSError, ValueError, IndexError):  # it may end meanwhile
                fields = (process / "stat").read_bytes().rpartition(b")")[2].split()
                parents[int(process.name)] = int(fields[1])
    return parents
