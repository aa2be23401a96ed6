"""The configuration from which Swift's own ``loadapp`` builds the four servers.

All paths in it are relative to the data folder, which is the server's working folder. So no character of the data
folder's path can collide with the syntax of these files, and no long path with a Unix socket's limit of 107 bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from storlet_shell.embedded.control import s3, users
from storlet_shell.embedded.control.settings import USER, Secrets, Settings
from storlet_shell.embedded.engine.failures import OBJECT, PROXY
from storlet_shell.embedded.middleware import attributes
from storlet_shell.embedded.processes import messages
from storlet_shell.embedded.sandbox.disk import RESERVED_BYTES
from storlet_shell.embedded.server.policies import DEVICE, POLICIES
from storlet_shell.embedded.server.rings import write_rings
from storlet_shell.equality import typed_equality

FOLDER = Path("etc")
"""Swift's configuration folder, relative to the server's working folder."""

# paste requires an absolute path, and unquotes it; this spelling needs no quoting wherever the data folder is.
_ABSOLUTE = "/proc/self/cwd/etc"

GATEWAY = "storlet_shell.embedded.middleware.gateway.StorletGateway"
"""The dotted path of the class that runs storlets, for the storlets middleware."""

ENGINE = "storlets"
"""The storlet engine's name: its folder, relative to the server's working folder."""

RESELLER_PREFIXES = "AUTH, SERVICE"
"""The prefixes of accounts: the users', and those of services that keep users' data, as in Swift's documentation."""

_SERVICE, _SERVICE_ROLE = "SERVICE", "service"

CACHE = "proxy"
"""The name of the cache that proxies share."""

KEYSTONE_CONF = users.FOLDER / "keystone.conf"
"""Keystone's configuration, relative to the server's working folder."""

KEYSTONE_KEYS = {
    "fernet_tokens": users.FOLDER / "token-keys",
    "fernet_receipts": users.FOLDER / "receipt-keys",
    "credential": users.FOLDER / "credential-keys",
}
"""The folders of Keystone's keys, by option group."""

# The order of Swift's sample configuration, with ours in between. The storlets middleware is where its own installer
# puts it: after authentication, before what assembles bodies. ``lengths`` stands where Swift's has proxy-logging.
_PROXY_PIPELINE = (
    "catch_errors gatekeeper door healthcheck lengths recon cache domain_remap listing_formats bulk tempurl formpost"
    " {auth} guard space"
    " outcome storlet_handler inside lookup source staticweb copy container-quotas"
    " account-quotas slo dlo versioned_writes symlink proxy-server"
)
_INTERNAL_PIPELINE = "catch_errors cache proxy-server"

_SWIFT_FILTERS = {
    "catch_errors": "catch_errors",
    "gatekeeper": "gatekeeper",
    "healthcheck": "healthcheck",
    "domain_remap": "domain_remap",
    "listing_formats": "listing_formats",
    "bulk": "bulk",
    "staticweb": "staticweb",
    "copy": "copy",
    "container-quotas": "container_quotas",
    "account-quotas": "account_quotas",
    "slo": "slo",
    "dlo": "dlo",
    "symlink": "symlink",
}

# Bytes that are read and sent at once. With Swift's default, a quarter of it, uploads are an eighth slower.
_CHUNK = 256 * 2**10

# The same from the object server to the client. This is the default, because small output waits for a full chunk.
_ANSWER_CHUNK = 64 * 2**10

# The number of additional inputs of an invocation; log, metadata, body and first input come on top. With many more, the
# server would run out of descriptors before the invocation failed.
_MOST_FURTHER_INPUTS = messages.MOST_DESCRIPTORS - 4

# Seconds for which the proxy trusts a token without asking Keystone; a revoked token stays valid for that long.
_TOKEN_CACHE_SECONDS = 10

# Keystone's default makes each login take a quarter of a second. The passwords are public, or random and long.
_HASH_ROUNDS = 4

