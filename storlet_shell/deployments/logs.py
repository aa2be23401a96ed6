"""What is kept of a storlet's runs: what they wrote, and how they ended."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import NotFoundError
from storlet_shell.store.failures import storlet_log, suggest_storlet

if TYPE_CHECKING:
    from storlet_shell.values import StorletName
    from storlet_shell.wire.client import Client

_HEADING = re.compile(r"--- ([0-9TZ:.-]+) (\S+) (-|\S+ \S+): (.*) \(([0-9.]+) s\)")
"""The line above a run in the embedded engine's log (``embedded/engine/journal.py: Record.render``)."""


@typed_equality
class Record(NamedTuple):
    """What is kept of one run; of a log that doesn't tell runs apart, all of it.

    :param time: when it ended, UTC; None if the log doesn't tell
    :param request: method and path, as the client sent them; empty if the log doesn't tell, as all texts here
    :param outcome: ``ok``, or the kind of failure and its message
    :param seconds: how long it took
    :param text: what it logged, and its traceback
    """

    text: str
    time: datetime | None = None
    transaction_id: str = ""
    request: str = ""
    outcome: str = ""
    seconds: float | None = None


def read_log(client: Client, storlet: StorletName, transaction: str = "") -> str:
    """Return what is kept of a storlet's runs as text.

    :param transaction: only what the run of this transaction wrote, where the cluster can tell
    :raises NotFoundError: when there is no log
    """
    text = storlet_log(client, storlet.name, transaction)
    if not text:
        hint = suggest_storlet(client, storlet.name)
        text = f"storlet {{subject}} has no log: no run has ended yet, or the cluster keeps none{hint}"
        raise NotFoundError(text, subject=storlet.name)
    return text


def logs(client: Client, storlet: StorletName, transaction: str = "") -> Iterator[Record]:
    """Yield what is kept of a storlet's runs, the oldest first; the log has been read when this returns.

    The embedded Swift keeps the log of every run. Other clusters keep what ``--generate-log`` has stored, which doesn't
    tell one run from another: that is one record.

    :param transaction: only the run of this transaction, where the cluster can tell
    :raises NotFoundError: when there is no log
    """
    return read_records(read_log(client, storlet, transaction))


def read_records(text: str) -> Iterator[Record]:
    """Split a log into records, by the headings of the embedded engine."""
    record, lines = Record(""), list[str]()
    for line in text.splitlines(keepends=True):
        heading = _read_heading(line)
        if heading is None:
            lines.append(line)
            continue
        if record.time is not None or lines:
            yield record._replace(text="".join(lines))
        record, lines = heading, []
    if record.time is not None or lines:
        yield record._replace(text="".join(lines))


def _read_heading(line: str) -> Record | None:
    """Return the record that a heading begins, without its text; None of any other line."""
    match = _HEADING.fullmatch(line.rstrip("\n"))
    if match is None:
        return None
    moment, transaction, request, outcome, seconds = ("" if text == "-" else text for text in match.groups())
    try:
        return Record("", datetime.fromisoformat(moment), transaction, request, outcome, float(seconds))
    except ValueError:  # a storlet's own line that looks alike
        return None
