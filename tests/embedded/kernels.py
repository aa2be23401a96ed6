"""Run programs as on a kernel with fewer layers of the sandbox, or as another user."""

from __future__ import annotations

import errno
import json
import os
import site
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from storlet_shell.embedded.sandbox import linux, seccomp

COLUMN = {"x86_64": 0, "aarch64": 1}[os.uname().machine]
"""The index of this machine's architecture in pairs of system call numbers."""

CLONE, PRCTL = ((56, 157), (220, 167))[COLUMN]
LACKING = {
    "everything": [],
    "namespaces": [(0x20, 0, 0, 0), (0x15, 0, 3, CLONE), (0x20, 0, 0, 16), (0x45, 0, 1, 0x7E020000), errno.EPERM],
    "landlock": [(0x20, 0, 0, 0), (0x15, 0, 1, 444), errno.ENOSYS],
    "seccomp": [(0x20, 0, 0, 0), (0x15, 0, 3, PRCTL), (0x20, 0, 0, 16), (0x15, 0, 1, 22), errno.EINVAL],
}
"""Filters that make a system call fail as on a kernel that lacks a layer."""


def restrict_process() -> list[str]:
    """Switch to the user and install the filters that :func:`run_program` passes; return the other arguments."""
    filters, user = json.loads(sys.argv[1]), int(sys.argv[2])
    if user:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    for steps in filters:
        linux.forbid_new_privileges()
        program = [tuple(step) if isinstance(step, list) else (6, 0, 0, 0x50000 | step) for step in steps]
        seccomp._install([*program, (6, 0, 0, 0x7FFF0000)])
    return sys.argv[3:]


def python(user: int) -> str:
    """Return a Python of this version with which a user can run this project; empty if there isn't one.

    A user other than root may have no access to this environment, or to the folder above the project.
    """
    for program in (sys.executable, "/usr/bin/python{}.{}".format(*sys.version_info)):
        with suppress(OSError):
            command = [program, "-c", "import storlet_shell, swift"]
            if not user or subprocess.run(command, user=user, env=_environ(), capture_output=True).returncode == 0:
                return program
    return ""


def _environ() -> dict[str, str]:
    """Return the environment in which any Python of this version finds this project and what it needs."""
    folders = [str(Path(__file__).parents[2]), *site.getsitepackages()]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(folders)}


def run_program(program: str, lacking: Iterable[str], user: int, *words: str, **environ: str) -> Any:
    """Run a program that calls :func:`restrict_process`; return what it writes as JSON.

    :param lacking: the missing layers of the sandbox
    :param user: the ID of its user; 0 for this process's own
    """
    root = Path(__file__).parents[2]
    environ = {**_environ(), **environ}
    filters = json.dumps([LACKING[name] for name in lacking])
    command = [python(user), "-W", "ignore", "-c", program, filters, str(user), *words]
    process = subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True, timeout=100, check=False)
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout)
