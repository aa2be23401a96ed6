"""``dependencies``: the files that storlets need in addition to their own code."""

from __future__ import annotations

from typing import Any

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
from storlet_shell.results import Done, Report, Result, Table
from storlet_shell.session import Session
from storlet_shell.spec.registry import Arg, Kind, command
from storlet_shell.store.requests import plan
from storlet_shell.values import StorletName


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
        columns = ("name", "bytes", "permissions", "version", "needed_by", "date")
        return Table(columns, map(_row, list_dependencies(session.client)))
    if action == "show":
        if len(wanted) != 1:
            raise UsageError("dependencies show wants one name")
        return Report(_facts(find_dependency(session.client, wanted[0]), session.client.dependency_container))
    if not wanted:
        raise UsageError("dependencies rm wants a name, or several")
    return _remove(session, list(dict.fromkeys(wanted)), force=force, yes=yes, dry_run=dry_run)


def _row(dependency: DeployedDependency) -> tuple[Any, ...]:
    permissions, needed_by = f"{dependency.permissions:04o}", ",".join(dependency.needed_by) or "-"
    return dependency.name, dependency.bytes, permissions, dependency.version or "-", needed_by, dependency.date


def _facts(dependency: DeployedDependency, container: str) -> dict[str, Any]:
    return {
        "name": dependency.name,
        "container": container,
        "bytes": dependency.bytes,
        "permissions": f"{dependency.permissions:04o}",
        "version": dependency.version,
        "date": dependency.date,
        "etag": dependency.etag,
        "needed_by": list(dependency.needed_by),
    }


def _remove(session: Session, names: list[str], *, force: bool, yes: bool, dry_run: bool) -> Result:
    client = session.client
    if dry_run:
        return plan(client, *removal_requests(client, names))
    removal = plan_removal(client, names, force=force)
    session.confirm(f"Delete {', '.join(names)}?", yes=yes)
    remove(client, removal)
    return Done(f"deleted {', '.join(names)} from {client.dependency_container}", {"deleted": names})
