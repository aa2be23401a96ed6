"""The server's view of Keystone.

Keystone uses threads rather than green threads, so it has a process of its own, :mod:`.keystone_process`.
"""

from __future__ import annotations

from typing import Any

from storlet_shell.embedded.control.users import FOLDER
from storlet_shell.embedded.server.companion import Companion

LOG = FOLDER / "log"
"""Keystone's log, relative to the working folder: warnings, and a line for each request."""

_PROGRAM = "storlet_shell.embedded.server.keystone_process"
_START_SECONDS = 150.0


class Keystone(Companion):
    """Keystone's process; its description contains the projects' IDs and its release.

    :param listener: the socket that it responds on, which this object takes over
    :param proxy_port: Swift's port, for the catalog
    :param passwords: the password of each user
    :param s3_keys: the secret key of each user for S3; empty without S3
    """

    def __init__(self, listener: Any, proxy_port: int, passwords: dict[str, str], s3_keys: dict[str, str]) -> None:
        port = listener.getsockname()[1]
        order = {"proxy": proxy_port, "port": port, "passwords": passwords, "s3_keys": s3_keys}
        super().__init__("Keystone", _PROGRAM, listener, order, log=LOG, seconds=_START_SECONDS)
