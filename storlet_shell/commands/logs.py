"""``logs``: what a storlet's last runs wrote, and how they ended."""

from __future__ import annotations

from storlet_shell.errors import NotFoundError
from storlet_shell.results import Result, Text
from storlet_shell.session import Session
from storlet_shell.spec.registry import Arg, Kind, command
from storlet_shell.store.failures import storlet_meant
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

    :raises NotFoundError: when there is no log
    """
    text = session.client.storlet_log(storlet.name, transaction or "")
    if not text:
        hint = storlet_meant(session.client, storlet.name)
        raise NotFoundError(f"storlet {storlet} has no log: no run has ended yet, or the cluster keeps none{hint}")
    return Text(text)
