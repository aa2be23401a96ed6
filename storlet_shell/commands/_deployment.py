"""A storlet on its way into the cluster: read, checked, described, uploaded with its dependencies."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

from storlet_shell import headers as wire
from storlet_shell.bodies import bytes_body, read_file
from storlet_shell.commands._exchange import check_storlets_run
from storlet_shell.errors import NotFoundError, UsageError
from storlet_shell.jar import check_jar
from storlet_shell.results import Done, expand
from storlet_shell.session import Session
from storlet_shell.source import StorletSource
from storlet_shell.values import Request, StorletMain, StorletName


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


class Package(NamedTuple):
    """A storlet that has been checked and can be deployed.

    :param label: where the code is from, as messages spell it
    :param main: the class that it is started by, as its language writes it
    :param notes: what was found in the code that will not work, by line
    """

    storlet: StorletName
    language: str
    main: str
    code: bytes
    label: str
    notes: tuple[str, ...] = ()
    dependencies: tuple[Dependency, ...] = ()

    @property
    def local_dependencies(self) -> list[Dependency]:
        """The dependencies that are uploaded with it."""
        return [dependency for dependency in self.dependencies if dependency.file]

    def with_dependencies(self, names: str | None) -> Package:
        """Return the package with what it needs beside it.

        :param names: separated by commas
        :raises UsageError: when one is named twice, or as the storlet itself
        """
        needed = [Dependency.parse(text.strip()) for text in (names or "").split(",") if text.strip()]
        seen: set[str] = {self.storlet.name}
        for dependency in needed:
            if dependency.name in seen:
                raise UsageError(f"dependency {dependency.name} is named twice, or as the storlet itself")
            seen.add(dependency.name)
        return self._replace(dependencies=tuple(needed))

    def request(self, container: str) -> Request:
        """Return its upload."""
        names = tuple(dependency.name for dependency in self.dependencies)
        headers = wire.encode_storlet(wire.StorletDescription(self.language, self.main, names))
        return Request("PUT", container, self.storlet.name, headers=headers, body=f"{len(self.code)} bytes of code")


def read_package(session: Session, name: str, main: str | None, code: bytes | None) -> Package:
    """Read a storlet from a file, or from the code that came with the line, and check it.

    :param name: ``FILE.py``, ``FILE.jar``, or ``MODULE.CLASS`` of the code
    :raises UsageError: when it is no storlet
    """
    if not name.endswith((".py", ".jar")):
        return _read_code(session, name, main, code)
    if code is not None:
        raise UsageError(f"the code is in {name}, or it follows as MODULE.CLASS, but not both")
    storlet = StorletName.parse(Path(name).name)
    content = read_file(name)
    if name.endswith(".jar"):
        return Package(storlet, "java", check_jar(storlet, content, main), content, name)
    source = StorletSource.parse(content, name)
    return _python(source, StorletMain.parse(f"{Path(name).stem}.{source.main_class(main)}"))


def _read_code(session: Session, name: str, main: str | None, code: bytes | None) -> Package:
    if "/" in name:
        raise UsageError(f"a storlet's file ends with .py or .jar: {name}")
    parsed = StorletMain.parse(name)
    if main is not None:
        raise UsageError("--main goes with a file; MODULE.CLASS names the class already")
    if code is None:
        if session.surroundings.stdin is None:
            raise UsageError(f"there is no code; give a file, or a heredoc: deploy {name} <<EOF")
        code = session.surroundings.stdin.read()
    source = StorletSource.parse(code, parsed.storlet.name)
    source.main_class(parsed.class_name)
    return _python(source, parsed)


def _python(source: StorletSource, main: StorletMain) -> Package:
    notes = tuple(f"{source.label}:{found.line}: {found.text}" for found in source.findings(main.class_name))
    return Package(main.storlet, "python", str(main), source.code, source.label, notes)


def upload(session: Session, package: Package, container: str | None) -> Done:
    """Upload a storlet after what it needs.

    Engines keep a storlet of equal length (storlets ``gateway.py: bring_from_cache``), so Python code that replaces
    such a one gets a line end more.

    :param container: None for the cluster's own container of storlets
    :raises NotFoundError: when the container or a dependency is not there
    """
    check_storlets_run(session)
    client = session.client
    request = package.request(container or client.storlet_container)
    if request.container != client.storlet_container:
        session.surroundings.warn(f"warning: this cluster runs storlets from container {client.storlet_container} only")
    before = client.find(Request("HEAD", request.container, request.name))
    code = package.code
    if before is not None and before.headers.get(wire.CONTENT_LENGTH) == str(len(code)):
        if package.language == "python":
            code += b"\n"
        elif not client.is_embedded:
            session.surroundings.warn(
                f"warning: {package.storlet} replaces a jar of equal length, and engines that have fetched it keep the "
                "old one; give it another version in its name"
            )
    try:
        _upload_dependencies(session, package.local_dependencies)
        _check_dependencies(session, package)
        client.send(request, bytes_body(code)).read()
    except NotFoundError as error:
        raise _explained(session, error) from error
    facts = {
        "storlet": package.storlet.name,
        "main": package.main,
        "container": request.container,
        "dependencies": [dependency.name for dependency in package.dependencies],
        "bytes": len(code),
    }
    verb = "deployed" if before is None else "redeployed"
    return Done(f"{verb} {package.storlet} (main {package.main}) into container {request.container}", facts)


def _explained(session: Session, error: NotFoundError) -> NotFoundError:
    """Say how a missing container is made: those of storlets come with the account's enabling."""
    client = session.client
    for own in (client.storlet_container, client.dependency_container):
        if f"container {own} is not there" in error.message:
            message = f"container {own} is not there: the account is not enabled for storlets; enable it with: enable"
            return NotFoundError(message, transaction_id=error.transaction_id)
    return error


def _check_dependencies(session: Session, package: Package) -> None:
    container = session.client.dependency_container
    for dependency in package.dependencies:
        if dependency.file is None and session.client.find(Request("HEAD", container, dependency.name)) is None:
            raise NotFoundError(f"dependency {dependency.name} is neither a local file nor in {container}")


def _upload_dependencies(session: Session, needed: list[Dependency]) -> None:
    """Upload the local ones, before the storlet names them.

    Engines keep a dependency that they have once fetched (storlets ``gateway.py: bring_from_cache``); only the embedded
    one looks whether it has changed.
    """
    client = session.client
    for dependency in needed:
        request = dependency.request(client.dependency_container)
        there = client.find(Request("HEAD", request.container, request.name))
        digest = hashlib.md5(dependency.content, usedforsecurity=False).hexdigest()
        changed = there is not None and there.headers.get(wire.ETAG, "").strip('"') != digest
        if changed and not client.is_embedded:
            session.surroundings.warn(
                f"warning: dependency {dependency.name} replaces another of that name, and engines that have fetched "
                "it keep the old one; give it a name with a version"
            )
        client.send(request, bytes_body(dependency.content)).read()
