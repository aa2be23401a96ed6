"""Stand-ins for packages that the engine's Python has, so that pip resolves the others around them."""

from __future__ import annotations

import zipfile
from pathlib import Path

_BUILD = "99999"
"""The build tag of stand-ins: pip prefers them to other wheels of the same version."""


def write_stub(folder: Path, name: str, version: str) -> None:
    """Write an empty wheel of a package, without dependencies.

    :param name: its normalized name
    """
    stem = f"{name.replace('-', '_')}-{version.replace('-', '_')}"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    wheel = "Wheel-Version: 1.0\nGenerator: storlet-shell\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(folder / f"{stem}-{_BUILD}-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{stem}.dist-info/METADATA", metadata)
        archive.writestr(f"{stem}.dist-info/WHEEL", wheel)
        archive.writestr(f"{stem}.dist-info/RECORD", "")


def is_stub(path: Path) -> bool:
    """Tell whether a wheel is a stand-in."""
    return f"-{_BUILD}-" in path.name
