"""Convert values to headers and back. Every header name of Swift and Storlets is defined here, and only here.

The names are those of the Storlets API overview; where the middleware differs from it, its source is named.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import quote, unquote

from storlet_shell.equality import typed_equality
from storlet_shell.values import ByteRange, Invocation, ObjectPath, read_count
from storlet_shell.wire.header_dict import HeaderDict
from storlet_shell.wire.quoting import quoted

AUTH_TOKEN = "X-Auth-Token"  # noqa: S105  a header's name, not a token
STORAGE_URL = "X-Storage-Url"
AUTH_USER = "X-Auth-User"
AUTH_KEY = "X-Auth-Key"
AUTH_TOKEN_EXPIRES = "X-Auth-Token-Expires"  # noqa: S105  the same; in seconds from now (swift ``tempauth.py``)
CONTENT_LENGTH = "Content-Length"
CONTENT_LOCATION = "Content-Location"
CONTENT_RANGE = "Content-Range"
CONTENT_TYPE = "Content-Type"
COPY_FROM = "X-Copy-From"
COPY_FROM_ACCOUNT = "X-Copy-From-Account"
DELETE_AFTER = "X-Delete-After"
DESTINATION = "Destination"
ETAG = "ETag"
LOCATION = "Location"
RANGE = "Range"
RETRY_AFTER = "Retry-After"
TRANSACTION_ID = "X-Trans-Id"

RUN_STORLET = "X-Run-Storlet"
PARAMETER = "X-Storlet-Parameter-"
STORLET_RANGE = "X-Storlet-Range"
EXTRA_RESOURCES = "X-Storlet-Extra-Resources"
RUN_ON_PROXY = "X-Storlet-Run-On-Proxy"
GENERATE_LOG = "X-Storlet-Generate-Log"
ALLOW_UNREAD = "X-Storlet-Shell-Allow-Unread"
"""Allows a storlet on the embedded engine to leave inputs unread; other engines always allow that."""
GENERATED_FROM = "X-Storlet-Generated-From"
"""In the response to a copy made by a storlet (storlets ``handlers/proxy.py: base_handle_copy_request``)."""
LOG_QUERY = "storlet-log"
"""Query parameter of the account; the embedded Swift responds with a storlet's log."""

INPUT_RANGE = "Storlet-Input-Range"
FAILURE = "X-Storlet-Shell-Failure"
"""How a storlet failed; sent by the embedded Swift only."""

RAN_ON = "X-Storlet-Shell-Ran-On"
"""Where the storlet ran: ``proxy`` or ``object``; sent by the embedded Swift only."""
UNRUN = "unrun"
"""The value of :data:`FAILURE` for a copy for which no server ran the storlet (``embedded/middleware/source.py``)."""

STORLETS_ENABLED = "X-Account-Meta-Storlet-Enabled"
STORLET_READ = "X-Storlet-Container-Read"
STORLET_NAME = "X-Storlet-Name"
DYNAMIC_MANIFEST = "X-Object-Manifest"
STATIC_MANIFEST = "X-Static-Large-Object"

LAST_MODIFIED = "Last-Modified"
STORAGE_POLICY = "X-Storage-Policy"
ACCOUNT_CONTAINERS = "X-Account-Container-Count"
ACCOUNT_OBJECTS = "X-Account-Object-Count"
ACCOUNT_BYTES = "X-Account-Bytes-Used"
ACCOUNT_ACL = "X-Account-Access-Control"
CONTAINER_OBJECTS = "X-Container-Object-Count"
CONTAINER_BYTES = "X-Container-Bytes-Used"
CONTAINER_READ = "X-Container-Read"
CONTAINER_WRITE = "X-Container-Write"
CONTAINER_SYNC_KEY = "X-Container-Sync-Key"
VERSIONS_ENABLED = "X-Versions-Enabled"
VERSIONS_LOCATION = "X-Versions-Location"
HISTORY_LOCATION = "X-History-Location"
EXPIRES = "X-Delete-At"
TIMESTAMP = "X-Timestamp"
EXPIRES_AFTER = "X-Delete-After"
TEMP_URL_KEY = "Temp-Url-Key"
"""Prefix of the account and container metadata that hold the keys of temporary URLs; the values are secret."""

PLACE_OF_POLICY = "X-Container-Meta-Storlet-Place-"
"""Prefix of the storlet container's metadata that record, by storage policy, where reads run (:data:`PLACES`)."""
PLACES = {True: "node", False: "proxy"}
"""Values of that metadata, by whether the policy's nodes run storlets."""

