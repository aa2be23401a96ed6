"""Run a query over the objects of a pattern."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple

from storlet_shell.batches.mapping import MapPlan
from storlet_shell.batches.objects import Objects
from storlet_shell.equality import typed_equality
from storlet_shell.results import Planned, Report
from storlet_shell.select import storlet
from storlet_shell.select.explaining import explanation
from storlet_shell.select.joining.parts import Parts
from storlet_shell.select.options import SelectOptions
from storlet_shell.select.selection import Selection
from storlet_shell.select.statement.binding import Bound, bind, check_early, names_in
from storlet_shell.select.statement.query import parse_query
from storlet_shell.select.statement.split import Split, split
from storlet_shell.store.reading import get
from storlet_shell.store.requests import plan, read_request
from storlet_shell.text import size
from storlet_shell.values import ObjectPath

if TYPE_CHECKING:
    from storlet_shell.batches.executor import Access
    from storlet_shell.patterns import Pattern
    from storlet_shell.wire.client import Client


@typed_equality
class _Prepared(NamedTuple):
    objects: Objects
    sample: ObjectPath
    format: str | None
    query: Bound
    parts: Split


class SelectPlan:
    """A plan to run a query over the objects of a pattern; creating it sends nothing.

    :param query: one SELECT in SQLite's syntax; FROM takes any name
    :raises UsageError: if the query can't be parsed, or has something that isn't supported; if an option is invalid
    """

    def __init__(self, query: str, pattern: Pattern, options: SelectOptions | None = None) -> None:
        self._options = options or SelectOptions()
        self._options.check()
        self._query = parse_query(query)
        check_early(self._query)
        self._pattern = pattern

    def planned(self, client: Client) -> Planned:
        """Return the first request: it asks for an object's columns, on which the others depend.

        :raises NotFoundError: if no object matches
        """
        objects = Objects(client, self._pattern)
        return plan(client, read_request(objects.sample, storlet.probe_run(self._options)))

    def start(self, client: Client, access: Access) -> Selection:
        """Return the rows of the result; the query runs while they are read.

        :raises NotFoundError: if no object matches, or the storlet isn't deployed
        :raises UsageError: if a column is unknown
        :raises StorletFailedError: if an object has none of the formats
        """
        prepared = self._prepare(client)
        text = storlet.complete(prepared.parts.plan(), self._options, prepared.format)
        self._warn(client, prepared)
        parts = Parts(prepared.parts, self._options.journal or "", storlet.label(text))
        with ExitStack() as stack:
            run = stack.enter_context(storlet.invocation(client, text, self._options))
            batch = MapPlan((run,), self._pattern, self._options.batch())
            rows = batch.start(client, access, parts, prepared.objects)
            release = stack.pop_all().close
        return Selection(prepared.parts.names, rows, parts, client.observer, prepared.objects.bytes, release)

    def explain(self, client: Client) -> Report:
        """Run the query over a few objects only, and return what runs where.

        :raises StorletShellError: as :meth:`start`
        """
        prepared = self._prepare(client)
        objects, parts = prepared.objects, prepared.parts
        facts = {
            "pattern": str(self._pattern),
            "objects": objects.total,
            "bytes": objects.bytes,
            "format": prepared.format,
            **self._measured(client, prepared),
        }
        return explanation(prepared.query, parts, parts.plan(), facts)

    def _measured(self, client: Client, prepared: _Prepared) -> dict[str, Any]:
        """Run the objects' part of the query over a few of them, and return the bytes that move."""
        text = storlet.complete(prepared.parts.plan(), self._options, prepared.format)
        sources = prepared.objects.spread or ((prepared.sample, 0),)
        read = sum(size for _, size in sources)
        with storlet.invocation(client, text, self._options) as run:
            started = time.monotonic()
            moved = sum(len(chunk) for source, _ in sources for chunk in get(client, source, run).iter_content())
            seconds = time.monotonic() - started
        whole = prepared.objects.bytes
        return {
            "measured": [str(source) for source, _ in sources],
            "measured_bytes": read,
            "measured_moved": moved,
            "measured_seconds": round(seconds, 3),
            "estimated_moved": None if whole is None else round(whole / read * moved) if read else moved,
        }

    def _prepare(self, client: Client) -> _Prepared:
        """List the objects, look at the first that has rows, and split the query."""
        objects = Objects(client, self._pattern)
        for sample in objects.samples:
            probe = storlet.probe(client, sample, self._options)
            if probe.format is not None:  # what isn't empty may contain nothing but blank lines, or be compressed
                break
        columns = probe.columns or names_in(self._query)
        query = bind(self._query, columns)
        return _Prepared(objects, sample, probe.format, query, split(query))

    def _warn(self, client: Client, prepared: _Prepared) -> None:
        """Warn of a query that brings everything back."""
        parts = prepared.parts
        is_all = prepared.query.is_everything and parts.kind != "groups" and parts.where is None
        if is_all and parts.limit is None and prepared.format is not None:
            total = "" if prepared.objects.bytes is None else f", about {size(prepared.objects.bytes)}"
            client.observer.warn(
                f"warning: the query brings back every column of every row{total}; a WHERE, fewer columns, or "
                "aggregates would be done next to the data"
            )