Sections = Mapping[str, Mapping[str, str]]


@typed_equality
class Identity(NamedTuple):
    """The Keystone that validates tokens for the proxy.

    :param port: Keystone's port
    :param password: the proxy's password
    :param admin_password: the administrator's, for S3
    """

    port: int
    password: str
    admin_password: str


def application(name: str) -> str:
    """Return the configuration of a server, for ``loadapp``.

    :param name: ``proxy``, ``account``, ``container`` or ``object``
    """
    return f"{_ABSOLUTE}/{name}-server.conf"


def daemon_options() -> dict[str, str]:
    """Return the options of Swift's background daemons."""
    return {
        **_common(),
        "internal_client_conf_path": f"{_ABSOLUTE}/internal-client.conf",
        "dequeue_from_legacy": "true",  # the queue of expiring objects, the only one in Swift 2.38
    }


def write_configuration(settings: Settings, secrets: Secrets, identity: Identity | None) -> None:
    """Write all configuration files and rings to the working folder, readable by its owner only.

    :param identity: None for tempauth
    """
    FOLDER.mkdir(mode=0o700, exist_ok=True)
    write_rings(FOLDER)
    room = attributes.attribute_bytes(Path("devices", DEVICE))
    auth = _keystone_filters(identity) if identity else _tempauth_filter(settings, secrets)
    if settings.s3:
        auth = s3.with_filters(auth, identity.admin_password if identity else "")
    files = {
        "swift.conf": _swift(secrets, room),
        "proxy-server.conf": _proxy(settings, auth, room),
        "internal-client.conf": _internal_client(settings),
        "object-server.conf": _object(settings),
        "container-server.conf": _storage("container", {}),
        "account-server.conf": _storage("account", {}),
        **{f"storlet-gateway-{place}.conf": {"DEFAULT": _gateway(settings, place)} for place in (PROXY, OBJECT)},
    }
    for name, sections in files.items():
        _write(FOLDER / name, sections)
    if identity:
        _write(KEYSTONE_CONF, _keystone(settings))


def _write(path: Path, sections: Sections) -> None:
    """Write one file in paste.deploy's syntax."""
    lines = []
    for name, options in sections.items():
        lines.append(f"[{name}]")
        lines += [f"{option} = {value}" for option, value in options.items()]
        lines.append("")
    path.touch(mode=0o600)
    path.write_text("\n".join(lines))


def _swift(secrets: Secrets, room: int) -> dict[str, Mapping[str, str]]:
    """Return the settings that all servers share.

    :param room: the size of an object's metadata that the file system can store
    """
    return {
        "swift-hash": {"swift_hash_path_suffix": secrets.hash_suffix},
        "swift-constraints": {name: str(limit) for name, limit in attributes.limits(room).items()},
        **dict(policy.section for policy in POLICIES),
    }


def _common() -> dict[str, str]:
    """Return the [DEFAULT] section of every server."""
    return {
        "swift_dir": str(FOLDER),
        "devices": "devices",
        "mount_check": "false",
        "log_level": "WARNING",
        "log_custom_handlers": "storlet_shell.embedded.server.log.attach",
        "log_requests": "false",
        "recon_cache_path": "recon",
        "fallocate_reserve": str(RESERVED_BYTES),
        # While a green server computes a checksum, all others wait: the default of half a second is too short.
        "conn_timeout": "10",
    }


def _recon() -> dict[str, str]:
    return {"use": "egg:swift#recon", "recon_cache_path": "recon", "swift_dir": str(FOLDER)}


def _storlet_handler(server: str) -> dict[str, str]:
    """Return the storlets middleware's options.

    :param server: :data:`PROXY` or :data:`OBJECT`
    """
    return {
        "use": "egg:storlets#storlet_handler",
        "execution_server": server,
        "max_extra_resources": str(_MOST_FURTHER_INPUTS),
        "storlet_gateway_module": GATEWAY,
        "storlet_gateway_conf": f"{FOLDER}/storlet-gateway-{server}.conf",
        "internal_client_conf_path": f"{_ABSOLUTE}/internal-client.conf",
    }