USER_METADATA = "X-Object-Meta-"
MODIFIED = "X-Object-Meta-Mtime"
"""The modification time of an uploaded file, in seconds since 1970: python-swiftclient's convention."""

KEPT_BY_UPLOADS_ONLY = (
    DYNAMIC_MANIFEST,
    EXPIRES,
    "Cache-Control",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Language",
    "Expires",
    "X-Robots-Tag",
)
"""Headers that a POST to an object removes unless it repeats them, in addition to user metadata (swift
``obj/server.py: POST`` with ``DEFAULT_ALLOWED_HEADERS``)."""

FOLDER_TYPES = ("application/directory", "text/directory")
"""Content types of empty objects that stand for folders: python-swiftclient's convention."""

LANGUAGE = "X-Object-Meta-Storlet-Language"
INTERFACE_VERSION = "X-Object-Meta-Storlet-Interface-Version"
OBJECT_METADATA = "X-Object-Meta-Storlet-Object-Metadata"
MAIN = "X-Object-Meta-Storlet-Main"
LANGUAGE_VERSION = "X-Object-Meta-Storlet-Language-Version"
DEPENDENCY = "X-Object-Meta-Storlet-Dependency"
DEPENDENCY_VERSION = "X-Object-Meta-Storlet-Dependency-Version"
DEPENDENCY_PERMISSIONS = "X-Object-Meta-Storlet-Dependency-Permissions"
PACKAGES = "X-Object-Meta-Storlet-Packages-"
"""Prefix of numbered metadata that list the packages in a dependency, as ``NAME==VERSION``, with blanks between them;
engines ignore them."""

FUNCTION_CLASS = "FunctionStorlet"
"""The main class of each storlet that was made from a function; no other storlet has one of that name."""

BINARY = "application/octet-stream"

STORLET_CONTAINER = "storlet"
DEPENDENCY_CONTAINER = "dependency"
LOG_CONTAINER = "storletlog"
"""Default names of the containers; ``GET /info`` returns those of a cluster."""


def encode_invocation(invocation: Invocation) -> dict[str, str]:
    """Encode an invocation as headers of a GET, PUT or COPY.

    Keys and values are percent-quoted: the middleware unquotes each parameter and splits it at the first colon
    (storlets ``handlers/base.py: _update_storlet_parameters_from_headers``). A range runs on the proxy server, which
    handles every form of a single range correctly; extra resources run there anyway.
    """
    headers = {RUN_STORLET: invocation.storlet.name}
    for number, parameter in enumerate(invocation.parameters, 1):
        headers[f"{PARAMETER}{number}"] = f"{quote(parameter.key, safe='')}:{quote(parameter.value, safe='')}"
    if invocation.range is not None:
        headers[STORLET_RANGE] = f"bytes={invocation.range}"
    if invocation.extra:
        headers[EXTRA_RESOURCES] = ",".join(_quote_path(path) for path in invocation.extra)
    on_proxy = invocation.range is not None if invocation.on_proxy is None else invocation.on_proxy
    if on_proxy:
        headers[RUN_ON_PROXY] = ""
    if invocation.generate_log:
        headers[GENERATE_LOG] = "True"
    if invocation.allow_unread:
        headers[ALLOW_UNREAD] = "True"
    return headers


def _quote_path(path: ObjectPath) -> str:
    return f"/{quoted(path.container, '')}/{quoted(path.name)}"


def encode_expiry(seconds: int) -> dict[str, str]:
    """Encode the number of seconds after which the cluster deletes an object."""
    return {DELETE_AFTER: str(seconds)}


def encode_destination(path: ObjectPath) -> dict[str, str]:
    """Encode the target of a COPY."""
    return {DESTINATION: _quote_path(path).removeprefix("/")}


def encode_origin(path: ObjectPath, account: str | None = None) -> dict[str, str]:
    """Encode the source of a PUT that copies an object.

    :param account: the account that holds the source; None for the same account
    """
    headers = {COPY_FROM: _quote_path(path)}
    return headers if account is None else {**headers, COPY_FROM_ACCOUNT: quote(account, safe="")}


def encode_range(range: ByteRange | None) -> dict[str, str]:
    """Encode the range of bytes that a plain GET or a COPY reads."""
    return {} if range is None else {RANGE: f"bytes={range}"}


