"""Groups of rows: the loop collects values, which are added up from time to time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from storlet_shell.shelf.select.expressions import is_column
from storlet_shell.shelf.select.loop import arguments_of
from storlet_shell.shelf.select.plan import Plan
from storlet_shell.shelf.select.sums import Summary, merge_states
from storlet_shell.shelf.select.values import numeric

MOST_TEXT = 2**25
"""The number of characters in keys and values that are held."""

_MOST_GROUPS = 50_000
_FEW_VALUES = 8
_LEAST_ROWS = 20_000  # their values stay in the processor's cache
_ROWS_PER_GROUP = 200  # to add up a few values costs as much as to add up hundreds
_MOST_ROWS = 500_000


class Groups:
    """The groups of a run.

    Where a key is a column, rows are grouped by its text, which is fast, and in the end by its value.

    :param is_text: columns hold texts, and an empty one is NULL
    :ivar rows: the number of rows since values were added up
    :ivar most_rows: the number of rows after which they should be
    :ivar adders: what the loop calls to add the values of a row, by key
    """

    def __init__(self, plan: Plan, is_text: bool) -> None:
        self._plan = plan
        self._null = "" if is_text else None
        arguments = arguments_of(plan)
        self._arguments = [
            (frozenset(name for name, other in plan.aggregates if json.dumps(other) == text), is_column(node))
            for text, node in arguments.items()
        ]
        numbers = {text: number for number, text in enumerate(arguments)}
        self._aggregates = [
            (name, None if node is None else numbers[json.dumps(node)]) for name, node in plan.aggregates
        ]
        self._typers = [numeric if is_column(node) else None for node in plan.keys]
        self._groups: dict[Any, tuple[list[list[Any]], list[Summary]]] = {}
        self.adders: dict[Any, Any] = {}
        self.rows = 0
        self.most_rows = _LEAST_ROWS
        if not plan.keys:
            self.start(())

    @property
    def state(self) -> Any:
        """What the loop gets: the function that starts a group, or without keys the lists of values."""
        return self.start if self._plan.keys else self._groups[()][0]

    def start(self, key: Any) -> Any:
        """Start a group, and return what adds the values of a row."""
        pending: list[list[Any]] = [[] for _ in self._arguments]
        self._groups[key] = (pending, [Summary(*argument) for argument in self._arguments])
        adders = [values.append for values in pending]
        self.adders[key] = adders[0] if len(adders) == 1 else tuple(adders)
        return self.adders[key]

    def is_full(self) -> bool:
        """Tell whether there are so many groups that they should be sent."""
        return len(self._groups) > _MOST_GROUPS

    def text_size(self) -> int:
        """Return the number of characters in keys and extremes, after all values are added up."""
        self.add_up(1)
        texts = [part for key in self._groups for part in (key if isinstance(key, tuple) else (key,))]
        texts += [text for _, summaries in self._groups.values() for summary in summaries for text in summary.extremes]
        return sum(len(text) for text in texts if isinstance(text, str))

    def add_up(self, least: int = _FEW_VALUES) -> None:
        """Add up the values of groups that have at least as many."""
        self.rows = 0
        self.most_rows = min(_MOST_ROWS, _LEAST_ROWS + _ROWS_PER_GROUP * len(self._groups))
        for pending, summaries in self._groups.values():
            if len(pending[0]) >= least:
                for values, summary in zip(pending, summaries):
                    summary.add(values)
                    values.clear()

    def drain(self) -> Iterator[tuple[list[Any], list[Any], int]]:
        """Yield each group's key, states and number of rows, and forget the groups."""
        self.add_up(1)
        merged: dict[Any, tuple[list[Any], list[Any], int]] = {}
        for key, (_, summaries) in self._groups.items():
            parts = key if len(self._plan.keys) != 1 else (key,)
            shown = [None if typed and part == self._null else part for typed, part in zip(self._typers, parts)]
            values = tuple([part if typed is None else typed(part) for typed, part in zip(self._typers, shown)])
            rows = summaries[0].rows
            states = [rows if index is None else summaries[index].state(name) for name, index in self._aggregates]
            if values in merged:
                shown, before, count = merged[values]
                pairs = zip(self._aggregates, before, states)
                states = [merge_states(name, first, second) for (name, _), first, second in pairs]
                rows += count
            merged[values] = (shown, states, rows)
        self._groups.clear()
        self.adders.clear()
        yield from merged.values()
