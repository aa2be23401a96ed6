"""Read a storlet and its dependencies, check them, and describe them for the cluster."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import IO, TYPE_CHECKING, NamedTuple

from storlet_shell import shelf
from storlet_shell.equality import typed_equality
from storlet_shell.errors import Action, Hint, NotFoundError, UsageError
from storlet_shell.java.jar import StorletJar, is_zip
from storlet_shell.storlets import contract
from storlet_shell.storlets.functions.collect import Collection
from storlet_shell.storlets.functions.generate import generate
from storlet_shell.storlets.functions.local import find_function
from storlet_shell.storlets.functions.signature import MAIN_CLASS, deployed_function, is_callable_class
from storlet_shell.storlets.import_path import installed_version
from storlet_shell.storlets.preamble import with_preamble
from storlet_shell.storlets.source import StorletSource, decode, encode_typed
from storlet_shell.text import counted
from storlet_shell.values import StorletMain, StorletName, expand
from storlet_shell.wire import headers as wire
from storlet_shell.wire.bodies import read_file
from storlet_shell.wire.requests import Request

if TYPE_CHECKING:
    from storlet_shell.deployments.packages.archive import Archive
    from storlet_shell.deployments.packages.wanted import Wanted

_OWNER_MAY_CHANGE = 0o600
_PYTHON_VERSION = re.compile(r"3(\.[0-9]{1,3})?")


@typed_equality
class Dependency(NamedTuple):
    """A file that a storlet needs next to its code.

    :param name: the name that the storlet uses
    :param content: None if it is already in the cluster
    :param origin: where the content comes from, for messages
    :param mode: the local file's permissions
    :param stored_name: the name of its object; empty if it is the same
    :param packages: the versions of the packages in it, by their names
    """

    name: str
    content: bytes | None
    origin: str = ""
    mode: int = 0o644
    stored_name: str = ""
    packages: Mapping[str, str] = MappingProxyType({})

    @classmethod
    def parse(cls, text: str) -> Dependency:
        """Parse a local path, or the name of a dependency that is already in the cluster.

        :raises UsageError: if it can't be either
        :raises LocalFileError: if the file can't be read
        """
        path = expand(text)
        if path.is_file():
            return cls(StorletName.parse(path.name).name, read_file(path), str(path), path.stat().st_mode & 0o777)
        if "/" in text:
            raise NotFoundError(f"no local file {text}")
        return cls(StorletName.parse(text).name, None)

    @property
    def object_name(self) -> str:
        """The name of its object."""
        return self.stored_name or self.name

    @property
    def version(self) -> str:
        """A version derived from everything that engines use of it, so that different files have different versions."""
        return hashlib.sha256(b"%d" % self.is_executable + (self.content or b"")).hexdigest()[:12]

    @property
    def is_executable(self) -> bool:
        """Whether anybody may execute the local file."""
        return bool(self.mode & 0o111)

    @property
    def notes(self) -> tuple[str, ...]:
        """A note if the server refuses the permissions (storlets ``validate_dependency_registration``)."""
        if self.content is None or self.mode & _OWNER_MAY_CHANGE == _OWNER_MAY_CHANGE:
            return ()
        permissions = "0755" if self.is_executable else "0644"
        return (f"dependency {self.name} gets permissions {permissions}: the server refuses {self.mode:04o}",)

    def request(self, container: str) -> Request:
        """Return the request that uploads it."""
        headers = wire.encode_dependency(self.version, self.packages, executable=self.is_executable)
        body = f"{len(self.content or b'')} bytes of {self.origin}"
        return Request("PUT", container, self.object_name, headers=headers, body=body)


@typed_equality
class Package(NamedTuple):
    """A storlet that has been checked and can be deployed.

    :param label: where the code comes from, for messages
    :param main: the main class, as its language writes it
    :param notes: problems in the code, by line; only a review finds those in Python code
    :param language_version: the Python version to run it with; empty for the engine's default
    :param imports: where each module comes from that Python code imports; a review adds them
    :param own_code: what the user wrote, if the code was generated or compiled from it
    :param own_file: its name in stack traces, if it was compiled
    :param archive: the packages that are deployed with it
    :param plain_code: the code without the statement that finds these; empty without packages
    """

    storlet: StorletName
    language: str
    main: str
    code: bytes
    label: str
    notes: tuple[str, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    language_version: str = ""
    imports: Mapping[str, str] = MappingProxyType({})
    own_code: bytes = b""
    own_file: str = ""
    archive: Archive | None = None
    plain_code: bytes = b""

    @property
    def local_dependencies(self) -> list[Dependency]:
        """The dependencies to upload with it."""
        return [dependency for dependency in self.dependencies if dependency.content is not None]

    @property
    def sources(self) -> Mapping[str, str]:
        """The text of the user's code, by its file name in tracebacks and stack traces; empty for a jar."""
        if self.language == "python":
            return {self.storlet.name: decode(self.own_code or self.code)}
        return {self.own_file: self.own_code.decode()} if self.own_file else {}

    @property
    def description(self) -> wire.StorletDescription:
        """The description that is stored with the code."""
        names = tuple(dependency.object_name for dependency in self.dependencies)
        return wire.StorletDescription(self.language, self.main, names, self.language_version)

    def with_dependencies(self, names: Iterable[str]) -> Package:
        """Return the package with its dependencies.

        :param names: local files, and dependencies that are already deployed
        :raises UsageError: if a name occurs twice, or is the storlet's own
        """
        needed = [Dependency.parse(name) for name in names]
        names_so_far: set[str] = set()
        for dependency in needed:
            if dependency.name == self.storlet.name:
                raise UsageError(f"dependency {dependency.name} has the same name as the storlet")
            if dependency.name in names_so_far:
                raise UsageError(f"dependency {dependency.name} is listed twice")
            if self.language == "python":
                _check_name(f"dependency {dependency.name}", contract.module_of(dependency.name), self.storlet)
            names_so_far.add(dependency.name)
        if self.archive is not None:
            self.archive.check_fits({contract.module_of(dependency.name): dependency.name for dependency in needed})
        notes = tuple(note for dependency in needed for note in dependency.notes)
        return self._replace(dependencies=(*self.dependencies, *needed), notes=self.notes + notes)

    def with_packages(self, wanted: Wanted | None, is_embedded: Callable[[], bool]) -> Package:
        """Return the package with the packages that a user wants; if that is None, the same package.

        :param is_embedded: whether it is for the embedded Swift or a trial, whose Python is this one; asked about
            packages that can't be deployed only
        If the engine's Python has all of them, the package is the same but for a note.

        :raises UsageError: if it isn't Python, or a package can't be deployed; for other errors, see
            :func:`~storlet_shell.deployments.packages.resolve.resolve`
        """
        if wanted is None:
            return self
        if self.language != "python":
            raise UsageError("only Python storlets can have packages; jars are dependencies", subject=self.label)
        from storlet_shell.deployments.packages.resolve import resolve  # few deployments have packages

        archive = resolve(wanted, lambda name: installed_version(name) if is_embedded() else None)
        if archive is None:
            note = f"{wanted.label}: not deployed, since the engine's Python has it"
            return self._replace(notes=(*self.notes, note))
        return self.with_archive(archive)

    def with_archive(self, archive: Archive | None) -> Package:
        """Return the package with an archive of packages, instead of the one that it has; None changes nothing.

        :raises UsageError: if a package has a module of the storlet's name, or of a dependency's
        """
        if archive is None:
            return self
        old = self.archive
        others = [other for other in self.dependencies if other.name not in (archive.name, old and old.name)]
        modules = {contract.module_of(dependency.name): dependency.name for dependency in others}
        archive.check_fits({**modules, contract.module_of(self.storlet.name): self.storlet.name})
        origin = counted(len(archive.packages), "package")
        plain_code = self.plain_code or self.code
        return self._replace(
            code=with_preamble(plain_code, archive.statement),
            plain_code=plain_code,
            own_code=self.own_code or plain_code,
            dependencies=(*others, Dependency(archive.name, archive.content, origin, packages=archive.packages)),
            notes=(*(note for note in self.notes if old is None or note not in old.notes), *archive.notes),
            archive=archive,
        )

    def with_language_version(self, version: str | None) -> Package:
        """Return the package for a version of its language.

        :raises UsageError: if the server would refuse it (storlets ``validate_storlet_registration``), or if the engine
            couldn't derive an interpreter's name from it (``daemon_factory/server.py: get_python_args``)
        """
        if version is None:
            return self
        if self.language != "python":
            raise UsageError("only Python storlets have a language version; every jar runs on the engine's own Java")
        if not _PYTHON_VERSION.fullmatch(version):
            raise UsageError(
                f"the language version must be 3 or 3.MINOR, a Python that the engine has, not {version!r}"
            )
        return self._replace(language_version=version)

    def request(self, container: str) -> Request:
        """Return the request that uploads the storlet."""
        headers = wire.encode_storlet(self.description)
        return Request("PUT", container, self.storlet.name, headers=headers, body=f"{len(self.code)} bytes of code")


