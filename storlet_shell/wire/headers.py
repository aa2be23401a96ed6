"""Values to wire headers and back: every header name of Swift and of Storlets stands here and nowhere else.

The names are those of the Storlets API overview; where the running middleware differs from it, the source is named.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, unquote

from storlet_shell.equality import typed_equality
from storlet_shell.errors import UsageError
from storlet_shell.values import HEADER_CONTROL, ByteRange, Invocation, ObjectPath, check_text, read_count
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
"""Has the embedded engine let a storlet leave inputs unread; others do so in any case."""
GENERATED_FROM = "X-Storlet-Generated-From"
"""On the answer to a copy that a storlet made (storlets ``handlers/proxy.py: base_handle_copy_request``)."""
LOG_QUERY = "storlet-log"
"""The account's query that the embedded Swift answers with a storlet's kept log."""

INPUT_RANGE = "Storlet-Input-Range"
FAILURE = "X-Storlet-Shell-Failure"
"""How a storlet failed; only the embedded Swift says it."""

RAN_ON = "X-Storlet-Shell-Ran-On"
"""Where the storlet ran whose result an answer is, ``proxy`` or ``object``; only the embedded Swift says it."""
UNRUN = "unrun"
"""The kind of failure of a copy whose source no server has run the storlet over (``embedded/middleware/source.py``)."""

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
"""What the names of account and container metadata begin with that sign temporary URLs: their values are secrets."""

PLACE_OF_POLICY = "X-Container-Meta-Storlet-Place-"
"""On the container of the storlets: with a storage policy's name, the place where reads run: see :data:`PLACES`."""
PLACES = {True: "node", False: "proxy"}
"""By whether the nodes of a storage policy run storlets."""

USER_METADATA = "X-Object-Meta-"
MODIFIED = "X-Object-Meta-Mtime"
"""When a file that was uploaded had last been changed, in seconds since 1970: python-swiftclient's convention."""

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
"""What a POST to an object takes away unless it repeats it, besides the user metadata (swift ``obj/server.py: POST``
with ``DEFAULT_ALLOWED_HEADERS``)."""

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
    if invocation.allow_unread:
        headers[ALLOW_UNREAD] = "True"
    return headers


def _quote_path(path: ObjectPath) -> str:
    return f"/{quoted(path.container, '')}/{quoted(path.name)}"


def encode_expiry(seconds: int) -> dict[str, str]:
    """Encode after how many seconds the cluster removes an object."""
    return {DELETE_AFTER: str(seconds)}


def encode_destination(path: ObjectPath) -> dict[str, str]:
    """Encode where a COPY puts its result."""
    return {DESTINATION: _quote_path(path).removeprefix("/")}


def encode_origin(path: ObjectPath, account: str | None = None) -> dict[str, str]:
    """Encode from where a PUT without a body takes its object.

    :param account: the account that holds it, if it is another one
    """
    headers = {COPY_FROM: _quote_path(path)}
    return headers if account is None else {**headers, COPY_FROM_ACCOUNT: quote(account, safe="")}


def encode_range(range: ByteRange | None) -> dict[str, str]:
    """Encode which bytes of an object a plain GET is to send, or a COPY to read."""
    return {} if range is None else {RANGE: f"bytes={range}"}


_CONTENT_RANGE = re.compile(r"bytes[ =]([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")


def decode_range_length(headers: Mapping[str, str]) -> int | None:
    """Decode how many bytes the part has that an answer says it is; None of an answer that is no part."""
    match = _CONTENT_RANGE.fullmatch(headers.get(CONTENT_RANGE, "").strip())
    return match and int(match[2]) - int(match[1]) + 1


def is_of_range(told: str, range: ByteRange) -> bool:
    """Tell whether an answer's ``Content-Range`` or ``Storlet-Input-Range`` is of the range that was asked for."""
    match = _CONTENT_RANGE.fullmatch(told.strip())
    return match is not None and range.within(int(match[3])) == (int(match[1]), int(match[2]))


