"""``whoami``: the identity that requests are made with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storlet_shell.errors import IdentityError
from storlet_shell.results import Report, Result
from storlet_shell.session import Session
from storlet_shell.spec.command import command
from storlet_shell.store.metadata import head

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client


@command("whoami", "Show whose identity requests are made with.", category="Session")
def whoami(session: Session) -> Result:
    """Show whose identity requests are made with, where it was found, and what it is allowed; never a secret.

    :raises IdentityError: when there is none, or it is refused
    """
    client, login = session.client, session.login
    return Report(
        {
            "source": login.credentials.source,
            **login.facts(),
            "account": client.account,
            "storage URL": client.storage_url,
            "enabled for storlets": _enabled(client),
        }
    )


def _enabled(client: Client) -> str:
    """Say whether the account may run storlets; a user to whom it grants no more than some objects is not told.

    :raises IdentityError: when the token is refused, and there is no way to another one
    """
    try:
        info = head(client)
    except IdentityError as error:
        if error.status is None:  # no answer of the store's
            raise
        return f"not known; {error.explained(client.observer.spell)}"
    return "yes" if info.is_enabled else "no; see: help enable"
