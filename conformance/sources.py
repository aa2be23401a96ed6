"""Upstream's tests: the source distributions of the installed releases, downloaded once into ``build/conformance``."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "conformance"
"""The folder for everything that is downloaded or built here."""


def source(package: str) -> Path:
    """Return the folder of a package's unpacked sources; download them first if necessary.

    :param package: its name on PyPI, which its folder starts with
    """
    release = version(package)
    folder = BUILD / f"{package}-{release}"
    if folder.exists():
        return folder
    BUILD.mkdir(parents=True, exist_ok=True)
    archive = BUILD / f"{package}-{release}.tar.gz"
    if not archive.exists():
        options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary", ":all:", "--dest", str(BUILD)]
        subprocess.run([sys.executable, "-m", "pip", "download", *options, f"{package}=={release}"], check=True)
    unpacked = BUILD / f"{package}.part"
    with tarfile.open(archive) as tar:
        tar.extractall(unpacked, filter="data")
    (unpacked / folder.name).replace(folder)
    unpacked.rmdir()
    return folder
