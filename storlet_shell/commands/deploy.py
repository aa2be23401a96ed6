"""``deploy``: upload a storlet, and run it if asked to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from storlet_shell.commands.arguments import PARAMETERS
from storlet_shell.deployments.deploy import Deployed, check_runs_from, deployment_requests
from storlet_shell.deployments.deploy import deploy as deploy_package
from storlet_shell.deployments.package import Package, read_package
from storlet_shell.deployments.packages.wanted import Wanted
from storlet_shell.deployments.review import review
from storlet_shell.errors import IdentityError, StorletShellError, UsageError
from storlet_shell.results import Done, Result
from storlet_shell.results.fields import versions
from storlet_shell.session import Session
from storlet_shell.spec.arguments import Arg, Kind
from storlet_shell.spec.command import command
from storlet_shell.store.reading import get
from storlet_shell.store.requests import plan
from storlet_shell.text import counted
from storlet_shell.values import ContainerName, Invocation, ObjectPath, Parameter

if TYPE_CHECKING:
    from storlet_shell.results.schemas.deployments import Deployment, FirstRun
_RUN_OPTIONS = "run options"
_PACKAGE_OPTIONS = "package options"
_PACKAGES = (
    Arg(
        "--package",
        dest="packages",
        action="append",
        metavar="NAME[==VERSION]",
        help="pure Python package to upload with its requirements, or the path of a wheel; repeatable",
        group=_PACKAGE_OPTIONS,
    ),
    Arg(
        "-r",
        "--requirements",
        action="append",
        kind=Kind.FILE,
        metavar="FILE",
        help="requirements file in pip's format, with such packages; repeatable",
        group=_PACKAGE_OPTIONS,
    ),
    Arg(
        "--provided",
        action="append",
        metavar="NAME[==VERSION]",
        help="package that the engine's Python already has, so it isn't uploaded; repeatable",
        group=_PACKAGE_OPTIONS,
    ),
    Arg(
        "--unpack",
        action="store_true",
        help="unpack the packages on the engine, for those that open files next to their modules",
        group=_PACKAGE_OPTIONS,
    ),
)
_PARAMETERS = [Arg(*arg.flags, kind=arg.kind, group=_RUN_OPTIONS, **arg.options) for arg in PARAMETERS]


@command(
    "deploy",
    "Deploy a storlet: a file, the code that follows, or a standard storlet.",
    Arg(
        "name",
        kind=Kind.CODE,
        metavar="FILE|MODULE.CLASS|std:NAME",
        help="a .py, .java or .jar file, the function or class whose code follows, or a standard storlet",
    ),
    Arg("--main", metavar="CLASS", help="main class, if the file has several candidates"),
    Arg("--language-version", metavar="3[.MINOR]", help="Python version to run it, if the engine has several"),
    Arg(
        "-c",
        "--container",
        type=ContainerName.parse,
        kind=Kind.CONTAINER,
        metavar="CONTAINER",
        help="container to deploy to (default: the cluster's)",
    ),
    Arg(
        "-d",
        "--dependencies",
        action="append",
        kind=Kind.FILE,
        separator=",",
        metavar="NAME[,NAME…]",
        help="files that the storlet needs: local ones, which are uploaded, or deployed ones; repeatable",
    ),
    *_PACKAGES,
    Arg("--with-invoke", action="store_true", help="run it over --input once it is deployed", group=_RUN_OPTIONS),
    Arg(
        "--input",
        kind=Kind.SOURCE,
        metavar="path:/CONTAINER/OBJECT|FILE",
        help="object to run it over; with --dry-run, also a local file, or - for standard input",
        group=_RUN_OPTIONS,
    ),
    Arg(
        "--print-result", action="store_true", help="with --with-invoke: show the result of the run", group=_RUN_OPTIONS
    ),
    *_PARAMETERS,
    Arg("--force", action="store_true", help="deploy even code that can't run"),
    Arg("--dry-run", action="store_true", help="check the code, run it here if --input is given, and upload nothing"),
    aliases=("storletapp",),
    body="code",
    category="Storlets",
    examples=(
        "deploy warm.py  # replaces a deployed one",
        "deploy warm.py -d cities.txt  # with a file that it reads",
        "deploy FirstLine.java  # compiled, and deployed as FirstLine-1.0.jar",
        "deploy std:grep  # a standard storlet, as std_grep.py; storlets std lists them",
        "deploy warm.py --package humanize==4.9.0  # with a package that it imports, and what that needs",
        "deploy warm.py --dry-run --input today.csv -p least=20  # run it here, upload nothing",
    ),
)
def deploy(
    session: Session,
    name: str,
    main: str | None = None,
    language_version: str | None = None,
    container: ContainerName | None = None,
    dependencies: list[str] | None = None,
    packages: list[str] | None = None,
    requirements: list[str] | None = None,
    provided: list[str] | None = None,
    unpack: bool = False,
    with_invoke: bool = False,
    input: str | None = None,
    print_result: bool = False,
    parameters: list[Parameter] | None = None,
    mapping: list[str] | None = None,
    force: bool = False,
    dry_run: bool = False,
    code: bytes | None = None,
) -> Result:
    """Deploy a storlet: a file (.py, .java, .jar), the code that follows (cell, heredoc, standard input), or std:NAME.

    The code is checked first, and either everything is uploaded or nothing changes. Engines cache what they have
    fetched, so a storlet that replaces another is padded to be a byte longer, and a new version of a dependency gets a
    new name, which the storlet doesn't need to know.

    Java is compiled by this machine's JDK, with the local jars among its dependencies on the class path, and deployed
    as CLASS-1.0.jar. If the code follows, name it CLASS.java, after its public class.

    pip resolves the packages and their requirements to pure Python wheels, which are uploaded as one archive.

    :raises UsageError: when the code is empty, isn't Python, Java or a jar, or can't run; nothing is sent then
    :raises NotFoundError: when a dependency doesn't exist, or the account isn't enabled for storlets
    :raises StorletFailedError: when --with-invoke or --dry-run runs it and it fails
    """
    _check_run(with_invoke, dry_run, input, print_result=print_result, parameters=bool(parameters or mapping))
    names = [text for option in dependencies or () for text in map(str.strip, option.split(",")) if text]
    package = read_package(name, main, code, session.surroundings.stdin, force=force, needed=names)
    package = package.with_language_version(language_version).with_dependencies(names)
    wanted = Wanted.parse(
        packages or (), requirements or (), provided or (), language_version or "", is_unpacked=unpack
    )
    runs_here = dry_run and input is not None
    package = package.with_packages(wanted, lambda: runs_here or session.client.is_embedded)
    package = review(package, force=force)
    merged = session.parameters(tuple(parameters or ()), mapping)
    target_container = container.name if container else None
    session.sources.update(package.sources)
    if dry_run:
        return _try_out(session, package, input, merged) if input else _planned(session, package, target_container)
    target = ObjectPath.parse(input) if input is not None else None
    if target is not None:
        check_runs_from(session.client, target_container)
    deployment = _done(deploy_package(session.client, package, target_container), package.imports)
    if target is None:
        return deployment
    return _invoke(session, deployment, Invocation(package.storlet, merged), target, show=print_result)


def _check_run(with_invoke: bool, dry_run: bool, input: str | None, *, print_result: bool, parameters: bool) -> None:
    """Refuse options of a run if nothing is run."""
    if with_invoke and input is None:
        raise UsageError("--with-invoke needs --input path:/CONTAINER/OBJECT")
    if print_result and not with_invoke:
        raise UsageError("--print-result goes with --with-invoke")
    if (input is not None or parameters) and not (with_invoke or dry_run):
        raise UsageError("--input, -p and -i go with --with-invoke or --dry-run; a deployment alone runs nothing")


def _done(deployed: Deployed, imports: Mapping[str, str]) -> Done:
    values: Deployment = {
        "storlet": deployed.storlet.name,
        "main": deployed.main,
        "container": deployed.container,
        "dependencies": list(deployed.dependencies),
        "bytes": deployed.bytes,
        "packages": dict(deployed.packages),
        "imports": dict(imports),
        "is_new": deployed.is_new,
        "changed": deployed.is_changed,
        "run": None,
    }
    verb = "deployed" if deployed.is_new else "redeployed"
    along = f", with {versions(deployed.packages)}" if deployed.packages else ""
    return Done(f"{verb} {deployed.storlet} (main {deployed.main}) into container {deployed.container}{along}", values)


def _invoke(session: Session, deployment: Done, run: Invocation, target: ObjectPath, *, show: bool) -> Result:
    try:
        response = get(session.client, target, run)
    except StorletShellError:
        session.surroundings.warn(deployment.message)  # that much has happened
        raise
    if show:
        session.surroundings.warn(deployment.message)
        return response
    count = sum(len(chunk) for chunk in response.iter_content())
    message = f"{deployment.message}; it ran over {target}: {counted(count, 'byte')} (HTTP {response.status})"
    first: FirstRun = {"object": str(target), "status": response.status, "bytes": count}
    return Done(message, {**deployment.facts, "run": first})


def _planned(session: Session, package: Package, container: str | None) -> Result:
    for note in package.notes:
        session.surroundings.warn(f"warning: {note}")
    try:
        return plan(session.client, *deployment_requests(session.client, package, container))
    except IdentityError as error:  # the code has been checked all the same
        reason = session.surroundings.line_of(error)
        message = f"{package.label}: the code of {package.main} is sound; its requests are not shown: {reason}"
        return Done(message, {"main": package.main})


def _try_out(session: Session, package: Package, input: str, parameters: tuple[Parameter, ...]) -> Result:
    """Run it here, over an object or a local file."""
    from storlet_shell.deployments import rehearsal  # what a deployment does not need

    if input == "-":
        with rehearsal.stream_input(session.surroundings.stdin) as source:
            return rehearsal.try_out(package, source, parameters)
    if not input.startswith("path:"):
        return rehearsal.try_out(package, rehearsal.local_input(input), parameters)
    with rehearsal.object_input(session.client, ObjectPath.parse(input)) as source:
        return rehearsal.try_out(package, source, parameters)
