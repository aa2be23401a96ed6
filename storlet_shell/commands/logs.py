"""``logs``: show the log of a storlet's runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from storlet_shell.deployments.logs import Record, read_log, read_records
from storlet_shell.results import Result, Table
from storlet_shell.results.fields import utc_time
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg, Kind
from storlet_shell.spec.command import command
from storlet_shell.values import StorletName

if TYPE_CHECKING:
    from storlet_shell.results.schemas.logs import LogRecord


@command(
    "logs",
    "Show the log of a storlet's last runs.",
    Arg("storlet", type=StorletName.parse, kind=Kind.STORLET, metavar="STORLET"),
    Arg("--transaction", metavar="ID", help="show only the run with this transaction id"),
    category="Storlets",
    examples=(
        "logs warm.py  # everything that is kept",
        "logs warm.py | tail -20  # the end of it",
        "logs warm.py --json  # as a JSON document",
        "logs warm.py -o runs  # keep them in a variable",
    ),
)
def logs(session: Session, storlet: StorletName, transaction: str | None = None) -> Result:
    """Show the log of a storlet's last runs: its messages, its traceback, how it ended.

    The embedded Swift keeps the log of every run. Other clusters keep only what --generate-log stores, if their engine
    can; single runs can't be told apart there.

    :raises NotFoundError: when there is no log
    """
    text = read_log(session.client, storlet, transaction or "")
    return Log(text)


class Log(Table):
    """The runs of a storlet, oldest first; for people, the log as it is.

    :param text: the log
    """

    def __init__(self, text: str) -> None:
        super().__init__(_FIELDS, [tuple(_fields(record).values()) for record in read_records(text)])
        self.text = text

    def render(self) -> Iterator[str]:
        """Yield the log's lines."""
        yield from self.text.splitlines()


_FIELDS = ("time", "transaction", "request", "succeeded", "error", "seconds", "text")


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
