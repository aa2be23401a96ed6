"""Resolve the packages that a storlet needs, and build their archive."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from storlet_shell.deployments.packages.archive import Archive
from storlet_shell.deployments.packages.candidates import Files, files_by_package
from storlet_shell.deployments.packages.pip import download
from storlet_shell.deployments.packages.refusals import failure_of
from storlet_shell.deployments.packages.stubs import is_stub, write_stub
from storlet_shell.deployments.packages.wanted import Wanted
from storlet_shell.deployments.packages.wheels import Wheel
from storlet_shell.errors import UsageError
from storlet_shell.results.saving import temporarily

Installed = Callable[[str], str | None]
"""Returns the version of a package that the engine's Python has, by its normalized name; None if it isn't known."""

_ROUNDS = 20


def resolve(wanted: Wanted, installed: Installed = lambda _: None) -> Archive | None:
    """Resolve packages with all that they need to wheels of pure Python, and join these.

    A package without such a wheel is left out if the engine's Python has it: then the others are resolved for the
    engine's version of it, as if that were a wheel.

    :param installed: asked about packages without a wheel of pure Python only
    :returns: None if the engine's Python has all of them
    :raises UsageError: if a package is native code, or requirements are invalid or conflict
    :raises NotFoundError: if a package or a version doesn't exist
    :raises ServiceError: if the package index can't be reached
    :raises LocalFileError: if temporary files don't fit on the disk
    :raises StorletShellError: if a file has another hash than its requirement, or pip is missing
    """
    with temporarily(), tempfile.TemporaryDirectory(prefix="storlet-packages-") as name:
        links = Path(name, "links")
        links.mkdir()
        versions = dict(wanted.provided)
        stubs = {(package, version) for package, version in wanted.provided if version}
        for number in range(_ROUNDS):
            for package, version in stubs:
                write_stub(links, package, version)
            folder = Path(name, str(number))
            folder.mkdir()
            pinned = [f"{package}=={version}" for package, version in versions.items() if version]
            run = download(wanted, folder, links=links, constraints=pinned)
            if run.is_complete:
                return _archive(folder, wanted)
            files = files_by_package(run.log)
            more = set(_stand_ins(files, versions, installed)) - stubs
            if not more:
                raise failure_of(run, files, wanted, stubs)
            stubs |= more
        raise failure_of(run, files, wanted, stubs)


def _stand_ins(
    files: Mapping[str, Files], provided: Mapping[str, str | None], installed: Installed
) -> list[tuple[str, str]]:
    """Return the versions of native packages that the engine has."""
    stand_ins = []
    for name, has in files.items():
        if not has.native or has.usable:
            continue
        if name in provided:
            version = provided[name]
            stand_ins += [(name, text) for text in ([version] if version else sorted(has.native))]
        elif version := installed(name):
            stand_ins.append((name, version))
    return stand_ins


def _archive(folder: Path, wanted: Wanted) -> Archive | None:
    paths = [path for path in sorted(folder.iterdir()) if path.name not in ("pip.log", "constraints.txt")]
    engines = {_name_and_version(path) for path in paths if is_stub(path)}
    wheels = [Wheel.read(path) for path in paths if not is_stub(path)]
    provided = dict(wanted.provided)
    engines |= {(wheel.name, wheel.version) for wheel in wheels if wheel.name in provided}
    wheels = [wheel for wheel in wheels if wheel.name not in provided]
    if not wheels and engines:
        return None
    if not wheels:
        raise UsageError(f"no package to deploy: none is for Python {wanted.python}", subject=wanted.label)
    return Archive.build(wheels, dict(sorted(engines)), wanted.python, is_unpacked=wanted.is_unpacked)


def _name_and_version(path: Path) -> tuple[str, str]:
    name, version, *_ = path.name.split("-")
    return name.replace("_", "-"), version
