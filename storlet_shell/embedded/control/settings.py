"""What a server is asked to be, and what a running one says of itself."""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from pathlib import Path

USER = "local:storlet"
"""The one user, as tempauth spells it."""

ACCOUNT = "AUTH_local"
"""That user's account."""

MOST_WAITING = 1024
"""Connections of one process that may wait for a whole request, between two requests or in the middle of one."""

TEMPAUTH, KEYSTONE = "tempauth", "keystone"
"""Who may ask for tokens, and where: Swift's own tempauth, or a Keystone."""


@dataclass(frozen=True)
class Settings:
    """What a server is asked to be.

    :param port: the proxy's port on 127.0.0.1; None means the one it had last, or else any that is free
    :param time_limit: seconds that one invocation of a storlet may take
    :param memory_limit: bytes of memory that one invocation may use
    :param ephemeral: whether the server has a folder of its own, which is removed at its end
    :param lasting: whether it stays until it is stopped, rather than until nobody uses it any more
    :param auth: ``tempauth`` or ``keystone``; None means what the data folder had last, or else tempauth
    :param identity_port: Keystone's port on 127.0.0.1; None means the one it had last, or else any that is free
    :param token_seconds: seconds that a token of Keystone's is good for
    :param proxies: how many proxies answer, each in a process and on a port of its own; the first on ``port``
    """

    port: int | None = None
    time_limit: int = 40
    memory_limit: int = 512 * 2**20
    ephemeral: bool = False
    lasting: bool = False
    auth: str | None = None
    identity_port: int | None = None
    token_seconds: int = 3600
    proxies: int = 1


@dataclass(frozen=True)
class Secrets:
    """What a data folder's server and its users know and nobody else does.

    Password and token key are good for one run of the server: once it has ended, another user of this machine may
    listen on its port, and whoever still holds them sends them there.

    :param key: the user's password
    :param token_key: what tokens are encrypted with
    :param hash_suffix: what Swift hashes names with; objects are found by it, so it stays
    """

    key: str = field(repr=False)
    token_key: str = field(repr=False)
    hash_suffix: str = field(repr=False)

    @classmethod
    def random(cls, hash_suffix: str = "") -> Secrets:
        """Make new ones.

        :param hash_suffix: the data folder's, if it has one already
        """
        token_key = urlsafe_b64encode(secrets.token_bytes(32)).decode()  # the form that Fernet demands
        return cls(secrets.token_hex(24), token_key, hash_suffix or secrets.token_hex(16))


@dataclass(frozen=True)
class Running:
    """A server that answers.

    :param key: the user's password
    :param started: when, in seconds since the epoch
    :param identity_port: Keystone's port; 0 without one
    :param account: the user's account
    :param further_ports: those of its proxies after the first
    """

    pid: int
    port: int
    key: str = field(repr=False)
    folder: Path
    ephemeral: bool
    started: float
    user: str = USER
    auth: str = TEMPAUTH
    identity_port: int = 0
    account: str = ACCOUNT
    further_ports: tuple[int, ...] = ()

    @property
    def auth_url(self) -> str:
        """Where tokens are given out."""
        if self.auth == KEYSTONE:
            return f"http://127.0.0.1:{self.identity_port}/v3"
        return f"http://127.0.0.1:{self.port}/auth/v1.0"

    @property
    def storage_url(self) -> str:
        """The account."""
        return self.storage_urls[0]

    @property
    def storage_urls(self) -> tuple[str, ...]:
        """The account at each of the proxies."""
        return tuple(f"http://127.0.0.1:{port}/v1/{self.account}" for port in (self.port, *self.further_ports))


@dataclass(frozen=True)
class Status:
    """What ``local status`` shows.

    :param running: the server, if one runs
    :param folder: where its data lies; of an ephemeral server, that server's folder
    :param used_bytes: what the data folder holds, or 0 if there is none yet
    :param free_bytes: what is free on its disk
    :param lasting: whether the server stays until it is stopped
    :param sandbox: what keeps a storlet from the network and the files of this machine, in the engine's words
    :param versions: the releases of swift and storlets that run
    """

    running: Running | None
    folder: Path
    used_bytes: int
    free_bytes: int
    lasting: bool = False
    time_limit: int = 0
    memory_limit: int = 0
    sandbox: str = ""
    versions: dict[str, str] = field(default_factory=dict)
