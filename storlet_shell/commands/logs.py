"""``logs``: what a storlet's last runs wrote, and how they ended."""

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
    Arg("--transaction", metavar="ID", help="only the run of this transaction"),
    category="Storlets",
)
def logs(session: Session, storlet: StorletName, transaction: str | None = None) -> Result:
    """Show the log of a storlet's last runs: what it logged, how it ended, its traceback.

    The embedded Swift keeps the log of every run. Other clusters keep what --generate-log has stored, where their
    engine can; of that, no single run can be shown.

    :raises NotFoundError: if the storlet isn't deployed, or has no log
    """
    return Text(read_log(session.client, storlet, transaction or ""))