def _gateway(settings: Settings, place: str) -> dict[str, str]:
    """Return the options of a storlet gateway: time and memory limits, its server, and the engine's folder."""
    return {
        "time_limit": str(settings.time_limit),
        "memory_limit": str(settings.memory_limit),
        "folder": ENGINE,
        "place": place,
    }


def _proxy_server(settings: Settings) -> dict[str, str]:
    """Return the proxy application's options.

    It waits for an object server longer than a storlet may run, and however many storlets fail, it doesn't consider the
    only device broken (with Swift's defaults, it waits ten seconds, and ten failures disable the device for a minute).
    """
    patience = str(settings.time_limit + 20)
    return {
        "use": "egg:swift#proxy",
        "account_autocreate": "true",
        "allow_open_expired": "true",
        "allow_account_management": "true",
        "node_timeout": patience,
        "client_timeout": str(settings.time_limit + 60),
        "object_chunk_size": str(_ANSWER_CHUNK),
        "client_chunk_size": str(_CHUNK),
        "error_suppression_limit": "1000000000",
        "error_suppression_interval": "0",
    }


def _filter(factory: str, **options: str) -> Mapping[str, str]:
    """Return the section of one of our own filters.

    :param factory: its middleware module and factory function
    """
    return {"paste.filter_factory": f"storlet_shell.embedded.middleware.{factory}", **options}


def _proxy(settings: Settings, auth: Sections, room: int) -> Sections:
    """Return the proxy server's configuration.

    :param auth: the filters that authenticate, in order
    :param room: the size of an object's metadata that the file system can store
    """
    return {
        "DEFAULT": _common(),
        "pipeline:main": {"pipeline": _PROXY_PIPELINE.format(auth=" ".join(auth))},
        "app:proxy-server": _proxy_server(settings),
        **{f"filter:{name}": {"use": f"egg:swift#{entry}"} for name, entry in _SWIFT_FILTERS.items()},
        "filter:recon": _recon(),
        "filter:cache": _filter("cache:filter_factory", name=CACHE),
        "filter:door": _filter("guard:door_factory"),
        "filter:guard": _filter("guard:guard_factory"),
        "filter:inside": _filter("guard:inside_factory", engine=ENGINE),
        "filter:outcome": _filter("outcome:filter_factory", engine=ENGINE),
        "filter:lengths": _filter("lengths:filter_factory"),
        "filter:lookup": _filter("lookup:lookup_factory", engine=ENGINE),
        "filter:source": _filter("source:filter_factory", engine=ENGINE),
        "filter:space": _filter("space:filter_factory", metadata_bytes=str(room)),
        "filter:versioned_writes": {
            "use": "egg:swift#versioned_writes",
            "allow_versioned_writes": "true",
            "allow_object_versioning": "true",
        },
        # Swift warns at each start that SHA-1, which it accepts by default, is deprecated.
        "filter:tempurl": {"use": "egg:swift#tempurl", "set log_level": "ERROR"},
        "filter:formpost": {"use": "egg:swift#formpost", "set log_level": "ERROR"},
        **{f"filter:{name}": options for name, options in auth.items()},
        "filter:storlet_handler": _storlet_handler(PROXY),
    }


def _tempauth_filter(settings: Settings, secrets: Secrets) -> Sections:
    """Return the filter that issues tokens itself."""
    users = {USER: f"{secrets.key} .admin", **settings.users}
    return {
        "tempauth": {
            "use": "egg:swift#tempauth",
            "reseller_prefix": RESELLER_PREFIXES,
            f"{_SERVICE}_require_group": _SERVICE_ROLE,
            **{f"user_{name.replace(':', '_')}": values for name, values in users.items()},
            # Self-contained tokens: they survive a restart and are valid at every proxy of this folder.
            "fernet_key_folder": secrets.token_key,
            "active_fernet_key_id": "folder",
        }
    }