_CONTENT_RANGE = re.compile(r"bytes[ =]([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")


def decode_range_length(headers: Mapping[str, str]) -> int | None:
    """Return the number of bytes in a partial response; None if the response isn't partial."""
    match = _CONTENT_RANGE.fullmatch(headers.get(CONTENT_RANGE, "").strip())
    return match and int(match[2]) - int(match[1]) + 1


def is_of_range(content_range: str, range: ByteRange) -> bool:
    """Tell whether a ``Content-Range`` or ``Storlet-Input-Range`` is the range that was requested."""
    match = _CONTENT_RANGE.fullmatch(content_range.strip())
    return match is not None and range.within(int(match[3])) == (int(match[1]), int(match[2]))


HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A header's name: a token (RFC 9110, 5.6.2)."""

_HIDDEN = "(hidden)"
_KEYS = re.compile(rf"(X-[A-Za-z]+-Meta-)?{TEMP_URL_KEY}.*|{CONTAINER_SYNC_KEY}|{AUTH_TOKEN}", re.IGNORECASE)


def without_keys(headers: Mapping[str, str]) -> HeaderDict:
    """Hide the values of headers, or of metadata by their keys, that grant access to an account."""
    return HeaderDict((name, _HIDDEN if value and _KEYS.fullmatch(name) else value) for name, value in headers.items())


METADATA_VALUE_BYTES, METADATA_COUNT = 256, 90
"""Swift's default limits: the bytes of a value, and the items of an object (``swift/common/constraints.py``)."""

HEADER_BYTES = 8192
"""Swift's default ``max_header_size``: a header line, with its line end, must be shorter (eventlet ``wsgi.py``)."""

HEADERS_BYTES = 65536
"""The limit for all header lines together, in bytes (eventlet ``wsgi.py: MAX_TOTAL_HEADER_SIZE``)."""


def oversize(headers: Mapping[str, str], limit: int) -> str:
    """Describe the header that exceeds the server's limit, for which the server returns a bare 400.

    :param limit: the length in bytes that each header line must stay below
    :returns: empty if all headers can be sent
    """
    sizes = {name: len(name) + len(value.encode("utf-8", "surrogateescape")) + 4 for name, value in headers.items()}
    for name, size in sizes.items():
        if size >= limit:
            is_parameter = name.startswith(PARAMETER)
            subject = f"parameter {unquote(headers[name].partition(':')[0])}" if is_parameter else f"header {name}"
            return f"{subject} is too large: {size} bytes on the wire, but the server accepts fewer than {limit}"
    total = sum(sizes.values())
    if total >= HEADERS_BYTES:
        return (
            f"parameters and headers are too large: {total} bytes on the wire, "
            f"but servers accept fewer than {HEADERS_BYTES}"
        )
    return ""


def encode_grant(user: str, storlet: str) -> dict[str, str]:
    """Encode a storlet ACL as headers of a container's POST; the server adds it to the read ACL."""
    return {STORLET_READ: user, STORLET_NAME: storlet}


def encode_acl(name: str, entries: tuple[str, ...]) -> dict[str, str]:
    """Encode an ACL as the header of a container's POST, which replaces the ACL, or removes it if it is empty."""
    return {name: ",".join(entries)} if entries else {name.replace("X-", "X-Remove-", 1): "all"}


@typed_equality
class StorletDescription(NamedTuple):
    """The description stored with a storlet object.

    :param dependencies: the names of its dependency objects
    :param language_version: the Python version that runs it, such as ``3.11``; empty for the engine's default
    """

    language: str
    main: str
    dependencies: tuple[str, ...] = ()
    language_version: str = ""

    @property
    def is_function(self) -> bool:
        """Whether the storlet was made from a function."""
        return self.main.rpartition(".")[2] == FUNCTION_CLASS


def encode_storlet(description: StorletDescription) -> dict[str, str]:
    """Encode a storlet's description as the headers of its deployment."""
    headers = {
        CONTENT_TYPE: BINARY,
        LANGUAGE: description.language,
        INTERFACE_VERSION: "1.0",
        OBJECT_METADATA: "no",
        MAIN: description.main,
    }
    if description.dependencies:
        headers[DEPENDENCY] = ",".join(description.dependencies)
    if description.language_version:
        headers[LANGUAGE_VERSION] = description.language_version
    return headers


