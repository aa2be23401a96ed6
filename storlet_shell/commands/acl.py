"""``acl``: who may read, write, and run storlets over a container."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storlet_shell.commands.arguments import DRY_RUN
from storlet_shell.deployments import acls
from storlet_shell.deployments.access import Grant, check_entry, is_grant, read_grant
from storlet_shell.errors import UsageError
from storlet_shell.results import Done, Result, Table
from storlet_shell.session import Session
from storlet_shell.spec.registry import Arg, Kind, command
from storlet_shell.store.requests import plan
from storlet_shell.values import ContainerName, StorletName

if TYPE_CHECKING:
    from storlet_shell.results.schemas import AclChange, AclEntry


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
        return plan(session.client, acls.list_request(container)) if dry_run else _list(session, container)
    if who is None or (storlet is None) == (right is None):
        raise UsageError(f"acl {action} wants a WHO and one of --storlet NAME, --read and --write")
    if storlet is None:
        rule = acls.Rule(right or "", check_entry(who))
        if action == "revoke" and right == "read" and is_grant(rule.entry):
            grant = read_grant(rule.entry) if dry_run else acls.find_grant(session.client, rule.entry)
            rule = rule._replace(grant=grant)
        return _change(session, action, container, rule, dry_run=dry_run)
    acls.check_container(session.client, container)
    grant = Grant.of(who, storlet.name)
    if action == "revoke":
        return _change(session, action, container, acls.Rule("read", grant.entry, grant), dry_run=dry_run)
    if dry_run:
        return plan(session.client, acls.grant_request(container, grant))
    is_new = acls.grant_run(session.client, container, who, storlet)
    message = f"{grant.user} may run {grant.storlet} over container {container}" + ("" if is_new else " already")
    return Done(message, _change_of(container, acls.Rule("read", grant.entry, grant), changed=is_new))


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