@typed_equality
class Header(NamedTuple):
    """A header of the user's own."""

    name: str
    value: str

    @classmethod
    def parse(cls, text: str) -> Header:
        """Read ``NAME: VALUE``; the blank, or the value, may be left out.

        :raises UsageError: when it is not that, holds control characters, or is one that an option or the client sets
        """
        name, colon, value = text.partition(":")
        if not colon or not HEADER_NAME.fullmatch(name):
            raise UsageError(f"a header is written NAME:VALUE: {text!r}")
        if HEADER_CONTROL.search(value):
            raise UsageError(f"a header can't hold control characters: {text!r}")
        header = cls(name, check_text(value.strip(), "a header"))
        instead = _OWNED.get(name.lower(), _OWNED[PARAMETER] if name.lower().startswith(PARAMETER.lower()) else "")
        if instead:
            raise UsageError(f"{name} is no header of yours to set: {instead}")
        if name.lower() in ("referer", "referrer") and "storlets" in header.value:
            raise UsageError("the storlets middleware forbids every request whose Referer holds 'storlets'")
        return header

    def __str__(self) -> str:
        return f"{self.name}:{self.value}"


HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A token (RFC 9110, 5.6.2), as every header's name is."""

_IDENTITY = "the login sets it; see: whoami"
_CONNECTION = "it is the connection's"
_OWNED: Mapping[str, str] = {
    PARAMETER: "use -p KEY=VALUE",
    **{
        name.lower(): instead
        for name, instead in (
            (AUTH_TOKEN, _IDENTITY),
            (AUTH_USER, _IDENTITY),
            (AUTH_KEY, _IDENTITY),
            ("X-Service-Token", _IDENTITY),
            ("Authorization", _IDENTITY),
            (RUN_STORLET, "use --storlet NAME"),
            (STORLET_RANGE, "use --range"),
            (RANGE, "use --range"),
            (EXTRA_RESOURCES, "use --extra path:/CONTAINER/OBJECT"),
            (RUN_ON_PROXY, "use --on-proxy or --on-node"),
            (GENERATE_LOG, "use --generate-log"),
            (ALLOW_UNREAD, "use --allow-unread"),
            (DESTINATION, "use copy"),
            (COPY_FROM, "use copy --verb PUT"),
            (COPY_FROM_ACCOUNT, "use copy --from-account ACCOUNT"),
            ("Destination-Account", "use copy --from-account ACCOUNT with the other account's identity"),
            (CONTENT_LENGTH, _CONNECTION),
            ("Transfer-Encoding", _CONNECTION),
            ("Connection", _CONNECTION),
            ("Expect", _CONNECTION),
            ("Host", _CONNECTION),
            ("Accept-Encoding", _CONNECTION),
        )
    },
}
"""Headers that are made from a line's other words, by their names in lower case, with what to use instead."""

_HIDDEN = "(hidden)"
_KEYS = re.compile(rf"(X-[A-Za-z]+-Meta-)?{TEMP_URL_KEY}.*|{CONTAINER_SYNC_KEY}|{AUTH_TOKEN}", re.IGNORECASE)


def without_keys(headers: Mapping[str, str]) -> HeaderDict:
    """Return headers, or metadata by their keys, as they may be shown: those hidden whose values open an account."""
    return HeaderDict((name, _HIDDEN if value and _KEYS.fullmatch(name) else value) for name, value in headers.items())


CONDITIONS = frozenset({"if-match", "if-none-match", "if-modified-since", "if-unmodified-since"})
"""Headers that make a request depend on the object, in lower case."""

HEADER_BYTES = 8192
"""Swift's default ``max_header_size``: a header's line, with its end, must be shorter (eventlet ``wsgi.py``)."""

HEADERS_BYTES = 65536
"""What all header lines together may have (eventlet ``wsgi.py: MAX_TOTAL_HEADER_SIZE``)."""


def oversize(headers: Mapping[str, str], limit: int) -> str:
    """Say what of a request's headers a server does not take, for which it answers a 400 without a word.

    :param limit: what one line must be shorter than, in bytes
    :returns: nothing when all can be sent
    """
    sizes = {name: len(name) + len(value.encode("utf-8", "surrogateescape")) + 4 for name, value in headers.items()}
    for name, size in sizes.items():
        if size >= limit:
            what = f"header {name}"
            if name.startswith(PARAMETER):
                what = f"parameter {unquote(headers[name].partition(':')[0])}"
            return f"{what} has {size} bytes on the wire, and the server takes less than {limit}"
    total = sum(sizes.values())
    if total >= HEADERS_BYTES:
        return f"parameters and headers have {total} bytes on the wire, and servers take less than {HEADERS_BYTES}"
    return ""


