"""``post``: set metadata and headers of an object, a container or the account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storlet_shell.commands.arguments import DRY_RUN, METADATA
from storlet_shell.commands.arguments.headers import Header
from storlet_shell.errors import UsageError
from storlet_shell.results import Done, Result
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg, Kind
from storlet_shell.spec.command import command
from storlet_shell.store import metadata as store
from storlet_shell.store.requests import plan
from storlet_shell.values import Location, Metadatum
from storlet_shell.wire import headers as wire

if TYPE_CHECKING:
    from storlet_shell.results.schemas.changes import ChangedMetadata


@command(
    "post",
    "Set or remove metadata of an object, a container or the account.",
    Arg(
        "location",
        type=Location.parse,
        kind=Kind.OBJECT,
        metavar="CONTAINER[/OBJECT]",
        help="object or container; path:/ means the account",
    ),
    METADATA,
    Arg(
        "--remove",
        action="append",
        type=Metadatum.parse_key,
        metavar="KEY",
        help="metadata to remove; repeatable",
    ),
    Arg(
        "-H",
        "--header",
        dest="headers",
        action="append",
        type=Header.parse,
        metavar="NAME:VALUE",
        help="other header, such as X-Delete-After:3600; an empty value removes it; repeatable",
    ),
    DRY_RUN,
    examples=(
        "post weather/today.csv -m station=lima -m year=2026",
        "post weather/today.csv --remove station  # keep the others",
        "post weather/today.csv -H X-Delete-After:86400  # delete it in a day",
    ),
)
def post(
    session: Session,
    location: Location,
    metadata: list[Metadatum] | None = None,
    remove: list[str] | None = None,
    headers: list[Header] | None = None,
    dry_run: bool = False,
) -> Result:
    """Set or remove metadata of an object, a container, or the account, and keep the rest.

    The server replaces an object's metadata as a whole, so the current metadata is read first and sent along; a
    storlet's description, the expiration date, and the content type are kept, too. A change that another client makes
    in between is lost. --dry-run doesn't read anything. Removing a key that isn't set changes nothing and isn't an
    error.

    :raises NotFoundError: when the object, the container or the account doesn't exist
    :raises UsageError: when there is nothing to change
    """
    prefix = wire.metadata_prefix(*location)
    changes = {f"{prefix}{key}": "" for key in remove or ()}
    changes.update({f"{prefix}{key}": value for key, value in metadata or ()})
    changes.update(headers or ())
    if not changes:
        raise UsageError("nothing to change; give -m KEY=VALUE, --remove KEY, or -H NAME:VALUE")
    request = store.post_request(location, changes)
    if dry_run:
        return plan(session.client, request)
    change = store.post(session.client, location, changes)
    parts = [f"{'set' if value else 'removed'} {name}" for name, value in change.changed.items()]
    parts += [f"there was no {name}" for name in change.absent]
    shown = wire.without_keys(change.changed)
    values: ChangedMetadata = {
        "location": str(location),
        "set": {name: value for name, value in shown.items() if value},
        "removed": [name for name, value in shown.items() if not value],
        "absent": list(change.absent),
    }
    return Done(f"{request.subject}: {', '.join(parts)}", values)
