"""``logs``: what a storlet's last runs wrote, and how they ended."""

from __future__ import annotations

from storlet_shell import headers as wire
from storlet_shell.errors import NotFoundError
from storlet_shell.registry import Arg, Kind, command
from storlet_shell.results import Result, Text
from storlet_shell.session import Session
from storlet_shell.values import Request, StorletName

LOG_QUERY = "storlet-log"
"""The account query that the embedded Swift answers with a storlet's kept log."""


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
    engine can.

    :raises NotFoundError: when there is no log
    """
    client = session.client
    if client.capabilities().get("storlet_shell", {}).get("logs"):
        query = [(LOG_QUERY, storlet.name)] + ([("transaction", transaction)] if transaction else [])
        request = Request("GET", query=tuple(query))
    else:
        request = Request("GET", wire.LOG_CONTAINER, f"{storlet.name.split('-')[0]}.log")
    reply = client.find(request)
    text = reply.read().decode("utf-8", "replace") if reply else ""
    if not text:
        raise NotFoundError(f"storlet {storlet} has no log: it has not run, or the cluster keeps none")
    return Text(text)
