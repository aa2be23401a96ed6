"""``acl``: who may read, write, and run storlets over a container."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storlet_shell.commands.arguments import DRY_RUN
from storlet_shell.deployments import acls
from storlet_shell.deployments.access import Grant, check_entry, is_grant, read_grant
from storlet_shell.errors import UsageError
from storlet_shell.results import Done, Result, Table
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg, Kind
from storlet_shell.spec.command import Action, group
from storlet_shell.store.requests import plan
from storlet_shell.values import ContainerName, StorletName

if TYPE_CHECKING:
    from storlet_shell.results.schemas.acl import AclChange, AclEntry


def list_entries(session: Session, container: ContainerName, dry_run: bool = False) -> Result:
    """List who may read a container, write to it, and run storlets over it.

    :raises NotFoundError: when the container doesn't exist
    """
    return plan(session.client, acls.list_request(container)) if dry_run else _list(session, container)


def grant(
    session: Session,
    container: ContainerName,
    who: str,
    storlet: StorletName | None = None,
    right: str | None = None,
    dry_run: bool = False,
) -> Result:
    """Let a user run a storlet over a container's objects, read them, or write them.

    With --storlet, WHO is the name of a Keystone user, who must also be able to read the container of the storlet. With
    --read or --write, WHO is an entry of Swift's ACLs: PROJECT_ID:USER_ID, on tempauth ACCOUNT:USER, or .r:* and
    .rlistings for everybody. The server doesn't check that the user exists.

    The ACL is read, changed and written back: of two changes at the same moment, one may be lost. Other entries stay.

    :raises NotFoundError: when the container or the storlet doesn't exist
    """
    rule = _rule(who, storlet, right)
    if rule.grant is None:
        return _change(session, "grant", container, rule, dry_run=dry_run)
    acls.check_container(session.client, container)
    if dry_run:
        return plan(session.client, acls.grant_request(container, rule.grant))
    assert storlet is not None
    is_new = acls.grant_run(session.client, container, who, storlet)
    message = (
        f"{rule.grant.user} {'may' if is_new else 'can already'} run {rule.grant.storlet} over container {container}"
    )
    return Done(message, _change_of(container, rule, changed=is_new))


def revoke(
    session: Session,
    container: ContainerName,
    who: str,
    storlet: StorletName | None = None,
    right: str | None = None,
    dry_run: bool = False,
) -> Result:
    """Take back a right over a container, in the words that granted it.

    :raises NotFoundError: when the container doesn't exist, or the right was not granted
    """
    rule = _rule(who, storlet, right)
    if rule.grant is not None:
        acls.check_container(session.client, container)
    elif right == "read" and is_grant(rule.entry):
        entry_grant = read_grant(rule.entry) if dry_run else acls.find_grant(session.client, rule.entry)
        rule = rule._replace(grant=entry_grant)
    return _change(session, "revoke", container, rule, dry_run=dry_run)


_CONTAINER = Arg("container", type=ContainerName.parse, kind=Kind.CONTAINER, metavar="CONTAINER")
_RIGHT = (
    _CONTAINER,
    Arg("who", metavar="WHO", help="a user name for --storlet, an ACL entry for --read and --write"),
    Arg(
        "--storlet",
        type=StorletName.parse,
        kind=Kind.STORLET,
        metavar="NAME",
        help="the right to run this storlet over the objects, without reading them otherwise",
    ),
    Arg("--read", dest="right", action="store_const", const="read", help="the right to read the objects"),
    Arg("--write", dest="right", action="store_const", const="write", help="the right to write and delete objects"),
    DRY_RUN,
)

acl = group(
    "acl",
    "Show or change who may read, write, or run storlets over a container.",
    Action(
        "list",
        "List the rights of a container.",
        _CONTAINER,
        DRY_RUN,
        run=list_entries,
        examples=["acl list weather  # who may read, write, and run storlets"],
    ),
    Action(
        "grant",
        "Grant a right over a container.",
        *_RIGHT,
        run=grant,
        examples=[
            "acl grant weather alice --storlet warm.py  # may run warm.py, but not read the objects",
            "acl grant weather test:guest --read  # may read the objects",
        ],
    ),
    Action(
        "revoke",
        "Take back a right over a container.",
        *_RIGHT,
        run=revoke,
        examples=["acl revoke weather alice --storlet warm.py  # take the right back"],
    ),
)


def _rule(who: str, storlet: StorletName | None, right: str | None) -> acls.Rule:
    """Return the ACL entry that a line is about; only one for a storlet has a grant.

    :raises UsageError: when the line names no right, or two
    """
    if (storlet is None) == (right is None):
        raise UsageError("acl: needs exactly one right; give --storlet NAME, --read, or --write")
    if storlet is None:
        return acls.Rule(right or "", check_entry(who))
    entry_grant = Grant.of(who, storlet.name)
    return acls.Rule("read", entry_grant.entry, entry_grant)


def _change_of(container: ContainerName, rule: acls.Rule, *, changed: bool = True) -> AclChange:
    return {"container": container.name, **_entry(rule), "changed": changed}


def _entry(rule: acls.Rule) -> AclEntry:
    if rule.grant:
        return {"right": "run", "grantee": rule.grant.user, "storlet": rule.grant.storlet}
    return {"right": "write" if rule.right == "write" else "read", "grantee": rule.entry, "storlet": None}


def _list(session: Session, container: ContainerName) -> Result:
    rows = [tuple(_entry(rule).values()) for rule in acls.list_rules(session.client, container)]
    empty = f"container {container}: no ACL that this user may see"
    return Table(("right", "grantee", "storlet"), rows, None if rows else lambda: empty)


def _change(session: Session, action: str, container: ContainerName, rule: acls.Rule, *, dry_run: bool) -> Result:
    """Add an entry to an ACL, or take it out, without touching the others."""
    if dry_run:
        return plan(session.client, *acls.change_requests(container, rule, adds=action == "grant"))
    if action == "revoke":
        acls.remove(session.client, container, rule)
        if rule.grant:
            message = f"{rule.grant.user} can no longer run {rule.grant.storlet} over container {container}"
        else:
            message = f"container {container}: {rule.entry} removed from its {rule.right} ACL"
        return Done(message, _change_of(container, rule))
    is_new = acls.add(session.client, container, rule)
    verb = "added to" if is_new else "already in"
    return Done(
        f"container {container}: {rule.entry} {verb} its {rule.right} ACL", _change_of(container, rule, changed=is_new)
    )
