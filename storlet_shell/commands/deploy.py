"""``deploy``: a Python storlet into the cluster, and on demand its first run."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from storlet_shell import headers as wire
from storlet_shell import trial
from storlet_shell.bodies import bytes_body, read_file
from storlet_shell.commands._arguments import PARAMETERS
from storlet_shell.commands._exchange import check_storlets_run, plan, respond
from storlet_shell.errors import IdentityError, NotFoundError, StorletShellError, UsageError
from storlet_shell.registry import Arg, Kind, command
from storlet_shell.results import Done, Result, expand
from storlet_shell.session import Session
from storlet_shell.source import StorletSource
from storlet_shell.values import ContainerName, Invocation, ObjectPath, Parameter, Request, StorletMain, StorletName


class Dependency(NamedTuple):
    """A file that a storlet needs beside it.

    :param file: the local file, or None when the dependency is in the cluster already
    """

    name: str
    file: Path | None
    content: bytes = b""

    @classmethod
    def parse(cls, text: str) -> Dependency:
        """Read a local file's path, or the name of a dependency that is in the cluster already.

        :raises UsageError: when it can be neither
        :raises LocalFileError: when the file can't be read
        """
        path = expand(text)
        if path.is_file():
            return cls(StorletName.parse(path.name).name, path, read_file(path))
        if "/" in text:
            raise NotFoundError(f"no local file {text}")
        return cls(StorletName.parse(text).name, None)

    def request(self, container: str) -> Request:
        """Return the upload; its version is made of the content, so that it tells one content from another."""
        assert self.file is not None
        version = hashlib.sha256(self.content).hexdigest()[:12]
        headers = wire.encode_dependency(version, executable=os.access(self.file, os.X_OK))
        return Request("PUT", container, self.name, headers=headers, body=f"{len(self.content)} bytes of {self.file}")


@command(
    "deploy",
    "Deploy a Python storlet.",
    Arg("name", kind=Kind.FILE, metavar="FILE.py|MODULE.CLASS", help="the file; or the class, with its code following"),
    Arg("--main", metavar="CLASS", help="the class that the file's storlet is started by, if it has several"),
    Arg("-c", "--container", type=ContainerName.parse, kind=Kind.CONTAINER, help="another container of storlets"),
    Arg(
        "-d",
        "--dependencies",
        kind=Kind.FILE,
        metavar="NAME[,NAME…]",
        help="what the storlet needs beside it: local files, which are uploaded, or names of deployed dependencies",
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
    container: ContainerName | None = None,
    dependencies: str | None = None,
    with_invoke: bool = False,
    input: str | None = None,
    print_result: bool = False,
    parameters: list[Parameter] | None = None,
    mapping: str | None = None,
    dry_run: bool = False,
    code: bytes | None = None,
) -> Result:
    """Deploy a Python storlet from a file, or from the code that follows (a cell, a heredoc, standard input).

    The code is checked here first. It takes effect at once on every engine: engines tell versions apart by length, so
    a storlet that replaces one of equal length gets a line end more.

    :raises UsageError: when the code is empty, is no Python, or lacks the class; nothing is sent then
    :raises NotFoundError: when a dependency is not there, or the account is not enabled for storlets
    :raises StorletFailedError: when --with-invoke or --dry-run runs it and it fails
    """
    _check_run(with_invoke, dry_run, input, print_result=print_result, parameters=bool(parameters or mapping))
    source, storlet_main = _read_source(session, name, main, code)
    needed = _dependencies(dependencies, storlet_main)
    merged = session.parameters(tuple(parameters or ()), mapping)
    if dry_run:
        return _dry_run(session, source, storlet_main, needed, container, input, merged)
    target = ObjectPath.parse(input) if input is not None and with_invoke else None
    if target is not None:
        _check_container(session, container)
    notes = [f"{source.label}:{note.line}: {note.text}" for note in source.findings(storlet_main.class_name)]
    for note in notes:
        session.surroundings.warn(f"warning: {note}")
    done = _upload(session, source.code, storlet_main, needed, container)
    if target is None:
        return done
    return _invoke(session, done, storlet_main, target, merged, show=print_result)


def _check_run(with_invoke: bool, dry_run: bool, input: str | None, *, print_result: bool, parameters: bool) -> None:
    """Check that what is said of a run goes with one."""
    if with_invoke and input is None:
        raise UsageError("--with-invoke wants --input path:/CONTAINER/OBJECT")
    if print_result and not with_invoke:
        raise UsageError("--print-result goes with --with-invoke")
    if (input is not None or parameters) and not (with_invoke or dry_run):
        raise UsageError("--input, -p and -i go with --with-invoke or --dry-run; a deployment alone runs nothing")


def _check_container(session: Session, container: ContainerName | None) -> None:
    """Check that what is deployed is what a run would find: servers look for storlets in one container only.

    Source: storlets ``handlers/proxy.py: verify_access_to_storlet``. Of the same name, another storlet would run.
    """
    where = session.client.storlet_container
    if container is not None and container.name != where:
        raise UsageError(f"--with-invoke can't run what is in container {container}: storlets run from {where} only")


def _read_source(
    session: Session, name: str, main: str | None, code: bytes | None
) -> tuple[StorletSource, StorletMain]:
    if name.endswith(".py"):
        if code is not None:
            raise UsageError(f"the code is in {name}, or it follows as MODULE.CLASS, but not both")
        file = Path(name)
        StorletName.parse(file.name)
        source = StorletSource.parse(read_file(file), name)
        return source, StorletMain.parse(f"{file.stem}.{source.main_class(main)}")
    if "/" in name:
        raise UsageError(f"a Python storlet's file ends with .py: {name}")
    parsed = StorletMain.parse(name)
    if main is not None:
        raise UsageError("--main goes with a file; MODULE.CLASS names the class already")
    if code is None:
        if session.surroundings.stdin is None:
            raise UsageError(f"there is no code; give a file, or a heredoc: deploy {name} <<EOF")
        code = session.surroundings.stdin.read()
    source = StorletSource.parse(code, parsed.storlet.name)
    source.main_class(parsed.class_name)
    return source, parsed


def _dependencies(names: str | None, main: StorletMain) -> list[Dependency]:
    needed = [Dependency.parse(text.strip()) for text in (names or "").split(",") if text.strip()]
    seen: set[str] = {main.storlet.name}
    for dependency in needed:
        if dependency.name in seen:
            raise UsageError(f"dependency {dependency.name} is named twice, or as the storlet itself")
        seen.add(dependency.name)
    return needed


def _storlet_request(
    session: Session, code: bytes, main: StorletMain, needed: list[Dependency], container: ContainerName | None
) -> Request:
    described = wire.StorletDescription("python", str(main), tuple(dependency.name for dependency in needed))
    where = container.name if container else session.client.storlet_container
    headers = wire.encode_storlet(described)
    return Request("PUT", where, main.storlet.name, headers=headers, body=f"{len(code)} bytes of code")


def _upload(
    session: Session, code: bytes, main: StorletMain, needed: list[Dependency], container: ContainerName | None
) -> Done:
    client = session.client
    check_storlets_run(session)
    request = _storlet_request(session, code, main, needed, container)
    try:
        before = client.find(Request("HEAD", request.container, request.name))
        if before is not None and before.headers.get(wire.CONTENT_LENGTH) == str(len(code)):
            code += b"\n"
        _upload_dependencies(session, needed)
        client.send(request, bytes_body(code)).read()
    except NotFoundError as error:
        if error.transaction_id and f"container {request.container} " in str(error):
            raise NotFoundError(
                f"container {request.container} is not there; make it with: {_maker(session, request.container)}",
                transaction_id=error.transaction_id,
            ) from error
        raise
    facts: Mapping[str, Any] = {
        "storlet": main.storlet.name,
        "main": str(main),
        "container": request.container,
        "dependencies": [dependency.name for dependency in needed],
        "bytes": len(code),
    }
    verb = "deployed" if before is None else "redeployed"
    return Done(f"{verb} {main.storlet} (main {main}) into container {request.container}", facts)


def _maker(session: Session, container: str) -> str:
    return "enable" if container == session.client.storlet_container else f"mkdir {container}"


def _upload_dependencies(session: Session, needed: list[Dependency]) -> None:
    """Upload the local ones, before the storlet names them; look the others up.

    Engines keep a dependency that they have once fetched (storlets ``gateway.py: bring_from_cache``); only the embedded
    one looks whether it has changed.
    """
    client = session.client
    container = client.dependency_container
    for dependency in needed:
        there = client.find(Request("HEAD", container, dependency.name))
        if dependency.file is None:
            if there is None:
                raise NotFoundError(f"dependency {dependency.name} is neither a local file nor in {container}")
            continue
        request = dependency.request(container)
        digest = hashlib.md5(dependency.content, usedforsecurity=False).hexdigest()
        changed = there is not None and there.headers.get(wire.ETAG, "").strip('"') != digest
        if changed and not client.is_embedded:
            session.surroundings.warn(
                f"warning: dependency {dependency.name} replaces another of that name, and engines that have fetched "
                "it keep the old one; give it a name with a version"
            )
        client.send(request, bytes_body(dependency.content)).read()


def _invoke(
    session: Session,
    done: Done,
    main: StorletMain,
    target: ObjectPath,
    parameters: tuple[Parameter, ...],
    *,
    show: bool,
) -> Result:
    run = Invocation(main.storlet, parameters)
    headers = wire.encode_invocation(run)
    try:
        reply = session.client.send(Request("GET", target.container, target.name, headers=headers))
    except StorletShellError:
        session.surroundings.warn(done.message)  # that much has happened
        raise
    response = respond(session, reply, target, run)
    if show:
        session.surroundings.warn(done.message)
        return response
    count = sum(len(chunk) for chunk in response.iter_content())
    message = f"{done.message}; it ran over {target}: {count} bytes (HTTP {reply.status})"
    return Done(message, {**done.facts, "status": reply.status, "result_bytes": count})


def _dry_run(
    session: Session,
    source: StorletSource,
    main: StorletMain,
    needed: list[Dependency],
    container: ContainerName | None,
    input: str | None,
    parameters: tuple[Parameter, ...],
) -> Result:
    notes = [f"{source.label}:{finding.line}: {finding.text}" for finding in source.findings(main.class_name)]
    if input is None:
        return _planned(session, source, main, needed, container, notes)
    files = [need.file for need in needed if need.file]
    given = {parameter.key: parameter.value for parameter in parameters}
    with tempfile.TemporaryDirectory(prefix="storlet-input-") as folder:
        file, metadata = _input_file(session, input, Path(folder))
        return trial.run(source.code, main, file, given, input_metadata=metadata, dependencies=files, notes=notes)


def _planned(
    session: Session,
    source: StorletSource,
    main: StorletMain,
    needed: list[Dependency],
    container: ContainerName | None,
    notes: list[str],
) -> Result:
    for note in notes:
        session.surroundings.warn(f"warning: {note}")
    try:
        requests = [need.request(session.client.dependency_container) for need in needed if need.file]
        return plan(session, *requests, _storlet_request(session, source.code, main, needed, container))
    except IdentityError as error:  # the code has been checked all the same
        message = f"{source.label}: the code of {main} is sound; its requests are not shown: {error}"
        return Done(message, {"main": str(main)})


def _input_file(session: Session, input: str, folder: Path) -> tuple[Path, dict[str, str]]:
    """Return a trial's input as a local file, with the object's metadata."""
    if not input.startswith("path:"):
        read_file(input)
        return Path(input).expanduser(), {}
    path = ObjectPath.parse(input)
    reply = session.client.send(Request("GET", path.container, path.name))
    file = folder / "input"
    trial.copy_stream(reply.chunks(), file)
    return file, wire.decode_metadata(reply.headers)
