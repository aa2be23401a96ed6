"""``deploy``: a storlet into the cluster, and on demand its first run."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from storlet_shell.commands.arguments import PARAMETERS
from storlet_shell.deployments.package import Package, read_package
from storlet_shell.deployments.rollout import upload
from storlet_shell.errors import IdentityError, NotFoundError, StorletShellError, UsageError
from storlet_shell.results import Done, Result
from storlet_shell.results.saving import temporarily
from storlet_shell.session import Session
from storlet_shell.spec.registry import Arg, Kind, command
from storlet_shell.store.exchange import plan, respond
from storlet_shell.store.runs import read_through
from storlet_shell.storlets import trial
from storlet_shell.storlets.source import decode
from storlet_shell.text import counted
from storlet_shell.values import ContainerName, Invocation, ObjectPath, Parameter, StorletMain, expand
from storlet_shell.wire import headers as wire
from storlet_shell.wire.bodies import open_file
from storlet_shell.wire.requests import Request

_OBJECT = re.compile(r"[^/.~][^/]*/.")
"""What could be a container and an object, rather than a file elsewhere."""


@command(
    "deploy",
    "Deploy a storlet.",
    Arg("name", kind=Kind.FILE, metavar="FILE|MODULE.CLASS", help="a .py or .jar; or a class, its code following"),
    Arg("--main", metavar="CLASS", help="the class that a file's storlet is started by, if it could be several"),
    Arg("--language-version", metavar="3[.MINOR]", help="the Python that runs it, if the engine has several"),
    Arg("-c", "--container", type=ContainerName.parse, kind=Kind.CONTAINER, help="another container of storlets"),
    Arg(
        "-d",
        "--dependencies",
        action="append",
        kind=Kind.FILE,
        separator=",",
        metavar="NAME[,NAME…]",
        help="what the storlet needs beside it: local files, which are uploaded, or deployed ones; may be repeated",
    ),
    Arg("--with-invoke", action="store_true", help="run it over --input when it is deployed"),
    Arg("--input", kind=Kind.OBJECT, metavar="path:/CONTAINER/OBJECT", help="for --dry-run it may be a local file"),
    Arg("--print-result", action="store_true", help="with --with-invoke: show what the run returns"),
    *PARAMETERS,
    Arg("--dry-run", action="store_true", help="check the code, run it here over --input if given, and upload nothing"),
    aliases=("storletapp",),
    body="code",
    category="Storlets",
)
def deploy(
    session: Session,
    name: str,
    main: str | None = None,
    language_version: str | None = None,
    container: ContainerName | None = None,
    dependencies: list[str] | None = None,
    with_invoke: bool = False,
    input: str | None = None,
    print_result: bool = False,
    parameters: list[Parameter] | None = None,
    mapping: list[str] | None = None,
    dry_run: bool = False,
    code: bytes | None = None,
) -> Result:
    """Deploy a storlet: Python from a file, or as the code that follows (a cell, a heredoc, standard input), or a jar.

    The code is checked here before anything is sent, and either all is uploaded or everything stays as it was. Engines
    keep what they have fetched: a storlet that replaces another is made a byte longer than that with line ends or an
    archive's comment, and another version of a dependency gets another name, which the storlet need not know.

    :raises UsageError: when the code is empty, is no Python or no jar, or lacks the class; nothing is sent then
    :raises NotFoundError: when a dependency is not there, or the account is not enabled for storlets
    :raises StorletFailedError: when --with-invoke or --dry-run runs it and it fails
    """
    _check_run(with_invoke, dry_run, input, print_result=print_result, parameters=bool(parameters or mapping))
    package = read_package(name, main, code, session.surroundings.stdin).with_language_version(language_version)
    package = package.with_dependencies(dependencies)
    merged = session.parameters(tuple(parameters or ()), mapping)
    where = container.name if container else None
    if package.language == "python":
        session.sources[package.storlet.name] = decode(package.code)
    if dry_run:
        return _try_out(session, package, input, merged) if input else _planned(session, package, where)
    target = ObjectPath.parse(input) if input is not None else None
    if target is not None:
        _check_container(session, where)
    _warn_of(session, package)
    done = upload(session.client, package, where)
    if target is None:
        return done
    run = Invocation(package.storlet, merged)
    return _invoke(session, done, run, target, show=print_result)


def _check_run(with_invoke: bool, dry_run: bool, input: str | None, *, print_result: bool, parameters: bool) -> None:
    """Check that what is said of a run goes with one."""
    if with_invoke and input is None:
        raise UsageError("--with-invoke wants --input path:/CONTAINER/OBJECT")
    if print_result and not with_invoke:
        raise UsageError("--print-result goes with --with-invoke")
    if (input is not None or parameters) and not (with_invoke or dry_run):
        raise UsageError("--input, -p and -i go with --with-invoke or --dry-run; a deployment alone runs nothing")


def _check_container(session: Session, container: str | None) -> None:
    """Check that what is deployed is what a run would find: servers look for storlets in one container only.

    Source: storlets ``handlers/proxy.py: verify_access_to_storlet``. Of the same name, another storlet would run.
    """
    where = session.client.storlet_container
    if container is not None and container != where:
        raise UsageError(f"--with-invoke can't run what is in container {container}: storlets run from {where} only")


def _warn_of(session: Session, package: Package) -> None:
    for note in package.notes:
        session.surroundings.warn(f"warning: {note}")


def _invoke(session: Session, done: Done, run: Invocation, target: ObjectPath, *, show: bool) -> Result:
    try:
        request, reply = read_through(session.client, target, run)
    except StorletShellError:
        session.surroundings.warn(done.message)  # that much has happened
        raise
    response = respond(session.client, reply, request, run)
    if show:
        session.surroundings.warn(done.message)
        return response
    count = sum(len(chunk) for chunk in response.iter_content())
    message = f"{done.message}; it ran over {target}: {counted(count, 'byte')} (HTTP {reply.status})"
    return Done(message, {**done.facts, "status": reply.status, "result_bytes": count})


def _planned(session: Session, package: Package, container: str | None) -> Result:
    _warn_of(session, package)
    try:
        client = session.client
        uploads = [dependency.request(client.dependency_container) for dependency in package.local_dependencies]
        return plan(session.client, *uploads, package.request(container or client.storlet_container))
    except IdentityError as error:  # the code has been checked all the same
        message = f"{package.label}: the code of {package.main} is sound; its requests are not shown: {error}"
        return Done(message, {"main": package.main})


def _try_out(session: Session, package: Package, input: str, parameters: tuple[Parameter, ...]) -> Result:
    """Run it here, over an object or a local file."""
    if package.language != "python":
        raise UsageError(f"{package.label}: only Python storlets can be tried out here; leave --input out")
    main = StorletMain.parse(package.main)
    files = [dependency.file for dependency in package.local_dependencies if dependency.file]
    given = {parameter.key: parameter.value for parameter in parameters}
    with temporarily(), tempfile.TemporaryDirectory(prefix="storlet-input-") as folder:
        file, metadata = _input_file(session, input, Path(folder))
        return trial.run(
            package.code, main, file, given, input_metadata=metadata, dependencies=files, notes=package.notes
        )


def _input_file(session: Session, input: str, folder: Path) -> tuple[Path, dict[str, str]]:
    """Return a trial's input as a local file, with the object's metadata."""
    if not input.startswith("path:"):
        try:
            open_file(input).close()
        except NotFoundError as error:
            hint = f"; an object is written path:/{input}" if _OBJECT.match(input) else ""
            raise NotFoundError(f"{error}{hint}") from None
        return expand(input), {}
    path = ObjectPath.parse(input)
    reply = session.client.send(Request("GET", path.container, path.name))
    file = folder / "input"
    trial.copy_stream(reply.chunks(), file)
    return file, _as_read(wire.decode_metadata(reply.headers))


def _as_read(metadata: dict[str, str]) -> dict[str, str]:
    """Return an object's metadata as the middleware hands them to a storlet.

    Their UTF-8 is read as Latin-1, as WSGI has it, and those of deployments are hidden (storlets ``handlers/base.py:
    _get_user_metadata``).
    """
    return {
        name: value.encode("utf-8", "surrogateescape").decode("latin-1")
        for name, value in metadata.items()
        if not name.startswith("Storlet-")
    }
