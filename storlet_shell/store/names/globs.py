"""Decide whether a word names an object or is a pattern, and list the objects that it means.

An existing name wins: ``rm 'weather/a[1].csv'`` deletes that object if it exists, and ``weather/a1.csv`` otherwise. A
pattern that nothing matches is an error, so that no command silently does nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from storlet_shell.errors import IdentityError
from storlet_shell.store.listing import list_entries, list_matching
from storlet_shell.store.metadata import exists
from storlet_shell.values import OBJECT_NAME_BYTES, Location, ObjectPath

if TYPE_CHECKING:
    from storlet_shell.patterns import Pattern
    from storlet_shell.wire.client import Client

_SPECIAL = "*?[{\\"
"""The characters that have a meaning in patterns."""


def resolve(client: Client, word: Location, *, is_prefix: bool = False) -> Location | Pattern:
    """Return a word as it is, or the pattern that it stands for.

    Requests are sent only for a word with a character that has a meaning in patterns.

    :param is_prefix: whether the command takes the beginning of names, as ``ls`` does; any such name wins then
    :raises NotFoundError: if the container of a pattern doesn't exist
    :raises UsageError: if it isn't a valid pattern
    """
    if not any(character in word.prefix for character in _SPECIAL):
        return word
    is_literal = _begins_a_name if is_prefix else _is_name
    if is_literal(client, word):
        return word
    from storlet_shell.patterns import Pattern  # most lines have none

    return Pattern.of(word)


def _begins_a_name(client: Client, word: Location) -> bool:
    return next(list_entries(client, word), None) is not None


def _is_name(client: Client, word: Location) -> bool:
    """Tell whether an object has this name; an expired one or a broken link, which are only listed, count as well."""
    if len(word.prefix.encode()) > OBJECT_NAME_BYTES:
        return False
    try:
        if exists(client, word):
            return True
    except IdentityError:  # a user may be allowed to delete or write objects but not to see them
        return True
    return next(list_entries(client, word), {}).get("name") == word.prefix


def matching(client: Client, pattern: Pattern) -> Iterator[dict[str, Any]]:
    """List the objects that match a pattern, as entries of a listing.

    The first match has been found when this returns.

    :raises NotFoundError: if nothing matches, or the container doesn't exist
    """
    entries = list_matching(client, pattern)
    first = next(entries, None)
    if first is None:
        raise pattern.no_match()
    return chain([first], entries)


def expand(client: Client, words: Iterable[Location | Pattern]) -> Iterator[ObjectPath]:
    """Yield the objects that words mean, in their order.

    :param words: as :func:`resolve` returns them
    :raises NotFoundError: if nothing matches a pattern; before the first object of any word
    """
    listings = [_objects(client, word) for word in words]  # each is begun here, so that a missing match is noticed
    return chain.from_iterable(listings)


def _objects(client: Client, word: Location | Pattern) -> Iterable[ObjectPath]:
    if isinstance(word, Location):
        return [ObjectPath(*word)]
    return (ObjectPath(word.container, entry["name"]) for entry in matching(client, word))
