"""The programs that storlet-shell is held against, installed when they are missing, and their versions.

python-swiftclient comes with storlet-shell. python-openstackclient gets an environment of its own in ``build/peers``,
so that its dependencies and ours don't meet. rclone and curl come from Debian's packages.
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
    """A peer is not there and can't be installed."""


def swift() -> str:
    """Return python-swiftclient's program."""
    return tool("swift")


def rclone() -> str:
    """Return rclone.

    :raises MissingPeerError: when it is not there, and nothing installs it
    """
    return _package("rclone")


def curl() -> str:
    """Return curl.

    :raises MissingPeerError: when it is not there, and nothing installs it
    """
    return _package("curl")


def openstack() -> str:
    """Return python-openstackclient's program; install it once, in an environment that is kept.

    :raises MissingPeerError: when that fails
    """
    place = _FOLDER / "openstackclient"
    program = place / "bin" / "openstack"
    if not program.exists():
        _install([sys.executable, "-m", "venv", "--clear", str(place)])
        _install([str(place / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", _OPENSTACK])
    return str(program)


def remote(running: Running) -> dict[str, str]:
    """Return the variables by which rclone knows a cluster, under the name ``bench``."""
    options = {"TYPE": "swift", "AUTH": running.auth_url, "USER": running.user, "KEY": running.key}
    return {"RCLONE_CONFIG": os.devnull, **{f"RCLONE_CONFIG_BENCH_{name}": value for name, value in options.items()}}


def versions() -> dict[str, str]:
    """Return what is known of everything that takes part, by name."""
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
    """Return the path of a program of Debian's package of the same name."""
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
