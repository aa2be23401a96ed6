"""``whoami``: show the identity that requests are made with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from storlet_shell.errors import IdentityError
from storlet_shell.results import Field, Report, Result
from storlet_shell.results.fields import facts
from storlet_shell.session import Session
from storlet_shell.spec.command import command
from storlet_shell.store.metadata import head

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client


_FIELDS = (
    Field("source"),
    Field("auth_url", "identity service"),
    Field("user", spell=lambda user: user or "(a token's)"),
    Field("user_id"),
    Field("user_domain"),
    Field("project"),
    Field("project_id"),
    Field("project_domain"),
    Field("roles"),
    Field("token_expires_at", "token expires"),
    Field("region", spell=lambda region: region or "(any)"),
    Field("interface"),
    Field("account"),
    Field("storage_url", "storage URL"),
    Field("storlets_enabled", "enabled for storlets"),
)
"""What people read, in this order."""


@command(
    "whoami",
    "Show the identity used for requests.",
    category="Session",
    examples=(
        "whoami  # who you are, and where that is set",
        "whoami --json  # as a JSON document",
        "whoami | grep URL  # the storage URL",
        "whoami --format value --columns storage_url  # the URL alone",
    ),
)
def whoami(session: Session) -> Result:
    """Show the identity used for requests, where it comes from, and its rights, but no secrets.

    :raises IdentityError: when no identity is set, or it is refused
    """
    client, login = session.client, session.login
    enabled, reason = _enabled(client)
    identity: dict[str, Any] = {
        "source": login.credentials.source,
        **login.facts(),
        "account": client.account,
        "storage_url": client.storage_url,
        "storlets_enabled": enabled,
    }
    fields = [field for field in _FIELDS if field.name in identity]
    return Report(identity, dict(facts({**identity, "storlets_enabled": reason}, fields)))


def _enabled(client: Client) -> tuple[bool | None, str]:
    """Tell whether the account may run storlets, for programs and for people.

    It is None for a user to whom the account grants no more than some objects: such a user may not know.

    :raises IdentityError: when the token is refused, and no other can be had
    """
    try:
        info = head(client)
    except IdentityError as error:
        if error.status is None:  # no answer of the store's
            raise
        return None, f"not known; {error.explained(client.observer.spell)}"
    return info.is_enabled, "yes" if info.is_enabled else "no; see: help enable"
