"""Logs of a storlet's runs: their output and how they ended."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import IdentityError, NotFoundError, UsageError
from storlet_shell.store.failures import not_deployed, storlet_log
from storlet_shell.store.functions import look_up, with_own_lines
from storlet_shell.store.metadata import exists
from storlet_shell.values import ObjectPath

if TYPE_CHECKING:
    from storlet_shell.values import StorletName
    from storlet_shell.wire.client import Client

_HEADING = re.compile(r"--- ([0-9TZ:.-]+) (\S+) (-|\S+ \S+): (.*) \(([0-9.]+) s\)")
"""The heading of a run in the embedded engine's log (``embedded/engine/journal.py: Record.render``)."""


POLL_SECONDS = 1.0
"""Seconds between two looks at a log that is followed."""

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


@typed_equality
class Selection(NamedTuple):
    """The records of a log to show.

    :param last: at most this many, the latest ones; None for all
    :param since: only runs that ended after this time, which has a time zone; None for all
    :param failed: only runs that failed
    """

    last: int | None = None
    since: datetime | None = None
    failed: bool = False

    def of(self, records: Iterable[Record]) -> list[Record]:
        """Return the selected records, oldest first.

        :raises UsageError: if the log doesn't separate runs, and only some of them are requested
        """
        selected = list(records)
        if [record.time for record in selected] == [None]:
            return self._of_unseparated(selected[0])
        if self.since is not None:
            selected = [record for record in selected if record.time is not None and record.time > self.since]
        if self.failed:
            selected = [record for record in selected if record.succeeded is False]
        return selected if self.last is None else selected[-self.last :]

    def _of_unseparated(self, record: Record) -> list[Record]:
        if self.failed or self.since is not None:
            raise UsageError("this cluster's log doesn't separate runs, so they can't be selected by time or outcome")
        if self.last is None:
            return [record]
        return [record._replace(text="".join(record.text.splitlines(keepends=True)[-self.last :]))]


def read_log(client: Client, storlet: StorletName, transaction: str = "") -> str:
    """Return the log of a storlet's runs as text, with the lines of a function as its author knows them.

    :param transaction: limit it to the run of this transaction, where the cluster can tell runs apart
    :raises NotFoundError: if no log is kept
    """
    if text := _read(client, storlet, transaction):
        return text
    _check_deployed(client, storlet)
    if transaction and storlet_log(client, storlet.name):
        raise NotFoundError(f"storlet {{subject}}: no logged run has transaction {transaction}", subject=storlet.name)
    raise NotFoundError(
        "storlet {subject} has no log: no run has ended yet, or the cluster keeps no logs", subject=storlet.name
    )


def _read(client: Client, storlet: StorletName, transaction: str) -> str:
    """Return a log as :func:`read_log` does; empty without one."""
    text = storlet_log(client, storlet.name, transaction)
    if _TRACEBACK not in text:
        return text
    look_up(client, storlet)
    return with_own_lines(client, storlet.name, text)


def _check_deployed(client: Client, storlet: StorletName) -> None:
    """Check that a storlet is deployed, as far as this user is allowed to find out.

    :raises NotFoundError: if it isn't
    """
    if not _may_be_deployed(client, storlet):
        raise not_deployed(client, storlet.name)


def _may_be_deployed(client: Client, storlet: StorletName) -> bool:
    """Tell whether a storlet is deployed; also True if this user isn't allowed to find out."""
    try:
        return exists(client, ObjectPath(client.storlet_container, storlet.name))
    except IdentityError:
        return True


def logs(
    client: Client, storlet: StorletName, transaction: str = "", selection: Selection | None = None
) -> Iterator[Record]:
    """Yield the logged runs of a storlet, oldest first; the log has been read when this returns.

    The embedded Swift logs every run. Other clusters keep the logs that runs were asked to store; these don't separate
    runs, so they become a single record, whose last lines are selected instead of the last runs.

    :param transaction: limit it to the run of this transaction, where the cluster can tell runs apart
    :raises NotFoundError: if no log is kept
    :raises UsageError: if the log doesn't separate runs, and only some of them are requested
    """
    return iter((selection or Selection()).of(read_records(read_log(client, storlet, transaction))))


def follow(
    client: Client, storlet: StorletName, transaction: str = "", selection: Selection | None = None
) -> Iterator[Record]:
    """Yield the logged runs of a storlet, and then each further one as it ends; without an end.

    The log has been read when this returns; it may be empty.

    :param transaction: limit it to the run of this transaction, where the cluster can tell runs apart
    :raises NotFoundError: if the storlet isn't deployed
    :raises UsageError: as for :func:`logs`
    """
    selection = selection or Selection()
    records = list(read_records(_read(client, storlet, transaction)))
    if not records:
        _check_deployed(client, storlet)
    return _followed(client, storlet, transaction, selection, records)


def _followed(
    client: Client, storlet: StorletName, transaction: str, selection: Selection, records: list[Record]
) -> Iterator[Record]:
    yield from selection.of(records)
    while True:
        time.sleep(POLL_SECONDS)
        latest = list(read_records(_read(client, storlet, transaction)))
        yield from selection._replace(last=None).of(further_records(records, latest))
        records = latest


def further_records(earlier: list[Record], latest: list[Record]) -> list[Record]:
    """Return the records that a log has gained; it loses its oldest ones from time to time.

    :param earlier: its records at the last look
    """
    if [record.time for record in (*earlier, *latest)] == [None, None]:  # a log that doesn't separate runs
        text = latest[0].text.removeprefix(earlier[0].text)
        return [Record(text)] if text else []
    before, now = ([record._replace(text="") for record in records] for records in (earlier, latest))
    lost = next(count for count in range(len(before) + 1) if before[count:] == now[: len(before) - count])
    return latest[len(before) - lost :]


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
