"""A storlet on its way into the cluster: read, checked, described."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import IO, NamedTuple

from storlet_shell.equality import typed_equality
from storlet_shell.errors import NotFoundError, UsageError
from storlet_shell.storlets import contract
from storlet_shell.storlets.jar import StorletJar, is_zip
from storlet_shell.storlets.source import StorletSource, encode_typed
from storlet_shell.values import StorletMain, StorletName, expand
from storlet_shell.wire import headers as wire
from storlet_shell.wire.bodies import read_file
from storlet_shell.wire.requests import Request

_OWNER_MAY_CHANGE = 0o600
_PYTHON_VERSION = re.compile(r"3(\.[0-9]{1,3})?")


@typed_equality
class Dependency(NamedTuple):
    """A file that a storlet needs beside it.

    :param name: what the storlet knows it by
    :param file: the local file, or None when the dependency is in the cluster already
    :param mode: the local file's permissions
    :param stored_name: the name of its object; empty when that is its name
    """

    name: str
    file: Path | None
    content: bytes = b""
    mode: int = 0o644
    stored_name: str = ""

    @classmethod
    def parse(cls, text: str) -> Dependency:
        """Read a local file's path, or the name of a dependency that is in the cluster already.

        :raises UsageError: when it can be neither
        :raises LocalFileError: when the file can't be read
        """
        path = expand(text)
        if path.is_file():
            return cls(StorletName.parse(path.name).name, path, read_file(path), path.stat().st_mode & 0o777)
        if "/" in text:
            raise NotFoundError(f"no local file {text}")
        return cls(StorletName.parse(text).name, None)

    @property
    def object_name(self) -> str:
        """The name of its object."""
        return self.stored_name or self.name

    @property
    def version(self) -> str:
        """Its version, made of all that engines take over from it, so that it tells one from another."""
        return hashlib.sha256(b"%d" % self.is_executable + self.content).hexdigest()[:12]

    @property
    def is_executable(self) -> bool:
        """Whether anybody may execute the local file."""
        return bool(self.mode & 0o111)

    @property
    def notes(self) -> tuple[str, ...]:
        """What becomes of permissions that the server refuses (storlets ``validate_dependency_registration``)."""
        if self.file is None or self.mode & _OWNER_MAY_CHANGE == _OWNER_MAY_CHANGE:
            return ()
        permissions = "0755" if self.is_executable else "0644"
        return (f"dependency {self.name} gets permissions {permissions}: the server refuses {self.mode:04o}",)

    def request(self, container: str) -> Request:
        """Return its upload."""
        headers = wire.encode_dependency(self.version, executable=self.is_executable)
        body = f"{len(self.content)} bytes of {self.file}"
        return Request("PUT", container, self.object_name, headers=headers, body=body)


@typed_equality
class Package(NamedTuple):
    """A storlet that has been checked and can be deployed.

    :param label: where the code is from, as messages spell it
    :param main: the class that it is started by, as its language writes it
    :param notes: what was found in the code that will not work, by line
    :param language_version: the Python that is to run it; empty for the engine's own
    """

    storlet: StorletName
    language: str
    main: str
    code: bytes
    label: str
    notes: tuple[str, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    language_version: str = ""

    @property
    def local_dependencies(self) -> list[Dependency]:
        """The dependencies that are uploaded with it."""
        return [dependency for dependency in self.dependencies if dependency.file]

    @property
    def description(self) -> wire.StorletDescription:
        """What is stored with the code."""
        names = tuple(dependency.object_name for dependency in self.dependencies)
        return wire.StorletDescription(self.language, self.main, names, self.language_version)

    def with_dependencies(self, names: Iterable[str]) -> Package:
        """Return the package with what it needs in addition to its own code.

        :param names: local files, and dependencies that are deployed already
        :raises UsageError: when one is named twice, or as the storlet itself
        """
        needed = [Dependency.parse(name) for name in names]
        names_so_far: set[str] = set()
        for dependency in needed:
            if dependency.name == self.storlet.name:
                raise UsageError(f"dependency {dependency.name} has the name of the storlet itself")
            if dependency.name in names_so_far:
                raise UsageError(f"dependency {dependency.name} is named twice")
            if self.language == "python":
                _check_name(f"dependency {dependency.name}", contract.module_of(dependency.name), self.storlet)
            names_so_far.add(dependency.name)
        notes = tuple(note for dependency in needed for note in dependency.notes)
        return self._replace(dependencies=tuple(needed), notes=self.notes + notes)

    def with_language_version(self, version: str | None) -> Package:
        """Return the package for a version of its language.

        :raises UsageError: when the server would refuse it (storlets ``validate_storlet_registration``), or the engine
            could make no interpreter's name of it (``daemon_factory/server.py: get_python_args``)
        """
        if version is None:
            return self
        if self.language != "python":
            raise UsageError("--language-version goes with Python; every jar runs on the engine's own Java")
        if not _PYTHON_VERSION.fullmatch(version):
            raise UsageError(f"--language-version is 3 or 3.MINOR, a Python that the engine has: {version!r}")
        return self._replace(language_version=version)

    def request(self, container: str) -> Request:
        """Return its upload."""
        headers = wire.encode_storlet(self.description)
        return Request("PUT", container, self.storlet.name, headers=headers, body=f"{len(self.code)} bytes of code")


def read_package(name: str, main: str | None, code: bytes | None, stdin: IO[bytes] | None = None) -> Package:
    """Read a storlet from a file, or from the code that came with the line, and check it.

    :param name: ``FILE.py``, ``FILE.jar``, or ``MODULE.CLASS`` of the code
    :param stdin: where the code is read from if it came in no other way
    :raises UsageError: when it is no storlet
    """
    if not name.endswith((".py", ".jar")):
        return _read_code(name, main, code, stdin)
    if code is not None:
        raise UsageError(f"the code is in {name}, or it follows as MODULE.CLASS, but not both")
    storlet = StorletName.parse(Path(name).name)
    content = read_file(name)
    if name.endswith(".jar"):
        jar = StorletJar.parse(storlet, content)
        main_class = jar.main_class(main)
        notes = tuple(f"{storlet}: {finding}" for finding in jar.findings(main_class))
        return Package(storlet, "java", main_class, content, name, notes)
    if is_zip(content):
        raise UsageError(f"{name}: no Python but an archive; a Java storlet's file is named <name>-<version>.jar")
    source = StorletSource.parse(content, name)
    return _python(source, StorletMain.parse(f"{Path(name).stem}.{source.main_class(main)}"))


def _read_code(name: str, main: str | None, code: bytes | None, stdin: IO[bytes] | None = None) -> Package:
    meant = _file_meant(name) if code is None else ""
    hint = f"; did you mean {meant}?" if meant else ""
    if "/" in name or (code is None and expand(name).is_file()):
        raise UsageError(f"a storlet's file ends with .py or .jar: {name}{hint}")
    if "." not in name and hint:
        raise UsageError(f"{name} is no storlet's file, and no module.Class{hint}")
    parsed = StorletMain.parse(name)
    if main is not None:
        raise UsageError("--main goes with a file; MODULE.CLASS names the class already")
    if code is None:
        if stdin is None:
            raise UsageError(
                f"there is no code; give a file, or let it follow: deploy {name} <<EOF, "
                f"in a notebook %%storletapp {name}"
            )
        code = stdin.read()  # a file's bytes, as they are
    else:
        code = encode_typed(code, parsed.storlet.name)
    source = StorletSource.parse(code, parsed.storlet.name)
    source.main_class(parsed.class_name)
    return _python(source, parsed)


def _file_meant(name: str) -> str:
    """Return the local file whose name lacks its end; nothing when there is none."""
    return next((f"{name}{end}" for end in (".py", ".jar") if expand(f"{name}{end}").is_file()), "")


def _check_name(label: str, module: str, storlet: StorletName | None = None) -> None:
    """Check that an engine would import a file by its name, and not another module.

    :param storlet: the one that a dependency lies beside
    :raises UsageError: when it would not
    """
    if contract.is_name_taken(module):
        reason = f"{module} is a module of Python's or the engine's own, which engines would import instead"
        raise UsageError(f"{label} needs another name: {reason}")
    if storlet is not None and module == contract.module_of(storlet.name):
        raise UsageError(f"{label} is imported by the same name as {storlet}")


def _python(source: StorletSource, main: StorletMain) -> Package:
    _check_name(str(main.storlet), main.module)
    notes = tuple(f"{source.label}:{finding.line}: {finding.text}" for finding in source.findings(main.class_name))
    return Package(main.storlet, "python", str(main), source.code, source.label, notes)
