"""``acl``: who may read, write, and run storlets over a container."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from storlet_shell.commands.arguments import DRY_RUN
from storlet_shell.deployments.access import Grant, check_entry, is_grant, names_ids, read_entries, read_grant
from storlet_shell.errors import NotFoundError, ServiceError, UsageError
from storlet_shell.results import Done, Result, Table
from storlet_shell.session import Session
from storlet_shell.spec.registry import Arg, Kind, command
from storlet_shell.store.exchange import is_there, plan
from storlet_shell.store.listing import list_entries
from storlet_shell.values import ContainerName, Location, StorletName
from storlet_shell.wire import headers as wire
from storlet_shell.wire.requests import Request

_RIGHTS = {"read": wire.CONTAINER_READ, "write": wire.CONTAINER_WRITE}


@command(
    "acl",
    "Show or change who may read, write, or run storlets over a container.",
    Arg("action", choices=("list", "grant", "revoke"), help="what to do"),
    Arg("container", type=ContainerName.parse, kind=Kind.CONTAINER, metavar="CONTAINER"),
    Arg("who", nargs="?", metavar="WHO", help="grant, revoke: a user's name, or with --read and --write an entry"),
    Arg(
        "--storlet",
        type=StorletName.parse,
        kind=Kind.STORLET,
        metavar="NAME",
        help="the right to run this storlet over the container's objects, without reading them otherwise",
    ),
    Arg("--read", dest="right", action="store_const", const="read", help="the right to read them"),
    Arg("--write", dest="right", action="store_const", const="write", help="the right to write and delete them"),
    DRY_RUN,
)
def acl(
    session: Session,
    action: str,
    container: ContainerName,
    who: str | None = None,
    storlet: StorletName | None = None,
    right: str | None = None,
    dry_run: bool = False,
) -> Result:
    """Show or change who may read, write, or run storlets over a container.

    With --storlet, WHO is the name of a Keystone user, who must be able to read the container of storlets, too. With
    --read or --write, WHO is an entry of Swift's ACLs: PROJECT_ID:USER_ID, on tempauth ACCOUNT:USER, or as .r:* and
    .rlistings. The server does not check that there is such a user.

    An ACL is read, changed here, and written: of two changes at the same moment, one may be lost. Other entries stay.

    :raises NotFoundError: when the container is not there, or what is to be revoked
    """
    if action == "list":
        if who is not None or storlet is not None or right is not None:
            raise UsageError("acl list takes a container, and nothing else")
        request = Request("HEAD", container.name)
        return plan(session.client, request) if dry_run else _list(session, container)
    if who is None or (storlet is None) == (right is None):
        raise UsageError(f"acl {action} wants a WHO and one of --storlet NAME, --read and --write")
    if storlet is not None:
        if container.name == session.client.storlet_container:
            raise UsageError("servers refuse storlet ACLs of the container of storlets; use --read there")
        grant = Grant.of(who, storlet.name)
        if action == "grant":
            return _grant_storlet(session, container, grant, storlet, dry_run=dry_run)
        return _change(session, action, container, grant.entry, "read", _revoked(container, grant), dry_run=dry_run)
    assert right is not None
    entry, did = check_entry(who), "added to" if action == "grant" else "taken out of"
    if action == "revoke" and right == "read" and is_grant(entry):
        grant = read_grant(entry, () if dry_run else _storlets(session, entry))
        return _change(session, action, container, entry, right, _revoked(container, grant), dry_run=dry_run)
    facts = {"container": container.name, "right": right, "who": entry}
    done = Done(f"container {container}: {entry} {did} its {right} ACL", facts)
    return _change(session, action, container, entry, right, done, dry_run=dry_run)


def _facts(container: ContainerName, grant: Grant) -> dict[str, str]:
    return {"container": container.name, "right": "run", "who": grant.user, "storlet": grant.storlet}


def _revoked(container: ContainerName, grant: Grant) -> Done:
    return Done(f"{grant.user} may run {grant.storlet} over container {container} no more", _facts(container, grant))


def _missing(container: ContainerName, facts: Mapping[str, Any]) -> str:
    """Say what there is not to be revoked."""
    if "storlet" in facts:
        return f"container {container} grants {facts['who']} no right to run {facts['storlet']}"
    return f"container {container} has no {facts['who']} in its {facts['right']} ACL"


def _entries(session: Session, container: ContainerName, right: str) -> tuple[str, ...]:
    reply = session.client.send(Request("HEAD", container.name))
    reply.close()
    return read_entries(reply.headers.get(_RIGHTS[right], ""))


def _list(session: Session, container: ContainerName) -> Result:
    reply = session.client.send(Request("HEAD", container.name))
    reply.close()
    found = [
        (right, entry) for right, header in _RIGHTS.items() for entry in read_entries(reply.headers.get(header, ""))
    ]
    storlets = _storlets(session, *(entry for _, entry in found))
    rows = []
    for right, entry in found:
        grant = read_grant(entry, storlets) if is_grant(entry) else None
        rows.append(("run", grant.user, grant.storlet) if grant else (right, entry, None))
    none = f"container {container}: no ACL that this user may see"
    return Table(("right", "who", "storlet"), rows, None if rows else lambda: none)


def _storlets(session: Session, *entries: str) -> set[str]:
    """Return the names of the storlets that are deployed, in lower case; none where no entry needs them to be read."""
    if not any(is_grant(entry) and entry.count("_") > 1 for entry in entries):
        return set()
    try:
        return {
            each["name"].lower() for each in list_entries(session.client, Location(session.client.storlet_container))
        }
    except NotFoundError:
        return set()


def _grant_storlet(
    session: Session, container: ContainerName, grant: Grant, storlet: StorletName, *, dry_run: bool
) -> Result:
    """Have the middleware add a grant, which it does a second time as well, and see that it has."""
    request = Request("POST", container.name, headers=wire.encode_grant(grant.user, grant.storlet))
    if dry_run:
        return plan(session.client, request)
    facts = _facts(container, grant)
    if grant.entry in map(str.lower, _entries(session, container, "read")):
        return Done(f"{grant.user} may run {grant.storlet} over container {container} already", facts)
    _warn(session, grant.user, storlet)
    reply = session.client.send(request)
    reply.read()
    if grant.entry not in _entries(session, container, "read"):
        raise ServiceError(
            f"container {container}: the server granted nothing: it has no storlets middleware",
            transaction_id=reply.transaction_id,
        )
    return Done(f"{grant.user} may run {grant.storlet} over container {container}", facts)


def _warn(session: Session, user: str, storlet: StorletName) -> None:
    """Say what will keep a user from running the storlet all the same."""
    warn, client = session.surroundings.warn, session.client
    if "tempauth" in client.capabilities():
        warn("warning: this cluster's tempauth knows no storlet ACLs; they take effect where Keystone is")
    if not is_there(session.client, Request("HEAD", client.storlet_container, storlet.name)):
        warn(f"warning: storlet {storlet} is not deployed")
    readers = _entries(session, ContainerName(client.storlet_container), "read")
    if not any(entry == ".r:*" or not entry.startswith(".") for entry in readers):
        warn(
            f"warning: {user} must be able to read container {client.storlet_container}, too; "
            f"for a user of another project: acl grant {client.storlet_container} PROJECT_ID:USER_ID --read"
        )


def _change(
    session: Session, action: str, container: ContainerName, entry: str, right: str, done: Done, *, dry_run: bool
) -> Result:
    """Add an entry to an ACL, or take it out, without touching the others.

    :param done: what is returned when that is done
    """
    header = _RIGHTS[right]
    if dry_run:
        told = f"(what is there, {'and' if action == 'grant' else 'without'} {entry})"
        return plan(
            session.client, Request("HEAD", container.name), Request("POST", container.name, headers={header: told})
        )
    if action == "grant" and not names_ids(entry) and "tempauth" not in session.client.capabilities():
        session.surroundings.warn(f"warning: ACLs name Keystone's projects and users by their ids, and {entry} is none")
    before = _entries(session, container, right)
    is_it = [each.lower() == entry.lower() if is_grant(entry) else each == entry for each in before]
    if action == "grant":
        if any(is_it):
            return Done(f"container {container} has {entry} in its {right} ACL already", done.facts)
        after = (*before, entry)
    else:
        if not any(is_it):
            raise NotFoundError(f"{_missing(container, done.facts)}; see: acl list {container}")
        after = tuple(each for each, out in zip(before, is_it, strict=True) if not out)
    session.client.send(Request("POST", container.name, headers=wire.encode_acl(header, after))).read()
    return done
