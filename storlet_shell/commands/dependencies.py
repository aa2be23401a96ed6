"""``dependencies``: the files that storlets need in addition to their own code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storlet_shell.commands.arguments import DRY_RUN, YES
from storlet_shell.deployments.dependencies import (
    DeployedDependency,
    find_dependency,
    list_dependencies,
    plan_removal,
    removal_requests,
    remove,
)
from storlet_shell.errors import UsageError
from storlet_shell.results import Done, Field, Report, Result, Table
from storlet_shell.results.fields import dashed, facts, joined
from storlet_shell.session import Session
from storlet_shell.spec.registry import Arg, Kind, command
from storlet_shell.store.requests import plan
from storlet_shell.values import StorletName

if TYPE_CHECKING:
    from storlet_shell.results.schemas import DeletedDependencies, Dependency
    from storlet_shell.wire.client import Client


_FIELDS = (
    Field("name"),
    Field("container", is_shown=False),
    Field("bytes"),
    Field("permissions"),
    Field("version", spell=dashed),
    Field("needed_by", spell=joined),
    Field("last_modified", "modified"),
    Field("etag", "MD5", is_shown=False),
)


@command(
    "dependencies",
    "List, show or delete what storlets need beside them.",
    Arg("action", nargs="?", choices=("list", "show", "rm"), default="list", help="list by default"),
    Arg("names", nargs="*", type=StorletName.parse, kind=Kind.DEPENDENCY, metavar="NAME"),
    Arg("--force", action="store_true", help="rm: also what a storlet still needs"),
    YES,
    DRY_RUN,
    category="Storlets",
)
def dependencies(
    session: Session,
    action: str = "list",
    names: list[StorletName] | None = None,
    force: bool = False,
    yes: bool = False,
    dry_run: bool = False,
) -> Result:
    """List, show or delete what storlets need beside them: modules, programs, libraries, data.

    They are uploaded by deploy -d. A storlet whose dependency is gone fails at every run, so one that a storlet still
    needs is not deleted unless --force is given.

    :raises NotFoundError: when one is not there, or the account is not enabled for storlets
    :raises RefusedError: when the answer is no
    """
    wanted = [name.name for name in names or ()]
    if action == "list":
        if wanted:
            raise UsageError("dependencies list takes no name; show one with: dependencies show NAME")
        container = session.client.dependency_container
        rows = (tuple(_facts(dependency, container).values()) for dependency in list_dependencies(session.client))
        return Table(_FIELDS, rows)
    if action == "show":
        if len(wanted) != 1:
            raise UsageError("dependencies show wants one name")
        values = _facts(find_dependency(session.client, wanted[0]), session.client.dependency_container)
        return Report(values, dict(facts(values, _FIELDS)))
    if not wanted:
        raise UsageError("dependencies rm wants a name, or several")
    return _remove(session, list(dict.fromkeys(wanted)), force=force, yes=yes, dry_run=dry_run)


def _facts(dependency: DeployedDependency, container: str) -> Dependency:
    return {
        "name": dependency.name,
        "container": container,
        "bytes": dependency.bytes,
        "permissions": f"{dependency.permissions:04o}",
        "version": dependency.version or None,
        "needed_by": list(dependency.needed_by),
        "last_modified": dependency.date or None,
        "etag": dependency.etag,
    }


def _remove(session: Session, names: list[str], *, force: bool, yes: bool, dry_run: bool) -> Result:
    client = session.client
    if dry_run:
        return plan(client, *removal_requests(client, names))
    removal = plan_removal(client, names, force=force)
    session.confirm(f"Delete {', '.join(names)}?", yes=yes)
    remove(client, removal)
    return Done(f"deleted {', '.join(names)} from {client.dependency_container}", _deleted(client, names))


def _deleted(client: Client, names: list[str]) -> DeletedDependencies:
    return {"container": client.dependency_container, "deleted": names}
