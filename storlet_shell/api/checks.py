"""Type checks of arguments: counts, texts, lists, local paths, mappings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from storlet_shell.errors import UsageError
from storlet_shell.values import check_text, expand

_Item = TypeVar("_Item")


def count(number: int, name: str, *, minimum: int = 1) -> int:
    """Check a count: an integer that isn't below a minimum.

    :raises UsageError: if it isn't one
    """
    if not isinstance(number, int) or isinstance(number, bool) or number < minimum:
        raise UsageError(f"{name} must be an integer of at least {minimum}, not {number!r}")
    return number


def text(value: str, name: str) -> str:
    """Check a text that can be encoded as UTF-8.

    :raises UsageError: if it isn't one
    """
    if not isinstance(value, str):
        raise UsageError(f"{name} must be a str, not {type(value).__name__}")
    return check_text(value, name)


def local_path(value: str | Path, name: str) -> Path:
    """Check the path of a local file or folder, and expand its ``~``.

    :raises UsageError: if it isn't a path, or is empty
    :raises LocalFileError: if no file can have this path
    """
    if not isinstance(value, str | Path):
        raise UsageError(f"{name} must be a str or Path, not {type(value).__name__}")
    if not str(value):
        raise UsageError(f"{name} must be the path of a local file or folder, and not empty")
    return expand(value)


def several(values: Iterable[_Item], name: str, items: str) -> tuple[_Item, ...]:
    """Check a list; a single string isn't a list of its characters.

    :param items: the list's items, in words
    :raises UsageError: if it isn't a list
    """
    if isinstance(values, str | bytes | Path) or not isinstance(values, Iterable):
        raise UsageError(f"{name} must be a list of {items}, not {values!r}")
    return tuple(values)


def moment(since: datetime | None) -> datetime | None:
    """Check a point in time.

    :raises UsageError: if it has no time zone
    """
    if since is not None and not isinstance(since, datetime):
        raise UsageError(f"since must be a datetime, not {type(since).__name__}")
    if since is not None and since.tzinfo is None:
        raise UsageError(f"since must have a time zone, like datetime.now(UTC): {since}")
    return since


def mapping(value: Mapping[str, object] | None, name: str) -> dict[object, object]:
    """Check a mapping of names to values, which are converted to text; None is an empty one.

    :raises UsageError: if it isn't a mapping, or contains bytes, whose conversion would be surprising
    """
    if value is not None and not isinstance(value, Mapping):
        raise UsageError(f"{name} must be a mapping of names to values, not {type(value).__name__}")
    entries: dict[object, object] = dict((value or {}).items())
    if any(isinstance(entry, bytes | bytearray) for pair in entries.items() for entry in pair):
        raise UsageError(f"{name} can't contain bytes; decode them first")
    return entries
