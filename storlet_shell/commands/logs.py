"""``logs``: show the log of a storlet's runs."""

from __future__ import annotations

from storlet_shell.deployments.logs import read_log
from storlet_shell.results import Result, Text
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg, Kind
from storlet_shell.spec.command import command
from storlet_shell.values import StorletName


@command(
    "logs",
    "Show the log of a storlet's last runs.",
    Arg("storlet", type=StorletName.parse, kind=Kind.STORLET, metavar="STORLET"),
    Arg("--transaction", metavar="ID", help="show only the run with this transaction id"),
    category="Storlets",
    examples=(
        "logs warm.py  # all that is kept",
        "logs warm.py | tail -20  # the end of it",
        "logs warm.py --json  # as a JSON document",
    ),
)
def logs(session: Session, storlet: StorletName, transaction: str | None = None) -> Result:
    """Show the log of a storlet's last runs: its messages, its traceback, how it ended.

    The embedded Swift keeps the log of every run. Other clusters keep only what --generate-log stores, if their engine
    can; single runs can't be told apart there.

    :raises NotFoundError: when there is no log
    """
    return Text(read_log(session.client, storlet, transaction or ""))
