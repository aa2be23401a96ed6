"""The four servers (proxy, account, container and object) as green threads of this process.

Additional proxies and Keystone have processes of their own.
"""

from __future__ import annotations

import os
import shutil
import time
import warnings
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import eventlet
import eventlet.wsgi
from eventlet.green import socket
from swift.common import constraints, db
from swift.common.storage_policy import reload_storage_policies
from swift.common.utils import NullLogger, set_swift_dir
from swift.common.wsgi import loadapp

from storlet_shell.embedded.control import s3
from storlet_shell.embedded.control.folder import renew_secrets
from storlet_shell.embedded.control.settings import ACCOUNT, KEYSTONE, Settings
from storlet_shell.embedded.control.users import ADMIN, MEMBER, SWIFT, TESTER, USERS, renew_passwords
from storlet_shell.embedded.engine.nursery import Limits
from storlet_shell.embedded.engine.service import Engine, open_engine
from storlet_shell.embedded.middleware import attributes
from storlet_shell.embedded.middleware.cache import cache_of
from storlet_shell.embedded.server import backends, configuration
from storlet_shell.embedded.server.account import create_accounts, prepare_account
from storlet_shell.embedded.server.companion import Companion
from storlet_shell.embedded.server.keystone import Keystone
from storlet_shell.embedded.server.policies import DEVICES
from storlet_shell.embedded.server.protocol import Protocol
from storlet_shell.embedded.server.rings import BACKENDS
from storlet_shell.embedded.server.shared import serve as serve_shared
from storlet_shell.embedded.server.upkeep import Upkeep
from storlet_shell.errors import EmbeddedError

HOST = "127.0.0.1"

_PROXY = "storlet_shell.embedded.server.proxy_process"
_PROXY_SECONDS = 60.0

_KEPT_SECONDS = 3600.0  # an idle connection: a user who returns to a shell needn't connect again


class Servers:
    """The running servers.

    :param settings: the requested settings
    :param last: the description of this data folder's last server, whose ports are reused if they are free
    """

    def __init__(self, settings: Settings, last: dict[str, Any]) -> None:
        use_utc()
        listener = _listen(settings.port, last.get("port"))
        self.port: int = listener.getsockname()[1]
        _prepare_folders()
        self._proxies: list[Companion] = []
        self._keystone = self._start_keystone(settings, last)
        try:
            self._start(settings, listener, last.get("further_ports", []))
        except BaseException:
            self._end_companions()
            raise

    def _start(self, settings: Settings, listener: Any, further_ports: list[int]) -> None:
        """Start everything but Keystone, which takes longest and is waited for at the end."""
        read_swift_conf()
        backends.connect_to_sockets()
        attributes.write_compactly()
        self.engine = _open_engine(settings)
        self.sandbox = self.engine.sandbox.description
        upkeep = Upkeep()
        apps = {name: loadapp(configuration.application(name)) for name in BACKENDS}
        apps["container"] = upkeep.watch(apps["container"])
        for name, app in apps.items():
            serve(backends.listen(name, self._is_proxy), app, settings.time_limit)
        self._start_proxies(settings, further_ports)
        proxy = loadapp(configuration.application("proxy"))
        self.versions = {name: version(name) for name in ("swift", "storlets")}
        self.identity: dict[str, Any] = {"auth": settings.auth, "account": ACCOUNT}
        accounts = {f"AUTH_{name.partition(':')[0]}" for name in settings.users}
        readers = ""
        if self._keystone is not None:
            facts = self._keystone.wait()
            self.versions["keystone"] = facts["release"]
            account = f"AUTH_{facts['projects'][TESTER.project]}"
            self.identity |= {"identity_port": self._keystone.port, "account": account, "user": TESTER.name}
            accounts = {f"AUTH_{facts['projects'][user.project]}" for user in USERS}
            readers = f"{MEMBER.project}:{MEMBER.name}"
        prepare_account(proxy._pipeline_final_app, self.identity["account"], readers)
        create_accounts(proxy._pipeline_final_app, sorted(accounts))
        self._proxy = serve(listener, proxy, settings.time_limit)
        for further in self._proxies:
            further.wait()
        upkeep.start()

    def stop(self, grace: float) -> None:
        """Stop accepting requests, and let current ones finish.

        Storage servers keep running: the proxy needs them until its last request is answered.

        :param grace: the time limit for requests, in seconds
        """
        end(self._proxy, grace)
        self.engine.close()
        self._end_companions()

    def _start_keystone(self, settings: Settings, last: dict[str, Any]) -> Keystone | None:
        """Write the configuration, and start Keystone if requested."""
        keystone = identity = None
        if settings.auth == KEYSTONE:
            passwords = renew_passwords(Path())
            for group in ("fernet_tokens", "fernet_receipts"):  # invalidates tokens of the last run
                shutil.rmtree(configuration.KEYSTONE_KEYS[group], ignore_errors=True)
            s3_keys = s3.renew_keys(Path()) if settings.s3 else {}
            listener = _listen(settings.identity_port, last.get("identity_port"))
            keystone = Keystone(listener, self.port, passwords, s3_keys)
            identity = configuration.Identity(keystone.port, passwords[SWIFT.name], passwords[ADMIN.name])
        configuration.write_configuration(settings, renew_secrets(Path()), identity)
        if keystone is not None:
            keystone.start()
        return keystone

    @property
    def further_ports(self) -> list[int]:
        """The ports of the additional proxies."""
        return [further.port for further in self._proxies]

    def _start_proxies(self, settings: Settings, last: list[int]) -> None:
        """Start the processes of the additional proxies with the shared objects, without waiting for them."""
        if settings.proxies == 1:
            return
        shared = {"cache": cache_of(configuration.CACHE), "journal": self.engine.journal}
        eventlet.spawn(serve_shared, shared, backends.listen(backends.SHARED, self._is_proxy))
        limits = {
            "time_limit": settings.time_limit,
            "memory_limit": settings.memory_limit,
            "is_reusing": settings.is_reusing,
        }
        for number, port in zip(range(2, settings.proxies + 1), [*last, *[0] * settings.proxies], strict=False):
            name = f"proxy-{number}"
            log = Path(f"log-{name}")
            order = {"name": name, "log": str(log), **limits}
            listener = _listen(None, port)
            self._proxies.append(Companion(f"proxy {number}", _PROXY, listener, order, log=log, seconds=_PROXY_SECONDS))
            self._proxies[-1].start()

    def _is_proxy(self, pid: int) -> bool:
        return any(further.pid == pid for further in self._proxies)

    def _end_companions(self) -> None:
        for companion in (*self._proxies, self._keystone):
            if companion is not None:
                companion.close()


