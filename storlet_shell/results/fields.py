"""Fields of results: one value with two renderings, plain data for programs and text for people."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from storlet_shell.equality import typed_equality
from storlet_shell.text import size

if TYPE_CHECKING:
    from datetime import datetime


def plain(value: Any) -> str:
    """Spell a value for people: lists without brackets, and nothing for null."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return " ".join(f"{key}={item}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)


def dashed(value: Any) -> str:
    """Spell a value as :func:`plain` does, and ``-`` for null."""
    return plain(value) or "-"


def versions(packages: Mapping[str, str]) -> str:
    """Spell packages and their versions."""
    return ", ".join(f"{name} {version}" for name, version in packages.items())


def sized(count: int | None) -> str:
    """Spell a number of bytes, of large ones in a larger unit as well."""
    if count is None:
        return ""
    return f"{count} ({size(count)})" if count >= 1024 else str(count)


class Shortened(str):
    """A text of which a terminal shows less, since the rest is next to it.

    :param text: the whole, for programs
    :param brief: what a terminal shows
    """

    brief: str

    def __new__(cls, text: str, brief: str) -> Self:
        """Make the text, with its short form."""
        shortened = super().__new__(cls, text)
        shortened.brief = brief
        return shortened


@typed_equality
class Field(NamedTuple):
    """A fact of a report, or a column of a table.

    :param name: its key in JSON, and the attribute of a row
    :param label: what people read in its place (default: the name, with blanks)
    :param spell: turns its value into text for people; empty text leaves a fact out of a report
    :param is_shown: whether people see the column without asking for it
    :param width: the column's least width, for tables whose rows are shown as they come
    :param is_number: align the column to the right, also where values are missing
    :param is_data: the name comes from data, and is shown as it is
    :param is_size: the value is a number of bytes, which a terminal shows in a larger unit
    :param is_block: the value is text with several lines, which a notebook keeps
    """

    name: str
    label: str = ""
    spell: Callable[[Any], str] = plain
    is_shown: bool = True
    width: int = 0
    is_number: bool = False
    is_data: bool = False
    is_size: bool = False
    is_block: bool = False

    def spell_on_terminal(self, value: Any) -> str:
        """Return the value as people read it on a terminal."""
        if isinstance(value, Shortened):
            return value.brief
        return size(value) if self.is_size and isinstance(value, int) else self.spell(value)

    @property
    def heading(self) -> str:
        """The label, or else the name as words."""
        return self.label or (self.name if self.is_data else self.name.replace("_", " "))

    @property
    def is_transaction(self) -> bool:
        """Whether its values are Swift's transaction IDs, by its name."""
        return not self.is_data and self.name == "transaction"


def facts(values: Mapping[str, Any], fields: Sequence[Field]) -> Iterator[tuple[str, str]]:
    """Yield the label and the text of each field that has something to say.

    :param values: by the fields' names; a name that is missing counts as null
    """
    for field in fields:
        if text := field.spell(values.get(field.name)):
            yield field.heading, text


# --- values for programs


def listed_time(text: str | None) -> str | None:
    """Return a date of a listing, which Swift writes in UTC without saying so, in ISO 8601 with its ``Z``."""
    return f"{text.removesuffix('Z')}Z" if text else None


def header_time(text: str | None) -> str | None:
    """Return an HTTP date in ISO 8601, UTC; None if it isn't one."""
    from email.utils import parsedate_to_datetime  # a listing has no such dates

    try:
        return utc_time(parsedate_to_datetime(text or ""))
    except (ValueError, OverflowError):
        return None


def epoch_time(seconds: float | str | None) -> str | None:
    """Return seconds since 1970 as a time in ISO 8601, UTC; None if they aren't a number, or one too large."""
    try:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(float(seconds or "")))
    except (ValueError, OverflowError, OSError):
        return None


def utc_time(moment: datetime | None) -> str | None:
    """Return a time in ISO 8601, UTC."""
    if moment is None:
        return None
    from datetime import UTC  # it is loaded already, by whoever made the moment

    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def bare(value: Any) -> str:
    """Spell a value for a program that reads text: nothing for null, and JSON for what has an inner structure."""
    if value is None:
        return ""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)  # a number may keep its text
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
