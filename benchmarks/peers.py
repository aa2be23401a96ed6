"""The programs that storlet-shell is compared with, installed if missing, and their versions.

python-swiftclient is a dependency of storlet-shell. python-openstackclient gets a virtual environment in
``build/peers``, so that its dependencies can't conflict with ours. rclone and curl come from Debian's packages.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

from benchmarks.cluster import tool
from storlet_shell.embedded.control import Running

_OPENSTACK = "python-openstackclient>=7,<10"
_FOLDER = Path(__file__).resolve().parent.parent / "build" / "peers"
_OURS = ("swift", "storlets", "python-swiftclient", "keystoneauth1", "urllib3", "requests", "eventlet")


class MissingPeerError(Exception):
    """A peer is missing and can't be installed."""


def swift() -> str:
    """Return python-swiftclient's program."""
    return tool("swift")


def rclone() -> str:
    """Return rclone.

    :raises MissingPeerError: if it is missing and can't be installed
    """
    return _package("rclone")


def curl() -> str:
    """Return curl.

    :raises MissingPeerError: if it is missing and can't be installed
    """
    return _package("curl")


def openstack() -> str:
    """Return python-openstackclient's program, installed once, in a persistent virtual environment.

    :raises MissingPeerError: if that fails
    """
    place = _FOLDER / "openstackclient"
    program = place / "bin" / "openstack"
    if not program.exists():
        _install([sys.executable, "-m", "venv", "--clear", str(place)])
        _install([str(place / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", _OPENSTACK])
    return str(program)


def remote(running: Running) -> dict[str, str]:
    """Return the variables that describe a cluster to rclone, under the name ``bench``."""
    options = {"TYPE": "swift", "AUTH": running.auth_url, "USER": running.user, "KEY": running.key}
    return {"RCLONE_CONFIG": os.devnull, **{f"RCLONE_CONFIG_BENCH_{name}": value for name, value in options.items()}}


def versions() -> dict[str, str]:
    """Return the versions of everything involved, by name."""
    versions = {"storlet-shell": _commit() or version("storlet-shell"), "Python": platform.python_version()}
    versions |= {name: version(name) for name in _OURS}
    openstack_program = _FOLDER / "openstackclient" / "bin" / "openstack"
    for name in ("rclone", "curl", str(openstack_program)):
        if shutil.which(name):
            words = subprocess.run([name, "--version"], capture_output=True, text=True, check=False).stdout.split()
            versions["python-openstackclient" if name == str(openstack_program) else name] = words[1] if words else "?"
    return versions


def _commit() -> str:
    words = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    process = subprocess.run(words, capture_output=True, text=True, check=False)
    return process.stdout.strip()


def _package(name: str) -> str:
    """Return the path of the program in Debian's package of the same name."""
    if path := shutil.which(name):
        return path
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if shutil.which("apt-get") is None:
        raise MissingPeerError(f"{name} is not installed, and there is no apt-get to install it")
    _install([*as_root, "apt-get", "install", "-y", "-qq", "--no-install-recommends", name])
    return shutil.which(name) or _give_up(name, "its package has no such program")


def _install(words: list[str]) -> None:
    try:
        process = subprocess.run(words, stdout=sys.stderr, stderr=subprocess.PIPE, text=True, timeout=600, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        _give_up(words[-1], str(error))
    if process.returncode:
        _give_up(words[-1], (process.stderr.strip().splitlines() or ["no reason told"])[-1])


def _give_up(name: str, reason: str) -> NoReturn:
    raise MissingPeerError(f"{name} can't be installed: {reason}")
