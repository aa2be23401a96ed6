"""Free space on the disk of the data folder, which is the working folder of all processes of a server."""

from __future__ import annotations

import os

RESERVED_BYTES = 16 * 2**20
"""The space that stays free: the databases of accounts and containers must be able to grow when objects can't."""


def free_bytes() -> int:
    """Return the number of bytes that this user can still write."""
    disk = os.statvfs(".")
    return disk.f_bavail * disk.f_frsize


def shortage(needed: int = 0, reserved: int = RESERVED_BYTES) -> str:
    """Return why there isn't enough space in addition to the reserve; empty if there is."""
    free = free_bytes()
    if free >= needed + reserved:
        return ""
    reason = f"the disk of the embedded Swift is full: {free} bytes are free, {reserved} are reserved"
    return f"{reason}, {needed} are needed" if needed else reason
