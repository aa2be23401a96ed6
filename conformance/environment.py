"""The virtual environment of upstream's tests, whose requirements differ from this project's."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from conformance.sources import BUILD

_VENV = BUILD / "venv"
_PACKAGES = ("swift", "storlets", "python-swiftclient", "python-keystoneclient")
"""The packages under test, in the releases that are installed here."""

_REQUIREMENTS = (
    "awscrt",
    "pexpect",
    "boto",
    "boto3",
    "keystonemiddleware",
    "pytest>=8,<9",
    "pytest-subtests",
    "requests-mock",
    "testtools",
)
"""Further packages that the tests import."""


def python() -> Path:
    """Return the environment's Python; create or update the environment first if necessary."""
    requirements = "\n".join([*(f"{package}=={version(package)}" for package in _PACKAGES), *_REQUIREMENTS])
    complete = _VENV / "requirements.txt"
    if not complete.exists() or complete.read_text() != requirements:
        subprocess.run([sys.executable, "-m", "venv", str(_VENV)], check=True)
        pip = [str(_VENV / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *requirements.splitlines()], check=True)
        complete.write_text(requirements)
    return _VENV / "bin" / "python"
