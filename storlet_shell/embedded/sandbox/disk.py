"""The room on the disk of the data folder, which is the working folder of all processes of a server."""

from __future__ import annotations

import os

RESERVED_BYTES = 16 * 2**20
"""What stays free: the databases of accounts and containers must be able to grow when objects can't."""


def free_bytes() -> int:
    """Return how many bytes this user may still write."""
    disk = os.statvfs(".")
    return disk.f_bavail * disk.f_frsize


def shortage(needed: int = 0, reserved: int = RESERVED_BYTES) -> str:
    """Say why there is no room for so many bytes beside the reserve; empty if there is."""
    free = free_bytes()
    if free >= needed + reserved:
        return ""
    reason = f"the disk of the embedded Swift is full: {free} bytes are free, {reserved} stay reserved"
    return f"{reason}, {needed} are to be stored" if needed else reason