def encode_grant(user: str, storlet: str) -> dict[str, str]:
    """Encode a storlet ACL as the headers of a container's POST, which adds it to the read ACL."""
    return {STORLET_READ: user, STORLET_NAME: storlet}


def encode_acl(name: str, entries: tuple[str, ...]) -> dict[str, str]:
    """Encode an ACL as the header of a container's POST, which replaces it; one without entries is removed."""
    return {name: ",".join(entries)} if entries else {name.replace("X-", "X-Remove-", 1): "all"}


@typed_equality
class StorletDescription(NamedTuple):
    """What the storlet's object says of itself.

    :param dependencies: the names of its dependency objects
    :param language_version: the Python that runs it, such as ``3.11``; empty for the engine's own
    """

    language: str
    main: str
    dependencies: tuple[str, ...] = ()
    language_version: str = ""


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
    if description.language_version:
        headers[LANGUAGE_VERSION] = description.language_version
    return headers


def decode_storlet(headers: Mapping[str, str]) -> StorletDescription:
    """Decode a storlet object's headers; what was not stored is empty."""
    names = headers.get(DEPENDENCY, "").split(",")
    return StorletDescription(
        language=headers.get(LANGUAGE, ""),
        main=headers.get(MAIN, ""),
        dependencies=tuple(name.strip() for name in names if name.strip()),
        language_version=headers.get(LANGUAGE_VERSION, ""),
    )


def decode_metadata(headers: Mapping[str, str], prefix: str = USER_METADATA) -> HeaderDict:
    """Decode user metadata, an object's under the names by which a storlet reads them.

    :param prefix: what their headers start with: see :func:`metadata_prefix`
    """
    folded = prefix.lower()
    return HeaderDict(
        (name[len(prefix) :], value) for name, value in headers.items() if name.lower().startswith(folded)
    )


def is_md5_of_body(headers: Mapping[str, str]) -> bool:
    """Tell whether an object's ETag is the MD5 of its bytes: not a large object's, which is made of its segments."""
    return DYNAMIC_MANIFEST not in headers and not is_static_manifest(headers)


def is_static_manifest(headers: Mapping[str, str]) -> bool:
    """Tell whether an object's headers say that it is a static large object."""
    return headers.get(STATIC_MANIFEST, "").lower() == "true"


def metadata_prefix(container: str, name: str) -> str:
    """Return what the headers of user metadata start with, on an account, a container, or an object."""
    return USER_METADATA if name else "X-Container-Meta-" if container else "X-Account-Meta-"


def encode_dependency(version: str, *, executable: bool) -> dict[str, str]:
    """Encode a dependency's description as the headers that its upload must carry."""
    return {
        CONTENT_TYPE: BINARY,
        DEPENDENCY_VERSION: version,
        DEPENDENCY_PERMISSIONS: "0755" if executable else "0644",
    }


def decode_length(headers: Mapping[str, str]) -> int | None:
    """Decode how many bytes a body or an object has; None where that is not told."""
    return read_count(headers.get(CONTENT_LENGTH, ""))


def decode_permissions(headers: Mapping[str, str]) -> int:
    """Decode what a dependency's owner may do with it; without a word, engines take 0600 (``bring_from_cache``)."""
    text = headers.get(DEPENDENCY_PERMISSIONS, "")
    return int(text, 8) if re.fullmatch("0?o?[0-7]{1,4}", text) else 0o600


def is_storlet_refusal(body: bytes) -> bool:
    """Tell whether a 401 says that the storlet can't be run, rather than that the token has expired.

    The text is the middleware's (storlets ``handlers/proxy.py: verify_access_to_storlet``).
    """
    return b"Failed to verify access to the storlet" in body


_FAILURE_PREFIX = re.compile(r"Storlet \S+ failed \(\w+\): ")


def read_retry_after(headers: Mapping[str, str]) -> float:
    """Return for how many seconds the server wants to be left alone; a date counts as nothing said."""
    return float(read_count(headers.get(RETRY_AFTER, "")) or 0)


def failure_reason(body: str) -> str:
    """Return why a storlet failed, of the sentence in which the embedded Swift says it."""
    return _FAILURE_PREFIX.sub("", body, count=1)


def is_account_disabled(body: bytes) -> bool:
    """Tell whether a 400 says that the account is not enabled for storlets (``StorletProxyHandler.__init__``)."""
    return b"Account disabled for storlets" in body
