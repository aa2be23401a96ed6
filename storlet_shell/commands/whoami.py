"""``whoami``: the identity that requests are made with."""

from __future__ import annotations

from storlet_shell import headers as wire
from storlet_shell.registry import command
from storlet_shell.results import Report, Result
from storlet_shell.session import Session
from storlet_shell.values import Request


@command("whoami", "Show whose identity requests are made with.", category="Session")
def whoami(session: Session) -> Result:
    """Show whose identity requests are made with, where it was found, and what it is allowed; never a secret.

    :raises IdentityError: when there is none, or it is refused
    """
    client = session.client
    credentials = client.login.credentials
    reply = client.send(Request("HEAD"))
    reply.close()
    enabled = reply.headers.get(wire.STORLETS_ENABLED, "").lower() in ("true", "1", "yes", "on", "t", "y")
    return Report(
        {
            "source": credentials.source,
            **({"identity service": credentials.auth_url} if credentials.scheme != "token" else {}),
            **client.login.facts(),
            "account": client.account,
            "storage URL": client.login.storage_url(),
            "enabled for storlets": "yes" if enabled else "no; see: help enable",
        }
    )
