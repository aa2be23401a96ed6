"""``tempurl``: a signed link to an object, for users without an account."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from storlet_shell.commands.arguments import YES
from storlet_shell.commands.arguments.durations import parse_duration
from storlet_shell.results import Done, Result
from storlet_shell.results.fields import epoch_time
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg, Kind
from storlet_shell.spec.command import command
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

_HOUR = 3600


@command(
    "tempurl",
    "Make a temporary URL, a signed link that anyone can use until it expires.",
    Arg("target", type=Location.parse, kind=Kind.OBJECT, metavar="CONTAINER/OBJECT"),
    Arg(
        "--method",
        type=str.upper,
        choices=METHODS,
        default="GET",
        help="method that the URL allows; all include HEAD (default: GET)",
    ),
    Arg(
        "--expires",
        type=parse_duration,
        default=_HOUR,
        metavar="DURATION",
        help="time until it expires, such as 30m, 1h or 7d; a number by itself counts seconds (default: 1h)",
    ),
    Arg("--prefix", action="store_true", help="allow all objects whose names start with OBJECT"),
    YES,
    Arg("--dry-run", action="store_true", help="show the requests that look for the key, without sending them"),
    examples=(
        "tempurl weather/today.csv  # a link for an hour",
        "tempurl weather/inbox/new.csv --method PUT --expires 7d  # let someone upload this object",
        "tempurl weather/2026/ --prefix  # one signature for all objects of a folder",
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
    """Make a temporary URL, a signed link that anyone can use until it expires, without logging in.

    It is signed with the account's key (the metadatum Temp-URL-Key), or else the container's. If neither has one, the
    account gets a random key; on a terminal you are asked first, unless you give -y. Who replaces or removes the key
    revokes all URLs that it signed: post path:/ --remove Temp-URL-Key. Such a URL can't run storlets.

    With --prefix, OBJECT is the beginning of names: keep the query string, and write any such name in front of it.
    CONTAINER/ stands for all objects of a container.

    :raises NotFoundError: when the container doesn't exist; the object needn't
    :raises IdentityError: when this user may not read or set the key
    :raises RefusedError: when there is no key, and you don't want one
    """
    signed = Signed(target, method, int(time.time()) + expires, prefix)
    check_target(target, is_prefix=prefix)
    if dry_run:
        return plan(session.client, *key_requests(target.container))
    client = session.client
    check(client, signed)
    key = find_key(client, target.container)
    if not key:
        session.confirm(f"Account {client.account} has no key for temporary URLs. Set a random one?", yes=yes)
        key = new_key()
        set_key(client, key)
        session.surroundings.warn(f"note: account {client.account} has a key for temporary URLs now")
    url = sign(client, signed, key)
    facts: TemporaryUrl = {
        "url": url,
        "method": method,
        "location": str(target),
        "is_prefix": prefix,
        "expires_at": epoch_time(signed.expires_at),
    }
    return Done(url, facts)
