"""The archive of the packages that are deployed with a storlet."""

from __future__ import annotations

import hashlib
import importlib.resources
import io
import re
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import PurePosixPath
from typing import NamedTuple

from storlet_shell.deployments.packages.wheels import Wheel, WheelFile
from storlet_shell.equality import typed_equality
from storlet_shell.errors import UsageError
from storlet_shell.storlets import contract

UNPACKING = "storlet_packages"
"""The module of each archive that unpacks it."""

_START = (1980, 1, 1, 0, 0, 0)  # the earliest time of a zip archive
_FILE, _PROGRAM, _FOLDER = 0o100644, 0o100755, 0o040755
_DIGITS = 12


@typed_equality
class Archive(NamedTuple):
    """The archive of a storlet's packages, named after its content.

    :param packages: the packages' versions, by their names
    :param modules: the dotted names of all modules, and of the packages around them
    :param engines: the versions of further packages that the engine's own Python has, by their names
    :param python: the version of Python that they were resolved for; empty if it isn't known
    :param is_unpacked: whether the storlet unpacks it when it is imported
    """

    name: str
    content: bytes
    packages: Mapping[str, str]
    modules: frozenset[str]
    engines: Mapping[str, str]
    python: str
    is_unpacked: bool = False

    @classmethod
    def build(
        cls, wheels: Iterable[Wheel], engines: Mapping[str, str], python: str, *, is_unpacked: bool = False
    ) -> Archive:
        """Join wheels into an archive. The same wheels make the same bytes.

        :raises UsageError: if one has a module that engines would import from elsewhere
        """
        ordered = sorted(wheels, key=lambda wheel: wheel.name)
        files: dict[str, WheelFile] = {}
        for wheel in ordered:
            _check_modules(wheel)
            files.update((file.path, file) for file in wheel.files)
        content = _zipped([*files.values(), WheelFile(f"{UNPACKING}.py", _unpacking())])
        name = f"packages-{hashlib.sha256(content).hexdigest()[:_DIGITS]}.zip"
        versions = {wheel.name: wheel.version for wheel in ordered}
        return cls(name, content, versions, frozenset(_modules(files)), engines, python, is_unpacked)

    @classmethod
    def read(cls, name: str, content: bytes, packages: Mapping[str, str]) -> Archive:
        """Read an archive that was deployed earlier."""
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return cls(name, content, packages, frozenset(_modules(archive.namelist())), {}, "")

    def as_in(self, code: bytes) -> Archive:
        """Return the archive as a deployed storlet uses it: unpacked or not."""
        unpacked = self._replace(is_unpacked=True)
        return unpacked if unpacked.statement.encode() in code else self

    @property
    def statement(self) -> str:
        """The statement at the start of a storlet that lets it import the packages."""
        path = f'__import__("sys").path.insert(0, __file__.rpartition("/")[0] + "/{self.name}")'
        return f'{path}; __import__("{UNPACKING}").unpack()' if self.is_unpacked else path

    @property
    def notes(self) -> tuple[str, ...]:
        """A note for each package that the engine's Python must have."""
        return tuple(
            f"{name} {version} isn't deployed with the storlet: the engine's Python must have it"
            for name, version in self.engines.items()
        )

    def check_fits(self, modules: Mapping[str, str]) -> None:
        """Check that no other module of a storlet has the name of a package's module.

        :param modules: what the other modules are, in words, by their names
        :raises UsageError: if one has
        """
        for module, label in modules.items():
            if module in self.modules:
                raise UsageError(f"{label} needs another name: a package has a module {module}, too")


def is_archive(name: str) -> bool:
    """Tell whether a dependency's name is that of an archive of packages."""
    return re.fullmatch(rf"packages-[0-9a-f]{{{_DIGITS}}}\.zip", name) is not None


def _zipped(files: Iterable[WheelFile]) -> bytes:
    """Return a zip archive of files: sorted, without times, and with entries for folders.

    Without these, Python before 3.13 doesn't find packages without ``__init__.py`` (``zipimport._is_dir``).
    """
    target = io.BytesIO()
    entries = {file.path: file for file in files}
    folders = {f"{folder}/" for path in entries for folder in _folders(path)}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted({*entries, *folders}):
            info = zipfile.ZipInfo(path, _START)
            info.create_system = 3  # Unix, on whichever system this runs
            file = entries.get(path)
            mode = _FOLDER if file is None else _PROGRAM if file.is_executable else _FILE
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_STORED if file is None else zipfile.ZIP_DEFLATED
            archive.writestr(info, file.content if file else b"")
    return target.getvalue()


def _folders(path: str) -> Iterator[str]:
    return (str(folder) for folder in PurePosixPath(path).parents if folder.name)


def _modules(paths: Iterable[str]) -> Iterator[str]:
    """Yield the dotted names of modules, and of the folders that contain any."""
    for path in paths:
        parts = path.removesuffix(".py").removesuffix("/__init__").split("/")
        if path.endswith(".py") and all(map(str.isidentifier, parts)):
            yield from (".".join(parts[:count]) for count in range(1, len(parts) + 1))


def _check_modules(wheel: Wheel) -> None:
    for module in sorted(_modules(file.path for file in wheel.files)):
        if "." not in module and (contract.is_name_taken(module) or module == UNPACKING):
            owner = "Python's standard library" if module in sys.stdlib_module_names else "the engine"
            raise UsageError(
                f"has a module {module}, as {owner} does; storlets need that one, so leave the package out",
                subject=f"package {wheel.name} {wheel.version}",
            )


@cache
def _unpacking() -> bytes:
    return importlib.resources.files(__package__).joinpath("unpacking.py").read_bytes()
