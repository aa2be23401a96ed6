"""List and change the ACLs of containers, entry by entry.

A change reads the ACL, edits it and writes it back, keeping all other entries. Of two simultaneous changes, one may be
lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from storlet_shell.deployments.access import Grant, is_grant, names_ids, read_entries, read_grant
from storlet_shell.equality import typed_equality
from storlet_shell.errors import Action, Hint, NotFoundError, ServiceError, UsageError
from storlet_shell.store.listing import list_entries
from storlet_shell.store.metadata import exists, head, head_request
from storlet_shell.values import ContainerName, Location, ObjectPath, StorletName
from storlet_shell.wire import headers as wire
from storlet_shell.wire.requests import Request

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client

RIGHTS = {"read": wire.CONTAINER_READ, "write": wire.CONTAINER_WRITE}
"""The header of each container ACL, by the right that it grants."""


@typed_equality
class Rule(NamedTuple):
    """An entry of a container ACL.

    :param right: the ACL it belongs to: ``read`` or ``write``
    :param grant: the storlet that it lets a user run; None for any other entry
    """

    right: str
    entry: str
    grant: Grant | None = None


def list_request(container: ContainerName) -> Request:
    """Return the request that reads a container's ACLs."""
    return head_request(Location(container.name))


def list_rules(client: Client, container: ContainerName) -> list[Rule]:
    """Return the entries of a container's ACLs, as far as this user may see them.

    :raises NotFoundError: if the container doesn't exist
    """
    headers = head(client, Location(container.name)).headers
    entries = [(right, entry) for right, name in RIGHTS.items() for entry in read_entries(headers.get(name, ""))]
    storlets = _deployed(client, *(entry for _, entry in entries))
    return [Rule(right, entry, read_grant(entry, storlets) if is_grant(entry) else None) for right, entry in entries]


def find_grant(client: Client, entry: str) -> Grant:
    """Return the grant that an entry stands for; if it is ambiguous, the deployed storlets decide."""
    return read_grant(entry, _deployed(client, entry))


def _deployed(client: Client, *entries: str) -> set[str]:
    """Return the deployed storlets' names in lower case, or nothing if no entry is ambiguous."""
    if not any(is_grant(entry) and entry.count("_") > 1 for entry in entries):
        return set()
    try:
        return {entry["name"].lower() for entry in list_entries(client, Location(client.storlet_container))}
    except NotFoundError:
        return set()


def check_container(client: Client, container: ContainerName) -> None:
    """Check that a container can have storlet ACLs.

    :raises UsageError: if it is the container of the storlets
    """
    if container.name == client.storlet_container:
        raise UsageError("servers refuse storlet ACLs on the container of the storlets", hint=Hint(Action.NAME_RIGHT))


def grant_request(container: ContainerName, grant: Grant) -> Request:
    """Return the POST that has the storlets middleware add a grant to a container's read ACL."""
    return Request("POST", container.name, headers=wire.encode_grant(grant.user, grant.storlet))


def grant_run(client: Client, container: ContainerName, user: str, storlet: StorletName) -> bool:
    """Let a user run a storlet over a container's objects; return whether the grant is new.

    The middleware would add the same grant again. The observer is warned of whatever still prevents a run.

    :param user: the user's bare name, without project or domain
    :raises UsageError: if no server could match the user's name, or if it is the container of the storlets
    :raises ServiceError: if the server granted nothing
    """
    check_container(client, container)
    grant = Grant.of(user, storlet.name)
    if grant.entry in map(str.lower, _entries(client, container, "read")):
        return False
    _warn(client, grant.user, storlet)
    reply = client.send(grant_request(container, grant))
    reply.read()
    if grant.entry not in _entries(client, container, "read"):
        raise ServiceError(
            f"container {container}: the server granted nothing; it doesn't run the storlets middleware",
            transaction_id=reply.transaction_id,
        )
    return True


def _warn(client: Client, user: str, storlet: StorletName) -> None:
    """Warn of what still keeps a user from running the storlet."""
    warn = client.observer.warn
    if "tempauth" in client.capabilities():
        warn("warning: this cluster's tempauth ignores storlet ACLs; they take effect with Keystone only")
    if not exists(client, ObjectPath(client.storlet_container, storlet.name)):
        warn(f"warning: storlet {storlet} is not deployed")
    readers = _entries(client, ContainerName(client.storlet_container), "read")
    if not any(entry == ".r:*" or not entry.startswith(".") for entry in readers):
        text = f"warning: {user} must also be able to read container {client.storlet_container}"
        warn(text, Hint(Action.GRANT_READING, (client.storlet_container,)))


def _entries(client: Client, container: ContainerName, right: str) -> tuple[str, ...]:
    return read_entries(head(client, Location(container.name)).headers.get(RIGHTS[right], ""))


def change_requests(container: ContainerName, rule: Rule, *, adds: bool) -> tuple[Request, Request]:
    """Return the requests that change an ACL, with the current entries described in words."""
    words = f"(current entries, {'and' if adds else 'without'} {rule.entry})"
    post = Request("POST", container.name, headers={RIGHTS[rule.right]: words})
    return list_request(container), post


def add(client: Client, container: ContainerName, rule: Rule) -> bool:
    """Add an entry to an ACL; return whether it is new.

    :raises NotFoundError: if the container doesn't exist
    """
    if not names_ids(rule.entry) and "tempauth" not in client.capabilities():
        text = f"warning: ACLs identify Keystone projects and users by ID, which {rule.entry} doesn't"
        client.observer.warn(text)
    before = _entries(client, container, rule.right)
    is_new = not any(_is_same(entry, rule.entry) for entry in before)
    if is_new:
        _write(client, container, rule.right, (*before, rule.entry))
    return is_new


def remove(client: Client, container: ContainerName, rule: Rule) -> None:
    """Remove an entry from an ACL.

    :raises NotFoundError: if the ACL doesn't contain it
    """
    before = _entries(client, container, rule.right)
    after = tuple(entry for entry in before if not _is_same(entry, rule.entry))
    if len(after) == len(before):
        raise NotFoundError(_missing(container, rule), hint=Hint(Action.SEE_GRANTS, (str(container),)))
    _write(client, container, rule.right, after)


def _is_same(entry: str, other: str) -> bool:
    return entry.lower() == other.lower() if is_grant(other) else entry == other


def _write(client: Client, container: ContainerName, right: str, entries: tuple[str, ...]) -> None:
    client.send(Request("POST", container.name, headers=wire.encode_acl(RIGHTS[right], entries))).read()


def _missing(container: ContainerName, rule: Rule) -> str:
    """Explain that there is nothing to revoke."""
    if rule.grant:
        return f"container {container}: {rule.grant.user} isn't allowed to run {rule.grant.storlet}"
    return f"container {container}: {rule.entry} isn't in its {rule.right} ACL"