def decode_storlet(headers: Mapping[str, str]) -> StorletDescription:
    """Decode a storlet object's headers; missing ones become empty."""
    names = headers.get(DEPENDENCY, "").split(",")
    return StorletDescription(
        language=headers.get(LANGUAGE, ""),
        main=headers.get(MAIN, ""),
        dependencies=tuple(name.strip() for name in names if name.strip()),
        language_version=headers.get(LANGUAGE_VERSION, ""),
    )


def decode_metadata(headers: Mapping[str, str], prefix: str = USER_METADATA) -> HeaderDict:
    """Decode user metadata; those of an object by the names that a storlet sees.

    :param prefix: the prefix of their headers: see :func:`metadata_prefix`
    """
    folded = prefix.lower()
    return HeaderDict(
        (name[len(prefix) :], value) for name, value in headers.items() if name.lower().startswith(folded)
    )


def is_md5_of_body(headers: Mapping[str, str]) -> bool:
    """Tell whether an object's ETag is the MD5 of its bytes; a large object's is computed from its segments."""
    return DYNAMIC_MANIFEST not in headers and not is_static_manifest(headers)


def is_static_manifest(headers: Mapping[str, str]) -> bool:
    """Tell whether headers are those of a static large object."""
    return headers.get(STATIC_MANIFEST, "").lower() == "true"


def metadata_prefix(container: str, name: str) -> str:
    """Return the prefix of user metadata headers of an account, a container, or an object."""
    return USER_METADATA if name else "X-Container-Meta-" if container else "X-Account-Meta-"


def encode_dependency(
    version: str, packages: Mapping[str, str] = MappingProxyType({}), *, executable: bool
) -> dict[str, str]:
    """Encode a dependency's description as the headers of its upload.

    :param packages: the versions of the packages in it, by their names
    """
    return {
        CONTENT_TYPE: BINARY,
        DEPENDENCY_VERSION: version,
        DEPENDENCY_PERMISSIONS: "0755" if executable else "0644",
        **_encode_packages(packages),
    }


def _encode_packages(packages: Mapping[str, str]) -> dict[str, str]:
    """Distribute packages among as many headers as their values' length requires."""
    values: list[str] = []
    for name, version in packages.items():
        item = f"{name}=={version}"
        if values and len(values[-1]) + 1 + len(item) <= METADATA_VALUE_BYTES:
            values[-1] += f" {item}"
        else:
            values.append(item)
    return {f"{PACKAGES}{number}": value for number, value in enumerate(values, 1)}


def decode_packages(headers: Mapping[str, str]) -> dict[str, str]:
    """Decode the versions of the packages in a dependency, by their names; empty if it isn't an archive of packages."""
    numbers = range(1, METADATA_COUNT + 1)
    items = [item for number in numbers for item in headers.get(f"{PACKAGES}{number}", "").split()]
    return {name: version for name, mark, version in (item.partition("==") for item in items) if mark}


def decode_length(headers: Mapping[str, str]) -> int | None:
    """Decode the length of a body or an object, in bytes; None if it is unknown."""
    return read_count(headers.get(CONTENT_LENGTH, ""))


def decode_permissions(headers: Mapping[str, str]) -> int:
    """Decode a dependency's file mode; engines default to 0600 (``bring_from_cache``)."""
    text = headers.get(DEPENDENCY_PERMISSIONS, "")
    return int(text, 8) if re.fullmatch("0?o?[0-7]{1,4}", text) else 0o600


def is_storlet_refusal(body: bytes) -> bool:
    """Tell whether a 401 means that the user may not run the storlet, rather than that the token has expired.

    The middleware says so in the body (storlets ``handlers/proxy.py: verify_access_to_storlet``).
    """
    return b"Failed to verify access to the storlet" in body


_FAILURE_PREFIX = re.compile(r"Storlet \S+ failed \(\w+\): ")


def read_retry_after(headers: Mapping[str, str]) -> float:
    """Return the seconds to wait before the next request; 0 if the server doesn't say, or gives a date."""
    return float(read_count(headers.get(RETRY_AFTER, "")) or 0)


def failure_reason(body: str) -> str:
    """Extract the reason from the embedded Swift's message about a failed storlet."""
    return _FAILURE_PREFIX.sub("", body, count=1)


def is_account_disabled(body: bytes) -> bool:
    """Tell whether a 400 means that the account isn't enabled for storlets (``StorletProxyHandler.__init__``)."""
    return b"Account disabled for storlets" in body
