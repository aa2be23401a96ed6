"""Keystone's process: ``python -m storlet_shell.embedded.server.keystone_process`` in the data folder.

:mod:`.keystone` starts it. Standard input delivers its order as one line of JSON, and is closed when the server exits;
then this process exits, too. Once it responds to requests, it writes one line to the pipe named in the order.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
import threading
import uuid
import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib.metadata import version
from typing import Any

from storlet_shell.embedded.control.users import (
    ADMIN,
    DOMAIN,
    FOLDER,
    OPERATOR_ROLES,
    RANDOM,
    REGION,
    SWIFT,
    USERS,
    User,
)
from storlet_shell.embedded.sandbox import linux
from storlet_shell.embedded.server import log
from storlet_shell.embedded.server.configuration import KEYSTONE_CONF, KEYSTONE_KEYS

_BUILT = FOLDER / "release"  # exists once the database is complete; contains the Keystone release of its schema
_DATABASE = FOLDER / "keystone.db"
_THREADS = 8
_MOST_WAITING = 512  # connections that wait for a complete request
_CLOSED_AT_ONCE = 64
_SILENT_SECONDS = 60
_INTERFACES = ("public", "internal", "admin")

_requests = logging.getLogger("storlet_shell.identity.keystone.requests")

WSGI = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def main() -> None:
    """Respond to requests until the server exits."""
    linux.die_with_parent()
    order = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_server, daemon=True).start()
    os.umask(0o077)
    warnings.simplefilter("ignore")  # deprecations in Keystone's libraries concern Keystone only
    # A parser of international URIs that JupyterLab installs: importing it takes seconds, and Keystone's schemas don't
    # use such URIs. jsonschema works without it.
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    app, projects = _application(order)

    server = _server(_logged(app), socket.socket(fileno=order["listener"]))
    ready = {"release": version("keystone"), "projects": projects}
    os.write(order["ready"], json.dumps(ready).encode() + b"\n")  # stays open: its end tells that this process exited
    server.run()


def _server(app: WSGI, listener: socket.socket) -> Any:
    """Return waitress's server for an application.

    When there are many connections, the one that has been silent longest is closed in favor of a new one. waitress
    itself would stop accepting until one exceeds its ``channel_timeout``, so nobody could log in for minutes.
    """
    from waitress.adjustments import Adjustments
    from waitress.server import TcpWSGIServer

    class Server(TcpWSGIServer):
        """Closes connections that wait for a complete request rather than refusing new ones."""

        def handle_accept(self) -> None:
            """Accept a connection."""
            channels = self.active_channels.values()
            waiting = [channel for channel in channels if not channel.requests and not channel.will_close]
            if len(waiting) >= _MOST_WAITING:
                for channel in sorted(waiting, key=lambda channel: channel.last_activity)[:_CLOSED_AT_ONCE]:
                    channel.will_close = True
            super().handle_accept()

    adjustments = Adjustments(
        sockets=[listener],
        threads=_THREADS,
        ident=None,
        connection_limit=2 * _MOST_WAITING,
        channel_timeout=_SILENT_SECONDS,
        cleanup_interval=_SILENT_SECONDS // 2,
        asyncore_use_poll=True,  # select is limited to 1024 descriptors
    )
    sockinfo = (listener.family, listener.type, listener.proto, listener.getsockname())
    return Server(app, _sock=listener, adj=adjustments, bind_socket=False, sockinfo=sockinfo)


def _end_with_server() -> None:
    """Wait until standard input is closed."""
    sys.stdin.buffer.read()
    os._exit(0)


def _logged(app: WSGI) -> WSGI:
    """Log each request: method, path and status, which contain no secrets."""

    def logged(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        def start(status: str, *rest: Any) -> Any:
            _requests.info("%s %s %s", environ["REQUEST_METHOD"], environ["PATH_INFO"], status[:3])
            return start_response(status, *rest)

        return app(environ, start)

    return logged


def _application(order: dict[str, Any]) -> tuple[WSGI, dict[str, str]]:
    """Create Keystone's application, and its database if necessary; also return the projects' IDs."""
    # Only this Keystone's files: without these arguments it also reads those in /etc/keystone.
    (FOLDER / "conf.d").mkdir(exist_ok=True)
    sys.argv[:] = ["keystone", f"--config-file={KEYSTONE_CONF}", f"--config-dir={FOLDER / 'conf.d'}"]

    import keystone.server
    from keystone.common import provider_api
    from keystone.server.backends import load_backends
    from keystone.server.flask.application import application_factory
    from keystone.server.flask.core import setup_app_middleware

    keystone.server.configure(config_files=[])
    log.start(FOLDER / "log")
    _requests.setLevel(logging.INFO)
    built = _BUILT.read_text() if _BUILT.exists() else ""
    _make_keys()
    if built != version("keystone"):
        _migrate(fresh=not built)
    providers = provider_api.ProviderAPIs
    if built:
        load_backends()
        _set_passwords(providers, order["passwords"])
    else:
        _bootstrap(order["passwords"])
    _set_s3_keys(providers, order["s3_keys"])
    _BUILT.write_text(version("keystone"))
    host = "http://127.0.0.1"
    _publish(providers, "identity", "keystone", f"{host}:{order['port']}/v3")
    _publish(providers, "object-store", "swift", f"{host}:{order['proxy']}/v1/AUTH_%(project_id)s")
    projects = {project["name"]: project["id"] for project in providers.resource_api.list_projects()}
    return setup_app_middleware(application_factory("public")), projects


def _make_keys() -> None:
    """Create missing keys; the server has deleted those of its last run's tokens."""
    from keystone.common.fernet_utils import FernetUtils

    for group, folder in KEYSTONE_KEYS.items():
        keys = FernetUtils(str(folder), 3, group)
        keys.create_key_directory()
        keys.initialize_key_repository()


