"""Temporary URLs: signed links to objects, which work without a token until they expire.

Source: swift ``common/middleware/tempurl.py``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from storlet_shell.equality import typed_equality
from storlet_shell.errors import Action, Hint, IdentityError, NotFoundError, StorletShellError, UsageError
from storlet_shell.store.metadata import head, head_request, post, post_request
from storlet_shell.values import Location, names_container, no_object
from storlet_shell.wire import headers as wire
from storlet_shell.wire.requests import Request

if TYPE_CHECKING:
    from storlet_shell.wire.client import Client

METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE")
"""The methods that Swift allows by default."""

_DIGESTS = ("sha256", "sha512", "sha1")
"""Digests in order of preference; clusters that don't publish theirs know only the last (Swift before 2.23)."""

_KEYS = (wire.TEMP_URL_KEY, f"{wire.TEMP_URL_KEY}-2")
_KEY_BYTES = 32


@typed_equality
class Signed(NamedTuple):
    """What a temporary URL allows.

    :param target: an object, or a prefix of objects' names
    :param method: GET includes HEAD; so do PUT, POST and DELETE
    :param expires_at: in seconds since 1970
    :param is_prefix: whether the URL is for all objects whose names start with the target's
    """

    target: Location
    method: str
    expires_at: int
    is_prefix: bool = False


def check(client: Client, signed: Signed) -> None:
    """Check that a cluster would accept a temporary URL; sends no request for the object.

    :raises UsageError: if the target isn't an object, or the cluster doesn't allow the method
    :raises StorletShellError: if the cluster doesn't offer temporary URLs
    """
    check_target(signed.target, is_prefix=signed.is_prefix)
    sections = client.capabilities()
    if sections and "tempurl" not in sections:
        raise StorletShellError("this cluster doesn't offer temporary URLs (its GET /info has no section tempurl)")
    methods = sections.get("tempurl", {}).get("methods", METHODS)
    if signed.method not in methods:
        raise UsageError(f"temporary URLs of this cluster can't be for {signed.method}, only for {', '.join(methods)}")


def check_target(target: Location, *, is_prefix: bool) -> None:
    """Check that a target is an object, or a prefix in a container.

    :raises UsageError: if it isn't
    """
    if not target.container:
        raise no_object(str(target))
    if not (target.prefix or is_prefix):
        raise names_container(target.container, target.container)


def key_requests(container: str) -> list[Request]:
    """Return the requests that find the key for a container."""
    return [head_request(Location(container)), head_request(Location())]


def find_key(client: Client, container: str) -> str:
    """Return the key that signs temporary URLs: the account's, or else the container's; empty if neither has one.

    The account's comes first, since a URL that is signed by the container's can't read a large object: its segments
    are in another container.

    :raises NotFoundError: if the container doesn't exist
    :raises IdentityError: if neither key may be read
    """
    own = _key_in(client, Location(container))
    try:
        return _key_in(client, Location()) or own
    except IdentityError:
        if not own:
            raise
        return own


def _key_in(client: Client, location: Location) -> str:
    metadata = head(client, location).metadata
    return next((metadata[name] for name in _KEYS if metadata.get(name)), "")


def new_key() -> str:
    """Return a random key."""
    return secrets.token_urlsafe(_KEY_BYTES)


def set_key_request(key: str) -> Request:
    """Return the request that sets the account's key."""
    return post_request(Location(), _key_header(key))


def set_key(client: Client, key: str) -> None:
    """Set the account's key; URLs that were signed with another one no longer work.

    :raises IdentityError: if this user may not change the account
    """
    post(client, Location(), _key_header(key))


def _key_header(key: str) -> dict[str, str]:
    return {f"{wire.metadata_prefix('', '')}{wire.TEMP_URL_KEY}": key}


def sign(client: Client, signed: Signed, key: str) -> str:
    """Return a temporary URL; sends no request.

    :param key: see :func:`find_key`
    """
    container, name = signed.target
    path = f"/v1/{unquote(client.account)}/{container}/{name}"  # whatever a gateway puts in front of it
    message = f"{signed.method}\n{signed.expires_at}\n{'prefix:' if signed.is_prefix else ''}{path}"
    query = [("temp_url_sig", _signature(client, message, key)), ("temp_url_expires", str(signed.expires_at))]
    if signed.is_prefix:
        query.append(("temp_url_prefix", name))
    url = client.url(Request(signed.method, container, name, query=tuple(query)))
    return url if name else url.replace("?", "/?", 1)  # the name of an object goes there


def _signature(client: Client, message: str, key: str) -> str:
    allowed = client.capabilities().get("tempurl", {}).get("allowed_digests", ["sha1"])
    digest = next((digest for digest in _DIGESTS if digest in allowed), _DIGESTS[0])
    signature = hmac.new(key.encode(), message.encode(), getattr(hashlib, digest))
    if digest != "sha512":
        return signature.hexdigest()
    return "sha512:" + base64.urlsafe_b64encode(signature.digest()).decode()  # the server takes no hexadecimal of it


def temporary_url(client: Client, signed: Signed) -> str:
    """Return a temporary URL for an object, or for all objects below a prefix.

    :raises NotFoundError: if the container doesn't exist, or neither it nor the account has a key
    :raises UsageError: as for :func:`check`
    """
    check(client, signed)
    key = find_key(client, signed.target.container)
    if not key:
        hint = Hint(Action.SET_KEY)
        raise NotFoundError("has no key for temporary URLs", subject=f"account {client.account}", hint=hint)
    return sign(client, signed, key)
