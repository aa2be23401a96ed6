"""Read the headers of an account, a container or an object by HEAD, and change them by POST."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from storlet_shell.equality import typed_equality
from storlet_shell.errors import NotFoundError, UsageError
from storlet_shell.values import Location, ObjectPath
from storlet_shell.wire import headers as wire
from storlet_shell.wire.requests import Request

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client

_ACCOUNT = Location()
_TRUE = ("true", "1", "yes", "on", "t", "y")
"""Values that Swift takes for true (swift ``common/utils: TRUE_VALUES``)."""


@typed_equality
class Info(NamedTuple):
    """The headers of an account, a container or an object.

    :param location: empty for the account
    :param headers: the response headers; a name is found in any case
    :param link: the target of a symbolic link, as users spell it; empty if the object isn't a link
    """

    location: Location
    headers: Mapping[str, str]
    link: str = ""
    transaction_id: str = ""

    @property
    def kind(self) -> str:
        """``account``, ``container`` or ``object``."""
        return "object" if self.location.prefix else "container" if self.location.container else "account"

    @property
    def size(self) -> int | None:
        """The size of an object in bytes; None if unknown."""
        return wire.decode_length(self.headers)

    @property
    def etag(self) -> str:
        """The ETag of an object, without quotes; empty without one."""
        return self.headers.get(wire.ETAG, "").strip('"')

    @property
    def metadata(self) -> dict[str, str]:
        """The user metadata, by names without the header prefix."""
        return wire.decode_metadata(self.headers, wire.metadata_prefix(*self.location))

    @property
    def is_manifest(self) -> bool:
        """Whether it is a static large object, or a link to one."""
        return wire.is_static_manifest(self.headers)

    @property
    def has_segments(self) -> bool:
        """Whether it is a static large object, and not a link to one.

        Replacing or deleting a link doesn't affect its target, so the target's segments must stay.
        """
        return self.is_manifest and not self.link

    @property
    def is_enabled(self) -> bool:
        """Whether the account may run storlets."""
        return self.headers.get(wire.STORLETS_ENABLED, "").lower() in _TRUE


def head_request(location: Location | ObjectPath) -> Request:
    """Return the HEAD of an account, a container or an object."""
    return Request("HEAD", *location)


def head(client: Client, location: Location | ObjectPath = _ACCOUNT) -> Info:
    """Request the headers of an account, a container or an object.

    :raises NotFoundError: if it doesn't exist
    """
    reply = client.send(head_request(location))
    reply.close()
    location = Location(*location)
    link = link_target(reply.headers, client.account, location) if location.prefix else ""
    return Info(location, reply.headers, link, reply.transaction_id)


def find(client: Client, location: Location | ObjectPath) -> Info | None:
    """Request the headers of a container or an object; return None if it doesn't exist."""
    try:
        return head(client, location)
    except NotFoundError:
        return None


def exists(client: Client, location: Location | ObjectPath) -> bool:
    """Tell whether a container or an object exists."""
    return find(client, location) is not None


def link_target(headers: Mapping[str, str], account: str, location: Location) -> str:
    """Return the target of a symbolic link from its response headers; empty if the object isn't a link.

    A response names an older version of the object in the same header (swift ``symlink.py``,
    ``object_versioning.py``).
    """
    try:
        target_path = unquote(urlsplit(headers.get(wire.CONTENT_LOCATION, "")).path)
    except ValueError:  # not a URL
        return ""
    parts = target_path.split("/", 3)
    if len(parts) < 4 or target_path.endswith(f"/{account}/{location.container}/{location.prefix}"):
        return ""
    *_, target_account, target = parts
    return f"path:/{target}" + ("" if target_account == account else f" of account {target_account}")


@typed_equality
class Change(NamedTuple):
    """The changes made by a POST.

    :param changed: headers by name; those with an empty value were removed
    :param absent: names of headers that were to be removed, but didn't exist
    """

    changed: Mapping[str, str]
    absent: tuple[str, ...]


def post_request(location: Location, changes: Mapping[str, str], before: Mapping[str, str] | None = None) -> Request:
    """Return the POST that changes headers of an account, a container or an object.

    :param changes: headers by name; those with an empty value are removed
    :param before: the object's current headers, which a POST removes unless it repeats them; None for others
    """
    changed = {name.lower() for name in changes}
    if wire.EXPIRES_AFTER.lower() in changed:
        changed.add(wire.EXPIRES.lower())  # the server stores it as this header
    repeated = {name: value for name, value in kept_headers(before or {}).items() if name.lower() not in changed}
    new = {name: value for name, value in changes.items() if value or not location.prefix}
    return Request("POST", *location, headers={**repeated, **new})


def post(client: Client, location: Location, changes: Mapping[str, str]) -> Change:
    """Change headers of an account, a container or an object, and keep its other headers.

    The server replaces an object's metadata as a whole, so the current ones are read first and sent again. A change
    that another client makes in between is lost.

    :param changes: headers by name; those with an empty value are removed
    :raises NotFoundError: if it doesn't exist
    :raises UsageError: if it is a symbolic link
    """
    prefix = wire.metadata_prefix(*location)
    removed = {name for name, value in changes.items() if not value and name.lower().startswith(prefix.lower())}
    before = _read_before(client, location) if location.prefix or removed else {}
    absent = tuple(name for name in changes if name in removed and name not in before)
    changed = {name: value for name, value in changes.items() if name not in absent}
    if changed:
        client.send(post_request(location, changed, before if location.prefix else None)).read()
    return Change(changed, absent)


def _read_before(client: Client, location: Location) -> Mapping[str, str]:
    """Return the current headers.

    :raises UsageError: if it is a symbolic link: a POST would change the link's own metadata, which nobody sees
    """
    info = head(client, location)
    if info.link:
        raise UsageError(f"{location} is a symbolic link to {info.link}; change the metadata of its target instead")
    return info.headers


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of an object that stay only if a request repeats them: metadata, the expiry, and others."""
    names = {name.lower() for name in wire.KEPT_BY_UPLOADS_ONLY}
    return {
        name: value
        for name, value in headers.items()
        if name.lower() in names or name.lower().startswith(wire.USER_METADATA.lower())
    }
