"""Logs of a storlet's runs: their output and how they ended."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import IdentityError, NotFoundError
from storlet_shell.store.failures import not_deployed, storlet_log
from storlet_shell.store.functions import look_up, with_own_lines
from storlet_shell.store.metadata import exists
from storlet_shell.values import ObjectPath

if TYPE_CHECKING:
    from storlet_shell.values import StorletName
    from storlet_shell.wire.client import Client

_HEADING = re.compile(r"--- ([0-9TZ:.-]+) (\S+) (-|\S+ \S+): (.*) \(([0-9.]+) s\)")
"""The heading of a run in the embedded engine's log (``embedded/engine/journal.py: Record.render``)."""


_OK = "ok"
_TRACEBACK = "Traceback (most recent call last)"


@typed_equality
class Record(NamedTuple):
    """The log of one run, or of all runs if the log doesn't separate them.

    :param time: when it ended, UTC; None if the log doesn't say
    :param request: method and path as the client sent them; like all texts here, empty if the log doesn't say
    :param outcome: ``ok``, or the kind of failure and its message
    :param seconds: how long it took
    :param text: its log, and its traceback
    """

    text: str
    time: datetime | None = None
    transaction_id: str = ""
    request: str = ""
    outcome: str = ""
    seconds: float | None = None

    @property
    def succeeded(self) -> bool | None:
        """Whether the run went well; None if the log doesn't tell."""
        return self.outcome == _OK if self.outcome else None

    @property
    def error(self) -> str:
        """The kind of the failure and its message; empty if the run went well, or the log doesn't tell."""
        return "" if self.outcome == _OK else self.outcome


def read_log(client: Client, storlet: StorletName, transaction: str = "") -> str:
    """Return the log of a storlet's runs as text, with the lines of a function as its author knows them.

    :param transaction: limit it to the run of this transaction, where the cluster can tell runs apart
    :raises NotFoundError: if no log is kept
    """
    text = storlet_log(client, storlet.name, transaction)
    if _TRACEBACK in text:
        look_up(client, storlet)
        return with_own_lines(client, storlet.name, text)
    if text:
        return text
    if not _may_be_deployed(client, storlet):
        raise not_deployed(client, storlet.name)
    if transaction and storlet_log(client, storlet.name):
        raise NotFoundError(f"storlet {{subject}}: no logged run has transaction {transaction}", subject=storlet.name)
    raise NotFoundError(
        "storlet {subject} has no log: no run has ended yet, or the cluster keeps no logs", subject=storlet.name
    )


def _may_be_deployed(client: Client, storlet: StorletName) -> bool:
    """Tell whether a storlet is deployed; also True if this user isn't allowed to find out."""
    try:
        return exists(client, ObjectPath(client.storlet_container, storlet.name))
    except IdentityError:
        return True


def logs(client: Client, storlet: StorletName, transaction: str = "") -> Iterator[Record]:
    """Yield the logged runs of a storlet, oldest first; the log has been read when this returns.

    The embedded Swift logs every run. Other clusters keep the logs that runs were asked to store; these don't separate
    runs, so they become a single record.

    :param transaction: limit it to the run of this transaction, where the cluster can tell runs apart
    :raises NotFoundError: if no log is kept
    """
    return read_records(read_log(client, storlet, transaction))


def read_records(text: str) -> Iterator[Record]:
    """Split a log into records at the embedded engine's headings."""
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
    """Return the record that a heading starts, without its text; None for any other line."""
    match = _HEADING.fullmatch(line.rstrip("\n"))
    if match is None:
        return None
    moment, transaction, request, outcome, seconds = ("" if text == "-" else text for text in match.groups())
    try:
        return Record("", datetime.fromisoformat(moment), transaction, request, outcome, float(seconds))
    except ValueError:  # a storlet's own line that looks like a heading
        return None