def read_package(
    name: str,
    main: str | None,
    code: bytes | None,
    stdin: IO[bytes] | None = None,
    *,
    force: bool = False,
    needed: Iterable[str] = (),
) -> Package:
    """Read a storlet from a file, or from the code that was passed along, and check it; compile Java code.

    :param name: ``FILE.py``, ``FILE.jar``, ``FILE.java``, ``std:NAME`` for a standard storlet; for code that was passed
        along, ``MODULE.CLASS`` or ``FILE.java``
    :param stdin: where to read the code if it wasn't passed along
    :param force: leave what certainly fails in a function to the review
    :param needed: the dependencies' names; Java code is compiled with the local jars among them
    :raises UsageError: if it isn't a storlet
    """
    if name.startswith(shelf.PREFIX):
        if main is not None or code is not None:
            raise UsageError(f"{name} comes with its own code and main class; pass neither")
        return standard_package(name)
    if name.endswith(".java"):
        return _read_java(name, main, code, stdin, needed, force=force)
    if name.lower().endswith(".java"):
        raise UsageError(f"{name}: a Java file's name must end with .java, in lower case; name it {name[:-5]}.java")
    if not name.endswith((".py", ".jar")):
        return _read_code(name, main, code, stdin, force=force)
    if code is not None:
        raise UsageError(f"the code is either in {name}, or follows as MODULE.CLASS, but not both")
    storlet = StorletName.parse(Path(name).name)
    content = read_file(name)
    if name.endswith(".jar"):
        jar = StorletJar.parse(storlet, content)
        main_class = jar.main_class(main)
        notes = tuple(f"{storlet}: {finding}" for finding in jar.findings(main_class))
        return Package(storlet, "java", main_class, content, name, notes)
    if is_zip(content):
        raise UsageError(f"{name} is an archive, not Python code; a Java storlet's file is named <name>-<version>.jar")
    source = StorletSource.parse(content, name)
    function = find_function(source, main, force=force)
    if function is not None:
        return function_package(storlet, function, name, content)
    if main is None and deployed_function(source.tree):  # a copy of what was generated
        main = MAIN_CLASS
    return _python(source, StorletMain.parse(f"{Path(name).stem}.{source.main_class(main)}"))


