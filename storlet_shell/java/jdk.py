"""The programs of the machine's Java."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from storlet_shell.errors import UsageError

_PACKAGES = {"java": "default-jre-headless", "javac": "default-jdk-headless"}
"""Debian's package of each program."""

ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
"""The environment of these programs: without the user's variables that change Java's options or language."""


def find_program(name: str) -> Path:
    """Return the path of a program, in ``$JAVA_HOME`` or else on the path.

    :param name: ``java`` or ``javac``
    :raises UsageError: if it isn't installed
    """
    home = os.environ.get("JAVA_HOME")
    program = (home and shutil.which(name, path=f"{home}/bin")) or shutil.which(name)
    if program is None:
        raise UsageError(f"{name} is not installed; install a JDK (on Debian: apt install {_PACKAGES[name]})")
    return Path(program)
