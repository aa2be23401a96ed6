"""Dates of files, on their way back from metadata: seconds since 1970, which is python-swiftclient's convention."""

from __future__ import annotations

import os
import re
from decimal import ROUND_FLOOR, Context, Decimal

_NANOSECONDS = 10**9
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,3})?")
_EXACT = Context(prec=400, rounding=ROUND_FLOOR)  # as the kernel rounds, before 1970 as well
_PRECISION = 10**3
"""What a file system may lose of a date, in nanoseconds, without that being told; it is 100 ns on NTFS, say."""


def nanoseconds(text: str) -> int | None:
    """Read seconds since 1970 as other clients write them: a decimal fraction, perhaps with an exponent or a sign.

    :returns: None when it is none of these
    """
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        return None
    number = _EXACT.multiply(Decimal(text), _NANOSECONDS)
    return int(number.to_integral_value(ROUND_FLOOR, _EXACT))


def set_date(descriptor: int, text: str) -> bool:
    """Give an open file the date that an object remembers, and tell whether it has it then.

    A file system that can't hold a date takes the nearest one that it can, and says nothing (Linux ``fs/inode.c:
    timestamp_truncate``); ext4 ends in 2446, or in 2038, and begins in 1901.
    """
    modified = nanoseconds(text)
    if modified is None:
        return False
    before = os.fstat(descriptor)
    try:
        os.utime(descriptor, ns=(modified, modified))
    except (OverflowError, OSError):
        return False
    if abs(os.fstat(descriptor).st_mtime_ns - modified) < max(_PRECISION, _coarseness(modified)):
        return True
    os.utime(descriptor, ns=(before.st_atime_ns, before.st_mtime_ns))
    return False


def _coarseness(modified: int) -> int:
    """Return what a file system of whole seconds, as some are, may have lost of a date."""
    return _NANOSECONDS if modified % _NANOSECONDS else 0