def _read_java(
    name: str, main: str | None, code: bytes | None, stdin: IO[bytes] | None, needed: Iterable[str], *, force: bool
) -> Package:
    """Compile a storlet from a Java file, or from the code that was passed along, into a jar."""
    from storlet_shell.java.building import build  # few storlets are in Java
    from storlet_shell.java.source import JavaSource

    file = expand(name)
    if code is None and stdin is not None and not (file.exists() or stdin.isatty()):
        code = stdin.read() or None  # such as a heredoc of the terminal's own shell
    source = JavaSource.parse(read_file(name) if code is None else code, name)
    jars = [path for path in map(expand, needed) if path.suffix == ".jar" and path.is_file()]
    built = build(source, file if code is None else None, main, jars)
    if built.findings and not force:
        raise UsageError(built.findings[0], subject=name, hint=Hint(Action.DEPLOY_ANYWAY))
    notes = tuple(f"{name}: {finding}" for finding in built.findings)
    package = Package(built.storlet, "java", built.main, built.content, name, notes)
    return package._replace(own_code=source.code, own_file=source.trace_name)


@cache
def standard_package(name: str) -> Package:
    """Return the package of a standard storlet.

    :param name: ``std:NAME``
    :raises UsageError: if it doesn't exist
    """
    key = name.removeprefix(shelf.PREFIX)
    if key not in shelf.STANDARD:
        close = difflib.get_close_matches(key, shelf.STANDARD, n=1)
        advice = f"did you mean {shelf.PREFIX}{close[0]}? " if close else ""
        raise UsageError(f"{name} isn't a standard storlet; {advice}there are: {', '.join(shelf.STANDARD)}")
    storlet = StorletName.parse(shelf.file_of(key))
    source = StorletSource.parse(shelf.source(key).encode(), storlet.name)
    function = find_function(source, key)
    assert function is not None
    return function_package(storlet, function, storlet.name, source.code)