def _keystone_filters(identity: Identity) -> Sections:
    """Return the filters that validate tokens with Keystone and authorize by roles."""
    url = f"http://127.0.0.1:{identity.port}"
    return {
        "authtoken": {
            "paste.filter_factory": "keystonemiddleware.auth_token:filter_factory",
            "www_authenticate_uri": url,
            "auth_url": url,
            "auth_type": "password",
            "username": users.SWIFT.name,
            "password": identity.password,
            "project_name": users.SWIFT.project,
            "user_domain_id": users.DOMAIN,
            "project_domain_id": users.DOMAIN,
            "region_name": users.REGION,
            "interface": "internal",
            "delay_auth_decision": "true",
            "include_service_catalog": "false",
            "service_token_roles_required": "true",
            "cache": "swift.cache",
            "token_cache_time": str(_TOKEN_CACHE_SECONDS),
        },
        "keystoneauth": {
            "use": "egg:swift#keystoneauth",
            "reseller_prefix": RESELLER_PREFIXES,
            f"{_SERVICE}_service_roles": _SERVICE_ROLE,
            "operator_roles": ", ".join(users.OPERATOR_ROLES),
        },
    }


def _keystone(settings: Settings) -> Sections:
    """Return Keystone's configuration.

    Caching in its process's memory makes logins four times as fast. Tokens aren't cached, because nothing would ever
    remove them.
    """
    return {
        "cache": {"backend": "dogpile.cache.memory"},
        "database": {"connection": f"sqlite:///{users.FOLDER}/keystone.db"},
        # bcrypt's maximum length; with its default, Keystone logs a warning at each login.
        "identity": {"password_hash_rounds": str(_HASH_ROUNDS), "max_password_length": "72"},
        "token": {"expiration": str(settings.token_seconds), "caching": "false"},
        **{group: {"key_repository": str(folder)} for group, folder in KEYSTONE_KEYS.items()},
    }


def _internal_client(settings: Settings) -> Sections:
    """Return the configuration of the internal proxy for middleware and daemons, which authenticates nobody."""
    return {
        "DEFAULT": _common(),
        "pipeline:main": {"pipeline": _INTERNAL_PIPELINE},
        "app:proxy-server": _proxy_server(settings),
        "filter:catch_errors": {"use": "egg:swift#catch_errors"},
        "filter:cache": _filter("cache:filter_factory"),
    }


def _storage(name: str, options: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
    """Return a storage server's configuration, without storlets."""
    return {
        "DEFAULT": _common(),
        "pipeline:main": {"pipeline": f"recon {name}-server"},
        f"app:{name}-server": {"use": f"egg:swift#{name}", "node_timeout": "60", **options},
        "filter:recon": _recon(),
    }


def _object(settings: Settings) -> Sections:
    """Return the object server's configuration.

    An object is in its container's listing before its PUT is answered: the server waits for that update.
    """
    options = {
        "container_update_timeout": "60",
        "client_timeout": str(settings.time_limit + 60),
        # For a request with a token, Swift drops the object from the page cache: right for a cloud's disks, but not
        # here.
        "keep_cache_private": "true",
        "keep_cache_size": str(2**30),
        "disk_chunk_size": str(_CHUNK),
        "network_chunk_size": str(_CHUNK),
    }
    return {
        **_storage("object", options),
        "pipeline:main": {"pipeline": "recon changes storlet_handler manifests object-server"},
        "filter:manifests": _filter("manifests:filter_factory"),
        "filter:changes": _filter("lookup:changes_factory", engine=ENGINE),
        "filter:storlet_handler": _storlet_handler(OBJECT),
    }
