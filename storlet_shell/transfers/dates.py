"""Restore file dates from metadata: seconds since 1970, as python-swiftclient stores them."""

from __future__ import annotations

import os
import re
from decimal import ROUND_FLOOR, Context, Decimal

_NANOSECONDS = 10**9
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,3})?")
_EXACT = Context(prec=400, rounding=ROUND_FLOOR)  # rounds like the kernel, also before 1970
_PRECISION = 10**3
"""The loss of precision, in nanoseconds, that is accepted silently; NTFS, for example, stores units of 100 ns."""


def nanoseconds(text: str) -> int | None:
    """Parse seconds since 1970 as other clients write them: a decimal number, possibly with a sign or an exponent.

    :returns: None if it isn't one
    """
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        return None
    number = _EXACT.multiply(Decimal(text), _NANOSECONDS)
    return int(number.to_integral_value(ROUND_FLOOR, _EXACT))


def set_date(descriptor: int, text: str) -> bool:
    """Set an open file's date to the one stored with its object; return whether the file now has it.

    A file system that can't represent a date silently stores the nearest one (Linux ``fs/inode.c:
    timestamp_truncate``); ext4 ranges from 1901 to 2446, or to 2038.
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
    """Return what a file system with a resolution of whole seconds may have lost of a date."""
    return _NANOSECONDS if modified % _NANOSECONDS else 0