def _read_code(name: str, main: str | None, code: bytes | None, stdin: IO[bytes] | None, *, force: bool) -> Package:
    meant = _file_meant(name) if code is None else ""
    hint = f"; did you mean {meant}?" if meant else ""
    if "/" in name or (code is None and expand(name).is_file()):
        raise UsageError(f"a storlet's file name ends with .py, .java or .jar: {name}{hint}")
    if "." not in name and hint:
        raise UsageError(f"{name} is neither a storlet's file nor MODULE.CLASS{hint}")
    module = StorletName.parse(f"{name}.py") if "." not in name else None
    parsed = StorletMain.parse(name) if module is None else StorletMain.parse(f"{name}.{MAIN_CLASS}")
    if main is not None:
        raise UsageError(f"{name} already names the main class; another can be named for a file only")
    if code is None:
        if stdin is None:
            raise UsageError(
                f"no code for {name}: name its file, or pass the code along", hint=Hint(Action.DEPLOY_CODE, (name,))
            )
        code = stdin.read()  # a file's bytes, as they are
    else:
        code = encode_typed(code, parsed.storlet.name)
    source = StorletSource.parse(code, parsed.storlet.name)
    function = find_function(source, None, storlet=name, force=force) if module is not None else None
    if function is not None:
        return function_package(parsed.storlet, function, source.label, code)
    if module is not None:
        if not any(map(is_callable_class, source.tree.body)):
            raise UsageError(f"{name}: the code has no function, and no class with a method __call__")
        raise UsageError(f"{name}: no function in the code; name the class, too: {name}.{source.main_class(None)}")
    source.main_class(parsed.class_name)
    return _python(source, parsed)


def _file_meant(name: str) -> str:
    """Return the local file whose name lacks only its suffix; empty if none does."""
    return next((f"{name}{end}" for end in (".py", ".java", ".jar") if expand(f"{name}{end}").is_file()), "")


def _check_name(label: str, module: str, storlet: StorletName | None = None) -> None:
    """Check that an engine would import a file under its name, and not another module.

    :param storlet: the storlet whose dependency it is
    :raises UsageError: if it would import another module
    """
    if contract.is_name_taken(module):
        reason = f"Python or the engine has its own module {module}, which engines would import instead"
        raise UsageError(f"{label} needs another name: {reason}")
    if storlet is not None and module == contract.module_of(storlet.name):
        raise UsageError(f"{label} would be imported under the same name as {storlet}")


def function_package(storlet: StorletName, collection: Collection, label: str, own_code: bytes = b"") -> Package:
    """Return the package of a function.

    :param label: where its code comes from, for messages
    :param own_code: the code that it comes from
    :raises UsageError: if engines would import another module instead, or a name is the adapter's
    """
    main = StorletMain.parse(f"{contract.module_of(storlet.name)}.{MAIN_CLASS}")
    _check_name(str(storlet), main.module)
    code = generate(collection)
    return Package(storlet, "python", str(main), code, label, collection.notes, own_code=own_code)


def _python(source: StorletSource, main: StorletMain) -> Package:
    _check_name(str(main.storlet), main.module)
    return Package(main.storlet, "python", str(main), source.code, source.label)
