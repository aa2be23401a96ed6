"""What each argument must be before it can be read: a number, a text, a list, a local path."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from storlet_shell.errors import UsageError
from storlet_shell.values import check_text, expand

_Item = TypeVar("_Item")


def count(number: int, name: str) -> int:
    """Read a number from 1 on.

    :raises UsageError: when it is none
    """
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise UsageError(f"{name} is a number from 1 on, not {number!r}")
    return number


def text(value: str, name: str) -> str:
    """Read a text that UTF-8 can carry.

    :raises UsageError: when it is none
    """
    if not isinstance(value, str):
        raise UsageError(f"{name} is a str, not {type(value).__name__}")
    return check_text(value, name)


def local_path(value: str | Path, name: str) -> Path:
    """Read the path of a local file or folder, and replace its ``~``.

    :raises UsageError: when it is none, or empty
    :raises LocalFileError: when there can be no such path
    """
    if not isinstance(value, str | Path):
        raise UsageError(f"{name} is a str or Path, not {type(value).__name__}")
    if not str(value):
        raise UsageError(f"{name} is the path of a local file or folder, not an empty one")
    return expand(value)


def several(values: Iterable[_Item], name: str, what: str) -> tuple[_Item, ...]:
    """Read a list; one text is no list of its characters.

    :param what: what is in it, in words
    :raises UsageError: when it is none
    """
    if isinstance(values, str | bytes | Path) or not isinstance(values, Iterable):
        raise UsageError(f"{name} is a list of {what}, not {values!r}")
    return tuple(values)


def moment(since: datetime | None) -> datetime | None:
    """Read a moment.

    :raises UsageError: when it has no time zone
    """
    if since is not None and not isinstance(since, datetime):
        raise UsageError(f"a moment is a datetime, not {type(since).__name__}")
    if since is not None and since.tzinfo is None:
        raise UsageError(f"a moment has a time zone, as datetime.now(UTC) has: {since}")
    return since


def mapping(value: Mapping[str, object] | None, name: str) -> dict[object, object]:
    """Read names and their values, which become text; None is none of them.

    :raises UsageError: when it is no mapping, or holds bytes, whose text nobody means
    """
    if value is not None and not isinstance(value, Mapping):
        raise UsageError(f"{name} is a mapping of names to values, not {type(value).__name__}")
    entries: dict[object, object] = dict((value or {}).items())
    if any(isinstance(entry, bytes | bytearray) for pair in entries.items() for entry in pair):
        raise UsageError(f"{name} has names and values that become text; decode what is bytes")
    return entries
