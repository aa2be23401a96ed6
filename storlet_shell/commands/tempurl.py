"""``tempurl``: signed links to objects, for users without an account."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from storlet_shell.commands.arguments import YES
from storlet_shell.commands.arguments.durations import parse_duration
from storlet_shell.errors import UsageError
from storlet_shell.results import Done, Field, Result, Table
from storlet_shell.results.fields import epoch_time
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg, Kind
from storlet_shell.spec.command import command
from storlet_shell.store.names.globs import matching, resolve
from storlet_shell.store.requests import plan
from storlet_shell.transfers.tempurls import (
    METHODS,
    Signed,
    check,
    check_target,
    find_key,
    key_requests,
    new_key,
    set_key,
    sign,
)
from storlet_shell.values import Location

if TYPE_CHECKING:
    from storlet_shell.results.schemas.facts import TemporaryUrl
    from storlet_shell.wire.client import Client

_HOUR = 3600


@command(
    "tempurl",
    "Create a temporary URL, which gives anyone access to an object until it expires.",
    Arg(
        "target",
        type=Location.parse,
        kind=Kind.OBJECT,
        metavar="CONTAINER/OBJECT",
        help="object, or a pattern such as 'weather/*.csv' for a URL for each match",
    ),
    Arg(
        "--method",
        type=str.upper,
        choices=METHODS,
        default="GET",
        help="HTTP method that the URL allows; HEAD always works, too (default: GET)",
    ),
    Arg(
        "--expires",
        type=parse_duration,
        default=_HOUR,
        metavar="DURATION",
        help="time until it expires, such as 30m, 1h or 7d; a plain number is in seconds (default: 1h)",
    ),
    Arg("--prefix", action="store_true", help="give access to all objects whose names start with OBJECT"),
    YES,
    Arg("--dry-run", action="store_true", help="show the requests that look up the key, without sending them"),
    examples=(
        "tempurl weather/today.csv  # a link for an hour",
        "tempurl 'weather/2026/*.csv' --expires 1d  # a link for each object that matches",
        "tempurl weather/inbox/new.csv --method PUT --expires 7d  # let someone upload this object",
        "tempurl weather/2026/ --prefix  # one link for all objects of a folder",
    ),
)
def tempurl(
    session: Session,
    target: Location,
    method: str = "GET",
    expires: int = _HOUR,
    prefix: bool = False,
    yes: bool = False,
    dry_run: bool = False,
) -> Result:
    """Create a temporary URL, which gives anyone access to an object until it expires, without logging in.

    For a pattern (as in map), there is a URL for each object that matches. If an object has exactly the pattern as its
    name, only that gets one. With --method PUT, the name is used as it is, since the object needn't exist.

    URLs are signed with the account's key (metadata key Temp-URL-Key), or else the container's. If neither has a key, a
    random one is set on the account; on a terminal you are asked first, unless you give -y. To revoke all URLs, replace
    or remove the key: post path:/ --remove Temp-URL-Key. A temporary URL can't run storlets.

    With --prefix, the URL works for all objects whose names start with OBJECT: insert the rest of the name in front of
    the question mark. CONTAINER/ means all objects of the container.

    :raises NotFoundError: when the container doesn't exist, or nothing matches a pattern
    :raises IdentityError: when this user may not read or set the key
    :raises RefusedError: when neither has a key, and you decline to set one
    """
    signed = Signed(target, method, int(time.time()) + expires, prefix)
    check_target(target, is_prefix=prefix)
    if dry_run:
        return plan(session.client, *key_requests(target.container))
    client = session.client
    check(client, signed)
    entries = _matches(client, signed)
    key = find_key(client, target.container)
    if not key:
        session.confirm(f"Account {client.account} has no key for temporary URLs. Set a random one?", yes=yes)
        key = new_key()
        set_key(client, key)
        session.surroundings.warn(f"note: account {client.account} has a key for temporary URLs now")
    if expiry := epoch_time(signed.expires_at):
        session.surroundings.warn(f"note: valid until {expiry}")
    if entries is None:
        facts = _facts(client, signed, key)
        return Done(facts["url"], facts)
    matches = (signed._replace(target=Location(target.container, entry["name"])) for entry in entries)
    return Table(_FIELDS, (tuple(_facts(client, match, key).values()) for match in matches))


_FIELDS = (
    Field("url"),
    *(Field(name, is_shown=False) for name in ("method", "location", "is_prefix", "expires_at")),
)
"""The columns for the matches of a pattern; people see the first one."""


def _matches(client: Client, signed: Signed) -> Iterator[dict[str, Any]] | None:
    """List the objects that match a pattern; None if the target is a name, as it always is for an upload.

    :raises NotFoundError: if nothing matches
    :raises UsageError: if the target of a prefix is a pattern
    """
    if signed.method == "PUT":
        return None
    target = resolve(client, signed.target, is_prefix=signed.is_prefix)
    if isinstance(target, Location):
        return None
    if signed.is_prefix:
        raise UsageError(
            "no name starts with this; for a URL for each object that matches, drop --prefix", subject=str(target)
        )
    return matching(client, target)


def _facts(client: Client, signed: Signed, key: str) -> TemporaryUrl:
    return {
        "url": sign(client, signed, key),
        "method": signed.method,
        "location": str(signed.target),
        "is_prefix": signed.is_prefix,
        "expires_at": epoch_time(signed.expires_at),
    }
