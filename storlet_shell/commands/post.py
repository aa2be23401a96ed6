"""``post``: metadata and headers of an object, a container or the account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from storlet_shell.commands.arguments import DRY_RUN, METADATA
from storlet_shell.errors import UsageError
from storlet_shell.results import Done, Result
from storlet_shell.session import Session
from storlet_shell.spec.registry import Arg, Kind, command
from storlet_shell.store.exchange import plan
from storlet_shell.store.links import link_target
from storlet_shell.values import Location, Metadatum
from storlet_shell.wire import headers as wire
from storlet_shell.wire.requests import Request


class _Change(NamedTuple):
    """What is to become of the metadata.

    :param headers: headers by their names; those that are empty go
    """

    container: str
    name: str
    headers: Mapping[str, str]

    def request(self, kept: Mapping[str, str]) -> Request:
        """Return the request.

        :param kept: the headers that must be repeated to stay
        """
        changed = {name.lower() for name in self.headers}
        if wire.EXPIRES_AFTER.lower() in changed:
            changed.add(wire.EXPIRES.lower())  # what the server keeps of it
        stay = {name: value for name, value in kept.items() if name.lower() not in changed}
        wanted = {name: value for name, value in self.headers.items() if value or not self.name}
        return Request("POST", self.container, self.name, headers={**stay, **wanted})


@command(
    "post",
    "Set or remove metadata of an object, a container or the account.",
    Arg(
        "location",
        type=Location.parse,
        kind=Kind.OBJECT,
        metavar="CONTAINER[/OBJECT]",
        help="path:/ is the account",
    ),
    METADATA,
    Arg(
        "--remove",
        action="append",
        type=Metadatum.parse_key,
        metavar="KEY",
        help="a metadatum to be removed; may be repeated",
    ),
    Arg(
        "-H",
        "--header",
        dest="headers",
        action="append",
        type=wire.Header.parse,
        metavar="NAME:VALUE",
        help="any other header, as X-Delete-After:3600; without a value, it is removed; may be repeated",
    ),
    DRY_RUN,
)
def post(
    session: Session,
    location: Location,
    metadata: list[Metadatum] | None = None,
    remove: list[str] | None = None,
    headers: list[wire.Header] | None = None,
    dry_run: bool = False,
) -> Result:
    """Set or remove metadata of an object, a container or the account; all others stay as they are.

    The server replaces an object's metadata as a whole, so those that are there are read first and sent along: the
    description of a storlet, the date of expiry, and the content type stay too. What another client changes in between
    is lost. --dry-run does not read them. Removing a metadatum that is not there changes nothing and is no error.

    :raises NotFoundError: when the object, the container or the account is not there
    :raises UsageError: when there is nothing to change
    """
    prefix = wire.metadata_prefix(*location)
    changes = {f"{prefix}{key}": "" for key in remove or ()}
    changes.update({f"{prefix}{key}": value for key, value in metadata or ()})
    changes.update(headers or ())
    if not changes:
        raise UsageError("post wants something to change: -m KEY=VALUE, --remove KEY or -H NAME:VALUE")
    change = _Change(*location, changes)
    if dry_run:
        return plan(session.client, change.request({}))
    removes = any(_removes(prefix, *each) for each in changes.items())
    there = _read(session, location) if location.prefix or removes else {}
    absent = [name for name, value in changes.items() if _removes(prefix, name, value) and name not in there]
    done = {name: value for name, value in changes.items() if name not in absent}
    request = change.request(_kept(there) if location.prefix else {})
    if done:
        session.client.send(request).read()
    what = [f"{'set' if value else 'removed'} {name}" for name, value in done.items()]
    what += [f"there was no {name}" for name in absent]
    facts = {"subject": request.subject, "changed": wire.without_keys(done), "absent": absent}
    return Done(f"{request.subject}: {', '.join(what)}", facts)


def _removes(prefix: str, name: str, value: str) -> bool:
    """Tell whether a change removes a metadatum."""
    return not value and name.lower().startswith(prefix.lower())


def _read(session: Session, location: Location) -> Mapping[str, str]:
    """Return the headers that are there.

    :raises UsageError: when it is a symbolic link, whose own metadata nobody sees: a POST to it would change those
    """
    reply = session.client.send(Request("HEAD", *location))
    reply.close()
    target = link_target(reply, session.client.account, location) if location.prefix else ""
    if target:
        raise UsageError(f"{location} is a symbolic link to {target}; post to that")
    return reply.headers


def _kept(there: Mapping[str, str]) -> dict[str, str]:
    """Return what an object's POST would take away unless it repeats it."""
    names = {name.lower() for name in wire.KEPT_BY_UPLOADS_ONLY}
    return {
        name: value
        for name, value in there.items()
        if name.lower() in names or name.lower().startswith(wire.USER_METADATA.lower())
    }
