"""``dependencies``: the files that storlets need in addition to their own code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from storlet_shell.commands.arguments import DRY_RUN, YES
from storlet_shell.deployments.dependencies import (
    DeployedDependency,
    find_dependency,
    list_dependencies,
    plan_removal,
    removal_requests,
    remove,
)
from storlet_shell.results import Done, Field, Report, Result, Table
from storlet_shell.results.fields import dashed, facts, versions
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg, Kind
from storlet_shell.spec.command import Action, group
from storlet_shell.store.requests import plan
from storlet_shell.values import StorletName

if TYPE_CHECKING:
    from storlet_shell.results.schemas.dependencies import DeletedDependencies, Dependency
    from storlet_shell.wire.client import Client


_FIELDS = (
    Field("name"),
    Field("container", is_shown=False),
    Field("bytes", is_size=True),
    Field("permissions"),
    Field("version", spell=dashed),
    Field("needed_by", spell=dashed),
    Field("packages", spell=versions, is_shown=False),
    Field("last_modified", "modified"),
    Field("etag", "MD5", is_shown=False),
)


def list_all(session: Session) -> Result:
    """List the deployed dependencies with their size, permissions and date, and the storlets that need them.

    :raises NotFoundError: when the account isn't enabled for storlets
    """
    container = session.client.dependency_container
    rows = (tuple(_facts(dependency, container).values()) for dependency in list_dependencies(session.client))
    return Table(_FIELDS, rows, empty=f"container {container}: no dependencies")


def show(session: Session, name: StorletName) -> Result:
    """Show everything about one dependency, and which storlets need it.

    :raises NotFoundError: when it isn't deployed, or the account isn't enabled for storlets
    """
    values = _facts(find_dependency(session.client, name.name), session.client.dependency_container)
    return Report(values, dict(facts(values, _FIELDS)))


def rm(
    session: Session,
    names: list[StorletName],
    force: bool = False,
    yes: bool = False,
    dry_run: bool = False,
) -> Result:
    """Delete dependencies.

    A storlet without one of its dependencies fails at every run, so a dependency that a storlet needs is deleted only
    with --force.

    :raises NotFoundError: when one isn't deployed, or the account isn't enabled for storlets
    :raises RefusedError: when a storlet needs one, or the answer is no
    """
    return _remove(session, list(dict.fromkeys(name.name for name in names)), force=force, yes=yes, dry_run=dry_run)


def _names(dest: str, **options: Any) -> Arg:
    return Arg(dest, type=StorletName.parse, kind=Kind.DEPENDENCY, metavar="NAME", **options)


dependencies = group(
    "dependencies",
    "List, show or delete the dependencies of storlets.",
    Action(
        "list",
        "List the deployed dependencies.",
        run=list_all,
        default=True,
        examples=["dependencies  # list what is deployed"],
    ),
    Action(
        "show",
        "Show everything about one dependency.",
        _names("name"),
        run=show,
        examples=["dependencies show cities.txt  # everything about one dependency"],
    ),
    Action(
        "rm",
        "Delete dependencies.",
        _names("names", nargs="+"),
        Arg("--force", action="store_true", help="delete even what a storlet still needs"),
        YES,
        DRY_RUN,
        run=rm,
        examples=["dependencies rm old.txt -y  # delete one without asking"],
    ),
    text="""List, show or delete the dependencies of storlets: modules, programs, libraries, data.

    deploy -d uploads them.""",
    category="Storlets",
)


def _facts(dependency: DeployedDependency, container: str) -> Dependency:
    return {
        "name": dependency.name,
        "container": container,
        "bytes": dependency.bytes,
        "permissions": f"{dependency.permissions:04o}",
        "version": dependency.version or None,
        "needed_by": list(dependency.needed_by),
        "packages": dict(dependency.packages),
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
