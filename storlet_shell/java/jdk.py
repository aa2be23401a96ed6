"""The machine's Java: its programs, and libraries."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from storlet_shell.errors import UsageError

_PACKAGE = "default-jdk-headless"
"""Debian's package with both programs: ``java`` is useless without ``javac``, which compiles the program it runs."""

# By the names of Debian's files.
_LIBRARIES = ("gson", "slf4j-api", "logback-classic", "logback-core")
_LIBRARY_FOLDER = Path("/usr/share/java")

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
        raise UsageError(f"{name} is not installed; install a JDK (on Debian: apt install {_PACKAGE})")
    return Path(program)


def libraries() -> list[Path]:
    """Return this machine's jars of the libraries that upstream's engine has on its class path."""
    return [path for path in (_LIBRARY_FOLDER / f"{name}.jar" for name in _LIBRARIES) if path.exists()]
