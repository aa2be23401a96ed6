"""``logs``: show the log of a storlet's runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from storlet_shell.commands.arguments import number_option
from storlet_shell.commands.arguments.durations import parse_duration
from storlet_shell.deployments import logs as log
from storlet_shell.deployments.logs import Record, Selection, read_log, read_records
from storlet_shell.errors import UsageError
from storlet_shell.results import Field, Result, Table
from storlet_shell.results.fields import utc_time
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg, Kind
from storlet_shell.spec.command import command
from storlet_shell.values import StorletName

if TYPE_CHECKING:
    from storlet_shell.results.schemas.logs import LogRecord

_SELECTION_OPTIONS = "selection options"


def _parse_since(text: str) -> datetime:
    """Read a point in time, or a duration that ends now.

    :raises UsageError: when it is neither
    """
    try:
        return datetime.now(UTC) - timedelta(seconds=parse_duration(text))
    except (UsageError, OverflowError):
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        example = "a duration, such as 1h30m, or a time in UTC, such as 2026-01-31T12:00"
        raise UsageError(f"--since takes {example}, not {text}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@command(
    "logs",
    "Show the log of a storlet's last runs.",
    Arg("storlet", type=StorletName.parse, kind=Kind.STORLET, metavar="STORLET"),
    Arg("-f", "--follow", action="store_true", help="show new runs as they end (stop: Ctrl-C)"),
    number_option(
        *("-n", "--last"),
        metavar="COUNT",
        help="show only the last COUNT runs, or lines if the cluster's log doesn't separate runs",
        group=_SELECTION_OPTIONS,
    ),
    Arg(
        "--since",
        type=_parse_since,
        metavar="TIME",
        help="show only runs that ended after this time, such as 2026-01-31T12:00 (UTC), or 1h30m ago",
        group=_SELECTION_OPTIONS,
    ),
    Arg("--failed", action="store_true", help="show only runs that failed", group=_SELECTION_OPTIONS),
    Arg("--transaction", metavar="ID", help="show only the run with this transaction id", group=_SELECTION_OPTIONS),
    category="Storlets",
    examples=(
        "logs warm.py  # the whole log",
        "logs warm.py -n 1  # the last run",
        "logs warm.py --failed --since 1h  # the failures of the last hour",
        "logs warm.py -f -n 3  # the last three runs, then new ones as they end",
        "logs warm.py --json  # as a JSON document",
        "logs warm.py -o runs  # keep them in a variable",
    ),
)
def logs(
    session: Session,
    storlet: StorletName,
    follow: bool = False,
    last: int | None = None,
    since: datetime | None = None,
    failed: bool = False,
    transaction: str | None = None,
) -> Result:
    """Show the log of a storlet's last runs: messages, tracebacks, and how each run ended.

    The embedded Swift logs every run. Other clusters log only runs with --generate-log, if their engine supports that,
    and their logs don't separate runs.

    :raises NotFoundError: when the storlet has no log
    :raises UsageError: when you select runs, but the log doesn't separate them
    """
    selection = Selection(last, since, failed)
    if follow:
        return Followed(log.follow(session.client, storlet, transaction or "", selection))
    text = read_log(session.client, storlet, transaction or "")
    records = read_records(text)
    if selection == Selection():
        return Log(records, text)
    return Log(selection.of(records))


class Log(Table):
    """The runs of a storlet, oldest first; for people, the log as it is.

    :param text: the log; None if the records are only a part of it
    """

    def __init__(self, records: Iterable[Record], text: str | None = None) -> None:
        rows = (tuple(_fields(record).values()) for record in records)
        super().__init__(_FIELDS, rows if self.is_live else list(rows))
        self.text = text

    def render(self) -> Iterator[str]:
        """Yield the log's lines."""
        if self.text is not None:
            yield from self.text.splitlines()
            return
        for moment, transaction, request, _, error, seconds, text in self.rows():
            if moment is not None:
                yield f"--- {moment} {transaction or '-'} {request or '-'}: {error or 'ok'} ({seconds:.3f} s)"
            yield from text.splitlines()


class Followed(Log):
    """A log that grows until Ctrl-C; a notebook shows what it has become by then."""

    is_live = True
    keeps_part = True

    def look(self) -> None:
        """Wait for the interrupt, and keep the runs until then."""
        self.keep()


_FIELDS = (
    Field("time"),
    Field("transaction"),
    Field("request"),
    Field("succeeded"),
    Field("error"),
    Field("seconds", spell=lambda seconds: "" if seconds is None else f"{seconds:.3f}", is_number=True),
    Field("text", is_block=True),
)


def _fields(record: Record) -> LogRecord:
    return {
        "time": utc_time(record.time),
        "transaction": record.transaction_id or None,
        "request": record.request or None,
        "succeeded": record.succeeded,
        "error": record.error or None,
        "seconds": record.seconds,
        "text": record.text,
    }