def serve(listener: Any, app: Any, time_limit: int) -> Any:
    """Serve an application in a green thread.

    :param time_limit: a storlet's time limit, in seconds
    """
    with warnings.catch_warnings():
        # Swift needs header names in its own spelling; eventlet warns of that in general.
        warnings.filterwarnings("ignore", message="capitalize_response_headers is disabled")
        return eventlet.spawn(
            eventlet.wsgi.server,
            listener,
            app,
            NullLogger(),
            max_size=4096,
            protocol=Protocol,
            socket_timeout=time_limit + 60,
            keepalive=_KEPT_SECONDS,
            url_length_limit=constraints.MAX_REQUEST_LINE,
            capitalize_response_headers=False,
            log_output=False,
            debug=False,
        )


def end(server: Any, grace: float) -> None:
    """Make a server stop accepting requests, and let current ones finish.

    :param server: the result of :func:`serve`
    :param grace: the time limit for requests, in seconds
    """
    with eventlet.Timeout(grace, False), suppress(eventlet.greenlet.GreenletExit):
        eventlet.spawn(server.kill)
        server.wait()


def _listen(port: int | None, last_port: int | None) -> Any:
    """Open the listening socket of the proxy or of Keystone.

    :raises EmbeddedError: if the requested port is in use
    """
    for wanted in [port] if port is not None else [last_port or 0, 0]:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Inherited by connections. Without it, each answer in two writes waits 40 ms for the client's acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            listener.bind((HOST, wanted))
        except OSError as error:
            reason = error.strerror
            listener.close()
            continue
        listener.listen(1024)
        return listener
    raise EmbeddedError(f"port {port} on {HOST} can't be used: {reason}; use another one, or any")


def read_swift_conf() -> None:
    """Read this server's swift.conf; importing Swift read /etc/swift/swift.conf, if this machine has one."""
    set_swift_dir(str(configuration.FOLDER))
    reload_storage_policies()
    constraints.reload_constraints()
    db.MAX_META_OVERALL_SIZE = constraints.MAX_META_OVERALL_SIZE  # copied when it was imported


def _open_engine(settings: Settings) -> Engine:
    """Start the storlet engine.

    :raises EmbeddedError: if it can't be started
    """
    limits = Limits(settings.time_limit, settings.memory_limit, is_reusing=settings.is_reusing)
    try:
        return open_engine(configuration.ENGINE, Path.cwd(), limits)
    except OSError as error:
        raise EmbeddedError(f"the storlet engine can't be started: {error}") from error


def _prepare_folders() -> None:
    """Create the folders that the servers expect."""
    for name in ("run", "recon", "storlets", *(f"devices/{device}" for device in DEVICES)):
        Path(name).mkdir(parents=True, exist_ok=True)


def use_utc() -> None:
    """Set the process's time zone to UTC, as Swift's own servers do: dates in headers are made from local time."""
    os.environ["TZ"] = "UTC+0"
    time.tzset()