def _set_passwords(providers: Any, passwords: dict[str, str]) -> None:
    """Set the random passwords, which change at each start of the server.

    This uses the driver: the manager would also revoke all tokens of the same second, including new ones.
    """
    for user in RANDOM:
        account = providers.identity_api.get_user_by_name(user.name, DOMAIN)
        providers.identity_api.driver.update_user(account["id"], {"password": passwords[user.name]})


def _set_s3_keys(providers: Any, keys: dict[str, str]) -> None:
    """Replace the last run's EC2 credentials of our users, which sign S3 requests.

    :param keys: the secret keys by user, which is also the access key; empty without S3
    """
    from keystone.common.utils import hash_access_key
    from keystone.exception import CredentialNotFound

    for user in USERS:
        number = hash_access_key(user.name)
        with suppress(CredentialNotFound):
            providers.credential_api.driver.delete_credential(number)
        if user.name not in keys:
            continue
        credential = {
            "id": number,
            "type": "ec2",
            "user_id": providers.identity_api.get_user_by_name(user.name, DOMAIN)["id"],
            "project_id": providers.resource_api.get_project_by_name(user.project, DOMAIN)["id"],
            "blob": json.dumps({"access": user.name, "secret": keys[user.name], "trust_id": None}),
        }
        providers.credential_api.create_credential(number, credential)


def _migrate(*, fresh: bool) -> None:
    """Create the database's tables, or upgrade those of an earlier release.

    :param fresh: discard what an interrupted start may have left
    """
    from keystone.common.sql import upgrades

    if fresh:
        _DATABASE.unlink(missing_ok=True)
    upgrades.offline_sync_database_to_version()


def _bootstrap(passwords: dict[str, str]) -> None:
    """Create the domain, roles, projects and users: those of ``keystone-manage bootstrap``, and ours."""
    from keystone.cmd.bootstrap import Bootstrapper
    from keystone.common import provider_api

    first = Bootstrapper()
    first.admin_username, first.admin_password = ADMIN.name, passwords[ADMIN.name]
    first.project_name, first.admin_role_name, first.region_id = "admin", "admin", REGION
    first.immutable_roles = True
    first.bootstrap()
    providers = provider_api.ProviderAPIs
    # Its name is Default; SQLite, unlike MySQL, distinguishes that from the "default" of the documented environment.
    providers.resource_api.update_domain(DOMAIN, {"name": DOMAIN})
    roles = {role["name"]: role["id"] for role in providers.role_api.list_roles()}
    for name in OPERATOR_ROLES:
        if name not in roles:
            roles[name] = uuid.uuid4().hex
            providers.role_api.create_role(roles[name], {"id": roles[name], "name": name})
    projects = {name: _make_project(providers, name) for name in sorted({user.project for user in (*USERS, SWIFT)})}
    for user in (*USERS, SWIFT):
        user_id = first.admin_user_id if user == ADMIN else _make_user(providers, user, passwords[user.name])
        for role in user.roles:
            providers.assignment_api.add_role_to_user_and_project(user_id, projects[user.project], roles[role])


def _make_project(providers: Any, name: str) -> str:
    """Create a project; return its ID."""
    project = {"id": uuid.uuid4().hex, "name": name, "domain_id": DOMAIN, "enabled": True, "description": ""}
    providers.resource_api.create_project(project["id"], project)
    return str(project["id"])


def _make_user(providers: Any, user: User, password: str) -> str:
    """Create a user; return its ID."""
    fields = {"name": user.name, "password": password, "domain_id": DOMAIN, "enabled": True}
    return str(providers.identity_api.create_user(fields)["id"])


def _publish(providers: Any, kind: str, name: str, url: str) -> None:
    """Set a service's URL in the catalog; its port may differ from last time."""
    catalog = providers.catalog_api
    services = [service["id"] for service in catalog.list_services() if service["type"] == kind]
    if services:
        for endpoint in catalog.list_endpoints():
            if endpoint["service_id"] == services[0] and endpoint["url"] != url:
                catalog.update_endpoint(endpoint["id"], {"url": url})
        return
    service = uuid.uuid4().hex
    catalog.create_service(service, {"id": service, "type": kind, "name": name, "enabled": True})
    for interface in _INTERFACES:
        endpoint = {"interface": interface, "url": url, "service_id": service, "region_id": REGION, "enabled": True}
        endpoint["id"] = uuid.uuid4().hex
        catalog.create_endpoint(endpoint["id"], endpoint)


if __name__ == "__main__":
    main()
