"""The headers of an account, a container or an object: asked for by HEAD, changed by POST."""

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
"""Swift's spellings (swift ``common/utils: TRUE_VALUES``)."""


@typed_equality
class Info(NamedTuple):
    """What a HEAD says of an account, a container or an object.

    :param location: the empty one is the account
    :param headers: those of the answer; a name is found in any case
    :param link: where a symbolic link led, as users spell it; empty if there was none
    """

    location: Location
    headers: Mapping[str, str]
    link: str = ""
    transaction_id: str = ""

    @property
    def kind(self) -> str:
        """Which of ``account``, ``container`` and ``object`` it is."""
        return "object" if self.location.prefix else "container" if self.location.container else "account"

    @property
    def size(self) -> int | None:
        """How many bytes an object has; None where that isn't told."""
        return wire.decode_length(self.headers)

    @property
    def etag(self) -> str:
        """An object's ETag without quotes; empty without one."""
        return self.headers.get(wire.ETAG, "").strip('"')

    @property
    def metadata(self) -> dict[str, str]:
        """User metadata, without the prefix of their headers."""
        return wire.decode_metadata(self.headers, wire.metadata_prefix(*self.location))

    @property
    def is_manifest(self) -> bool:
        """Whether it is a static large object, or a link to one."""
        return wire.is_static_manifest(self.headers)

    @property
    def has_segments(self) -> bool:
        """Whether it is a static large object, rather than a link to one.

        What replaces or deletes a link leaves the link's target as it is, and so must its segments be.
        """
        return self.is_manifest and not self.link

    @property
    def is_enabled(self) -> bool:
        """Whether the account may run storlets."""
        return self.headers.get(wire.STORLETS_ENABLED, "").lower() in _TRUE


def head_request(location: Location | ObjectPath) -> Request:
    """Return the request that asks for the headers of an account, a container or an object."""
    return Request("HEAD", *location)


def head(client: Client, location: Location | ObjectPath = _ACCOUNT) -> Info:
    """Ask for the headers of an account, a container or an object.

    :raises NotFoundError: when it is not there
    """
    reply = client.send(head_request(location))
    reply.close()
    location = Location(*location)
    link = link_target(reply.headers, client.account, location) if location.prefix else ""
    return Info(location, reply.headers, link, reply.transaction_id)


def find(client: Client, location: Location | ObjectPath) -> Info | None:
    """Ask for the headers of a container or an object; None when it is not there."""
    try:
        return head(client, location)
    except NotFoundError:
        return None


def exists(client: Client, location: Location | ObjectPath) -> bool:
    """Tell whether a container or an object is there."""
    return find(client, location) is not None


def link_target(headers: Mapping[str, str], account: str, location: Location) -> str:
    """Return where a symbolic link led a request for an object, as users spell it; empty when there was none.

    An older version of the object itself is named in the same way (swift ``symlink.py``, ``object_versioning.py``).
    """
    try:
        led_to = unquote(urlsplit(headers.get(wire.CONTENT_LOCATION, "")).path)
    except ValueError:  # it is no URL
        return ""
    parts = led_to.split("/", 3)
    if len(parts) < 4 or led_to.endswith(f"/{account}/{location.container}/{location.prefix}"):
        return ""
    *_, target_account, target = parts
    return f"path:/{target}" + ("" if target_account == account else f" of account {target_account}")


@typed_equality
class Change(NamedTuple):
    """What a POST has changed.

    :param changed: headers by their names; those without a value were removed
    :param absent: the names of those that were to be removed, and were not there
    """

    changed: Mapping[str, str]
    absent: tuple[str, ...]


def post_request(location: Location, changes: Mapping[str, str], before: Mapping[str, str] | None = None) -> Request:
    """Return the POST that changes headers of an account, a container or an object.

    :param changes: headers by their names; those without a value go
    :param before: an object's headers, of which a POST takes those away that it doesn't repeat
    """
    changed = {name.lower() for name in changes}
    if wire.EXPIRES_AFTER.lower() in changed:
        changed.add(wire.EXPIRES.lower())  # what the server keeps of it
    stay = {name: value for name, value in _repeated(before or {}).items() if name.lower() not in changed}
    wanted = {name: value for name, value in changes.items() if value or not location.prefix}
    return Request("POST", *location, headers={**stay, **wanted})


def post(client: Client, location: Location, changes: Mapping[str, str]) -> Change:
    """Change headers of an account, a container or an object; its others stay as they are.

    The server replaces an object's metadata as a whole, so that those that are there are read first and sent along.
    What another client changes in between is lost.

    :param changes: headers by their names; those without a value are removed
    :raises NotFoundError: when it is not there
    :raises UsageError: when it is a symbolic link
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
    """Return the headers that are there.

    :raises UsageError: when it is a symbolic link, whose own metadata nobody sees: a POST to it would change those
    """
    info = head(client, location)
    if info.link:
        raise UsageError(f"{location} is a symbolic link to {info.link}; post to that")
    return info.headers


def _repeated(headers: Mapping[str, str]) -> dict[str, str]:
    """Return what an object's POST would take away unless it repeats it."""
    names = {name.lower() for name in wire.KEPT_BY_UPLOADS_ONLY}
    return {
        name: value
        for name, value in headers.items()
        if name.lower() in names or name.lower().startswith(wire.USER_METADATA.lower())
    }
