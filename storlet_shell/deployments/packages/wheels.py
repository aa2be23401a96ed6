"""Read wheels: their names, versions and files, and whether they are pure Python."""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from storlet_shell.deployments.packages.wanted import normalized
from storlet_shell.equality import typed_equality
from storlet_shell.errors import UsageError

_NAME = re.compile(r"(?P<name>[^-]+)-(?P<version>[^-]+)(-[0-9][^-]*)?-[^-]+-(?P<abi>[^-]+)-(?P<platform>[^-]+)\.whl")
_MOST_BYTES = 512 * 2**20
"""The size of a wheel's files; an engine's limits are lower."""

_NATIVE = (".so", ".pyd", ".dylib", ".dll")
_INSTALLED = re.compile(r"[^/]+\.data/(purelib|platlib)/")
_NOT_INSTALLED = re.compile(r"[^/]+\.data/|(.*/)?__pycache__/|.*\.py[co]$")


@typed_equality
class WheelFile(NamedTuple):
    """A file of a wheel.

    :param path: where it is installed, below the folder of packages
    """

    path: str
    content: bytes
    is_executable: bool = False


@typed_equality
class Wheel(NamedTuple):
    """A wheel of pure Python.

    :param name: the normalized name
    """

    name: str
    version: str
    files: tuple[WheelFile, ...]

    @classmethod
    def read(cls, path: Path) -> Wheel:
        """Read a wheel.

        Scripts, headers, and data files that belong outside of the folder of packages are left out, as are ``.pyc``
        files.

        :raises UsageError: if it isn't a wheel of pure Python
        """
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise UsageError(f"{path.name} isn't a wheel; build one (pip wheel), and name its file")
        name, version = normalized(match["name"]), match["version"]
        if "any" not in match["platform"].split(".") or "none" not in match["abi"].split("."):
            raise UsageError(f"{path.name} is native code, and only pure Python can be deployed", subject=name)
        try:
            with zipfile.ZipFile(path) as archive:
                _check_size(archive, path.name, name)
                files = tuple(_files(archive))
        except (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, OSError, ValueError, struct.error) as error:
            raise UsageError(f"{path.name} is damaged: {error}", subject=name) from error
        _check_files(path.name, name, files)
        return cls(name, version, files)


def _check_size(archive: zipfile.ZipFile, label: str, name: str) -> None:
    """Check what a wheel says about its files, before they are read into memory."""
    size = sum(info.file_size for info in archive.infolist())
    if size > _MOST_BYTES:
        raise UsageError(
            f"{label} contains {size >> 20} MiB, but at most {_MOST_BYTES >> 20} can be deployed", subject=name
        )
    for info in archive.infolist():
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise UsageError(f"{label} isn't compressed as wheels are: {info.filename}", subject=name)


def _files(archive: zipfile.ZipFile) -> Iterator[WheelFile]:
    for info in archive.infolist():
        path = _INSTALLED.sub("", info.filename, count=1)
        if not info.is_dir() and not _NOT_INSTALLED.match(path):
            yield WheelFile(path, archive.read(info), bool(info.external_attr >> 16 & 0o111))


def _check_files(label: str, name: str, files: tuple[WheelFile, ...]) -> None:
    for file in files:
        parts = file.path.split("/")
        if not {"", ".", ".."}.isdisjoint(parts) or "\\" in file.path or ":" in parts[0]:
            raise UsageError(f"{label} has a file outside of it: {file.path}", subject=name)
        if file.path.endswith(_NATIVE) or re.search(r"\.so\.[0-9.]+$", file.path):
            raise UsageError(f"{label} contains native code ({file.path}), which can't be deployed", subject=name)
