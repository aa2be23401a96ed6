"""Settings of a server, and the description of a running one."""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

USER = "local:storlet"
"""The user, as tempauth spells it."""

ACCOUNT = "AUTH_local"
"""That user's account."""

MOST_WAITING = 1024
"""The number of a process's connections that may wait for a complete request, between requests or within one."""

TEMPAUTH, KEYSTONE = "tempauth", "keystone"
"""The token issuers: Swift's own tempauth, or a Keystone."""

ISOLATION_LEVELS = ("run", "account")
"""What a JVM is for: a single run of a Java storlet, or the runs of one version by one user of an account."""


@dataclass(frozen=True)
class Settings:
    """The settings of a server.

    :param port: the proxy's port on 127.0.0.1; None for the same as last time, or any free one
    :param time_limit: the time limit of a storlet's invocation, in seconds
    :param memory_limit: the memory limit of an invocation, in bytes
    :param ephemeral: whether the server has a folder of its own, deleted when it exits
    :param lasting: whether it runs until stopped, rather than until nobody uses it
    :param auth: ``tempauth`` or ``keystone``; None for the same as last time, or tempauth
    :param identity_port: Keystone's port on 127.0.0.1; None for the same as last time, or any free one
    :param token_seconds: the lifetime of Keystone's tokens, in seconds
    :param proxies: the number of proxies, each with a process and a port of its own; the first listens on ``port``
    :param isolation: one of :data:`ISOLATION_LEVELS`
    :param s3: whether the proxies also answer S3 requests
    :param users: additional users of tempauth, ``ACCOUNT:USER``, each with its password and groups: ``secret .admin``
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
    isolation: str = "run"
    s3: bool = False
    users: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def is_reusing(self) -> bool:
        """Whether JVMs are reused."""
        return self.isolation == "account"


@dataclass(frozen=True)
class Secrets:
    """The secrets of a data folder's server and its users.

    Password and token key are renewed at each start: once the server has exited, another user of this machine may
    listen on its port, and clients that still hold the old ones would send them there.

    :param key: the user's password
    :param token_key: encrypts tokens
    :param hash_suffix: Swift hashes names with it to locate objects, so it never changes
    """

    key: str = field(repr=False)
    token_key: str = field(repr=False)
    hash_suffix: str = field(repr=False)

    @classmethod
    def random(cls, hash_suffix: str = "") -> Secrets:
        """Create new secrets.

        :param hash_suffix: the data folder's existing one
        """
        token_key = urlsafe_b64encode(secrets.token_bytes(32)).decode()  # the form that Fernet requires
        return cls(secrets.token_hex(24), token_key, hash_suffix or secrets.token_hex(16))


@dataclass(frozen=True)
class Running:
    """A server that responds.

    :param key: the user's password
    :param started: its start time, in seconds since the epoch
    :param identity_port: Keystone's port; 0 without Keystone
    :param account: the user's account
    :param further_ports: the ports of its other proxies
    :param s3: whether its proxies answer S3 requests
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
    s3: bool = False

    @property
    def auth_url(self) -> str:
        """The URL that issues tokens."""
        if self.auth == KEYSTONE:
            return f"http://127.0.0.1:{self.identity_port}/v3"
        return f"http://127.0.0.1:{self.port}/auth/v1.0"

    @property
    def s3_url(self) -> str | None:
        """The URL for S3 clients; None if it doesn't answer S3 requests."""
        return f"http://127.0.0.1:{self.port}" if self.s3 else None

    @property
    def storage_url(self) -> str:
        """The account's URL."""
        return self.storage_urls[0]

    @property
    def storage_urls(self) -> tuple[str, ...]:
        """The account's URL at each of the proxies."""
        return tuple(f"http://127.0.0.1:{port}/v1/{self.account}" for port in (self.port, *self.further_ports))


@dataclass(frozen=True)
class Status:
    """The report of ``local status``.

    :param running: the server, if one is running
    :param folder: its data folder; for an ephemeral server, its own folder
    :param used_bytes: the size of the data folder; 0 if it doesn't exist yet
    :param free_bytes: the free space on its disk
    :param lasting: whether the server runs until stopped
    :param isolation: one of :data:`ISOLATION_LEVELS`
    :param sandbox: the engine's description of what isolates storlets from the network and from files
    :param versions: the releases of swift and storlets that run
    """

    running: Running | None
    folder: Path
    used_bytes: int
    free_bytes: int
    lasting: bool = False
    time_limit: int = 0
    memory_limit: int = 0
    isolation: str = "run"
    sandbox: str = ""
    versions: dict[str, str] = field(default_factory=dict)
