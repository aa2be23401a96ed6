"""Values to wire headers and back: every header name of Swift and of Storlets stands here and nowhere else.

The names are those of the Storlets API overview; where the running middleware differs from it, the source is named.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

from storlet_shell.values import Invocation, ObjectPath

AUTH_TOKEN = "X-Auth-Token"  # noqa: S105  a header's name, not a token
STORAGE_URL = "X-Storage-Url"
AUTH_USER = "X-Auth-User"
AUTH_KEY = "X-Auth-Key"
CONTENT_LENGTH = "Content-Length"
CONTENT_TYPE = "Content-Type"
DELETE_AFTER = "X-Delete-After"
DESTINATION = "Destination"
ETAG = "ETag"
RETRY_AFTER = "Retry-After"
TRANSACTION_ID = "X-Trans-Id"

RUN_STORLET = "X-Run-Storlet"
PARAMETER = "X-Storlet-Parameter-"
STORLET_RANGE = "X-Storlet-Range"
EXTRA_RESOURCES = "X-Storlet-Extra-Resources"
RUN_ON_PROXY = "X-Storlet-Run-On-Proxy"
GENERATE_LOG = "X-Storlet-Generate-Log"
GENERATED_FROM = "X-Storlet-Generated-From"
"""On the answer to a copy that a storlet made (storlets ``handlers/proxy.py: base_handle_copy_request``)."""
LOG_QUERY = "storlet-log"
"""The account's query that the embedded Swift answers with a storlet's kept log."""

INPUT_RANGE = "Storlet-Input-Range"
FAILURE = "X-Storlet-Shell-Failure"
"""How a storlet failed; only the embedded Swift says it."""

STORLETS_ENABLED = "X-Account-Meta-Storlet-Enabled"
DYNAMIC_MANIFEST = "X-Object-Manifest"

USER_METADATA = "X-Object-Meta-"

LANGUAGE = "X-Object-Meta-Storlet-Language"
INTERFACE_VERSION = "X-Object-Meta-Storlet-Interface-Version"
OBJECT_METADATA = "X-Object-Meta-Storlet-Object-Metadata"
MAIN = "X-Object-Meta-Storlet-Main"
DEPENDENCY = "X-Object-Meta-Storlet-Dependency"
DEPENDENCY_VERSION = "X-Object-Meta-Storlet-Dependency-Version"
DEPENDENCY_PERMISSIONS = "X-Object-Meta-Storlet-Dependency-Permissions"

BINARY = "application/octet-stream"

STORLET_CONTAINER = "storlet"
DEPENDENCY_CONTAINER = "dependency"
LOG_CONTAINER = "storletlog"
"""The containers' default names; ``GET /info`` tells those of a cluster."""


def encode_invocation(invocation: Invocation) -> dict[str, str]:
    """Encode a storlet's run as the headers of the GET, PUT or COPY that it runs on.

    Keys and values are percent-quoted: the middleware unquotes the whole and splits it at the first colon (storlets
    ``handlers/base.py: _update_storlet_parameters_from_headers``). A range is run on the proxy, where every form of a
    single range is right; extra resources force the proxy themselves.
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
    return headers


def _quote_path(path: ObjectPath) -> str:
    return f"/{quote(path.container, safe='')}/{quote(path.name, safe='/')}"


def encode_expiry(seconds: int) -> dict[str, str]:
    """Encode after how many seconds the cluster removes an object."""
    return {DELETE_AFTER: str(seconds)}


def encode_destination(path: ObjectPath) -> dict[str, str]:
    """Encode where a COPY puts its result."""
    return {DESTINATION: _quote_path(path).removeprefix("/")}


class StorletDescription(NamedTuple):
    """What the storlet's object says of itself.

    :param dependencies: the names of its dependency objects
    """

    language: str
    main: str
    dependencies: tuple[str, ...] = ()


def encode_storlet(description: StorletDescription) -> dict[str, str]:
    """Encode a storlet's description as the headers that its deployment must carry."""
    headers = {
        CONTENT_TYPE: BINARY,
        LANGUAGE: description.language,
        INTERFACE_VERSION: "1.0",
        OBJECT_METADATA: "no",
        MAIN: description.main,
    }
    if description.dependencies:
        headers[DEPENDENCY] = ",".join(description.dependencies)
    return headers


def decode_storlet(headers: Mapping[str, str]) -> StorletDescription:
    """Decode a storlet object's headers; what was not stored is empty."""
    names = headers.get(DEPENDENCY, "").split(",")
    return StorletDescription(
        language=headers.get(LANGUAGE, ""),
        main=headers.get(MAIN, ""),
        dependencies=tuple(name.strip() for name in names if name.strip()),
    )


def decode_metadata(headers: Mapping[str, str]) -> dict[str, str]:
    """Decode an object's user metadata, under the names by which a storlet reads them."""
    return {
        name[len(USER_METADATA) :]: value
        for name, value in headers.items()
        if name.lower().startswith(USER_METADATA.lower())
    }


def encode_dependency(version: str, *, executable: bool) -> dict[str, str]:
    """Encode a dependency's description as the headers that its upload must carry."""
    return {
        CONTENT_TYPE: BINARY,
        DEPENDENCY_VERSION: version,
        DEPENDENCY_PERMISSIONS: "0755" if executable else "0644",
    }


def is_storlet_refusal(body: bytes) -> bool:
    """Tell whether a 401 says that the storlet can't be run, rather than that the token has expired.

    The text is the middleware's (storlets ``handlers/proxy.py: verify_access_to_storlet``).
    """
    return b"Failed to verify access to the storlet" in body


_FAILURE_PREFIX = re.compile(r"Storlet \S+ failed \(\w+\): ")


def failure_reason(body: str) -> str:
    """Return why a storlet failed, of the sentence in which the embedded Swift says it."""
    return _FAILURE_PREFIX.sub("", body, count=1)


def is_account_disabled(body: bytes) -> bool:
    """Tell whether a 400 says that the account is not enabled for storlets (``StorletProxyHandler.__init__``)."""
    return b"Account disabled for storlets" in body
