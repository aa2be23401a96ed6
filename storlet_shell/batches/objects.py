"""The objects of a batch: those in one container whose names match a pattern."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

from storlet_shell.batches.journal import Span
from storlet_shell.patterns import Pattern
from storlet_shell.store.listing import list_entries
from storlet_shell.values import Location, ObjectPath

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client

_AHEAD = 10_000
_MOST_SAMPLES = 10
_SPREAD = 3


class Objects:
    """The objects that match a pattern, listed on demand.

    :param limit: the number of objects; None for all
    :raises NotFoundError: when no object matches, or the container doesn't exist

    ``total`` is their number, and ``bytes`` their size, None while the listing continues; ``span`` is when the first
    ones were stored. ``samples`` are some of them: the first that aren't empty, or the first one. ``sample`` is the
    first of these. ``spread`` are a few that aren't empty, from the whole listing as far as it is known, with their
    sizes.
    """

    def __init__(self, client: Client, pattern: Pattern, limit: int | None = None) -> None:
        matches = pattern.matcher()
        entries = list_entries(client, Location(pattern.container, pattern.prefix))
        head = list(itertools.islice(entries, _AHEAD))
        matching = list(itertools.islice((entry for entry in head if matches(str(entry["name"]))), limit))
        dates = [str(entry["last_modified"] or "") for entry in matching]
        self.span = Span(min(dates, default=""), max(dates, default=""))
        listed = (str(entry["name"]) for entry in entries)
        ahead = [str(entry["name"]) for entry in head]
        names = itertools.islice(filter(matches, itertools.chain(ahead, listed)), limit)
        first = next(names, None)
        if first is None:
            raise pattern.no_match()
        self.total: int | None = None
        self.bytes: int | None = None
        if len(ahead) < _AHEAD or len(matching) == limit:
            self.total = len(matching)
            self.bytes = sum(int(entry["bytes"] or 0) for entry in matching)
        filled = [(ObjectPath(pattern.container, str(entry["name"])), int(entry["bytes"] or 0)) for entry in matching]
        filled = [(path, size) for path, size in filled if size]
        self.samples = tuple(path for path, _ in filled[:_MOST_SAMPLES]) or (ObjectPath(pattern.container, first),)
        self.sample = self.samples[0]
        places = sorted({place * (len(filled) - 1) // (_SPREAD - 1) for place in range(_SPREAD)}) if filled else []
        self.spread = tuple(filled[place] for place in places)
        self._container = pattern.container
        self._names = itertools.chain([first], names)

    def __iter__(self) -> Iterator[ObjectPath]:
        return (ObjectPath(self._container, name) for name in self._names)
